"""The reference of commands, read from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import typer

from social_scheduler.cli import EXIT_CODES, app
from social_scheduler.cli.docs_text import code, table
from social_scheduler.cli.shared import TOKEN
from social_scheduler.cli.workspace import PASSWORD
from social_scheduler.platforms import discover

COMMON = ("workspace", "json")
KINDS = {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command as people type it: `name` is `review show`; `parameters` are Typer's own."""

    name: str
    help: str
    parameters: tuple[Any, ...]

    @property
    def options(self) -> set[str]:
        """Every option it takes, with its dashes."""
        taken = {o for p in self.parameters for o in (*p.opts, *p.secondary_opts)}
        return {o for o in taken if o.startswith("-")} | {"-h", "--help"}


def commands() -> list[Command]:
    """Every command, in the order of the program's own help."""
    return list(_below(typer.main.get_command(app), ()))


def _below(command: Any, path: tuple[str, ...]) -> Iterator[Command]:
    below = getattr(command, "commands", None)
    if getattr(command, "hidden", False):
        return  # an old name of another one
    if below is None or getattr(command, "invoke_without_command", False):
        told = inspect.getdoc(command.callback) or command.help or ""
        yield Command(" ".join(path), told, tuple(command.params))
    for name, one in (below or {}).items():
        yield from _below(one, (*path, name))


def lines() -> Iterator[str]:
    """The page."""
    yield from _head()
    for command in commands():
        yield f"\n## social-scheduler {command.name}\n"
        yield command.help
        yield ""
        yield f"    {_usage(command)}"
        own = [p for p in command.parameters if p.name not in COMMON]
        if own:
            yield ""
            rows = [(_written(p), _explained(p)) for p in own]
            yield from table(("", "meaning"), rows)
        common = [p for p in command.parameters if p.name in COMMON]
        if common:
            told = " and ".join(code(p.opts[0]) for p in common)
            yield f"\nAlso {told}."


def _head() -> Iterator[str]:
    yield "`social-scheduler -h` and `social-scheduler COMMAND -h` say the same in the terminal."
    yield "Results go to standard output, everything else to standard error."
    yield "\n## Every command\n"
    yield from table(
        ("option", "meaning"),
        [
            (
                "`--workspace PATH`, `-w PATH`",
                "The workspace's folder; without: `SOCIAL_SCHEDULER_WORKSPACE`, "
                "else the current folder.",
            ),
            ("`--json`", "Print one JSON document instead of words for people."),
            ("`--help`, `-h`", "What the command does and takes."),
        ],
    )
    yield "\nA post is named `campaign/post`: the `campaign:` of its file and its own `id:`."
    yield "A moment is written `2026-11-20` or `2026-11-20T10:30+01:00`; without a zone it is UTC."
    yield "\n## Exit codes\n"
    yield from table(("code", "means"), [(str(n), told) for n, told in EXIT_CODES.items()])
    yield "\n## Environment\n"
    keys = sorted(
        {key for platform in discover().values() for key in platform.keys}
        | {k for p in discover().values() if p.sign_in for k in p.sign_in.app_keys}
    )
    yield from table(
        ("variable", "meaning"),
        [
            (code("SOCIAL_SCHEDULER_WORKSPACE"), "The workspace's folder."),
            (code(TOKEN), "A script's token, from `people token add`; goes before `login`."),
            (code(PASSWORD), "The password `init`, `login` and `people add` would ask for."),
            *(
                (
                    code(f"SOCIAL_SCHEDULER_{key.upper()}"),
                    "A key `accounts connect` or `accounts app` would ask for.",
                )
                for key in keys
            ),
            (code("XDG_CONFIG_HOME"), "Below it `login` keeps its sign-ins; else `~/.config`."),
        ],
    )
    yield "\n[Settings](settings.md) are variables too."


def _usage(command: Command) -> str:
    words = ["social-scheduler", command.name]
    for parameter in command.parameters:
        if parameter.name in COMMON:
            continue
        written = parameter.opts[0] if _is_option(parameter) else _metavar(parameter)
        if _is_option(parameter) and not parameter.is_flag:
            written += f" {_kind(parameter)}"
        words.append(written if parameter.required or written[0] == "[" else f"[{written}]")
    return " ".join(words)


def _written(parameter: Any) -> str:
    if not _is_option(parameter):
        return code(_metavar(parameter))
    value = "" if parameter.is_flag else f" {_kind(parameter)}"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(code(f"{name}{value}") for name in names)


def _explained(parameter: Any) -> str:
    told = str(parameter.help or "")
    if parameter.required and _is_option(parameter):
        told += " Required."
    if parameter.multiple:
        told += " May be given several times."
    default = parameter.default
    if _is_option(parameter) and default not in (None, "", False, -1, []) and not callable(default):
        told += f" Default: {default}."
    return told.strip()


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _kind(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    inner = get_args(annotation)
    return KINDS.get(inner[0] if inner else annotation, "TEXT")

"""What every command shares: the workspace, who acts, and how results are shown.

Results go to standard output (with --json as one JSON document), everything else to standard
error, so that commands can be chained.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import BaseModel
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from social_scheduler.app import Opened, open_workspace
from social_scheduler.errors import InvalidInput, NotSignedIn
from social_scheduler.services.actor import Actor
from social_scheduler.services.people import actor_for
from social_scheduler.services.reading import HistoryView

TOKEN = "SOCIAL_SCHEDULER_TOKEN"  # noqa: S105  (a variable's name)

Workspace = Annotated[
    Path,
    typer.Option(
        "--workspace",
        "-w",
        envvar="SOCIAL_SCHEDULER_WORKSPACE",
        help="The workspace's folder.",
        show_default="the current folder",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Reference = Annotated[str, typer.Argument(help="The post, as campaign/post.", metavar="POST")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def opened(workspace: Path) -> Iterator[Opened]:
    """The workspace, open; says so when it is a rehearsal."""
    with open_workspace(workspace.resolve()) as found:
        if found.context.kind == "rehearsal" and err.is_terminal:
            err.print("[black on yellow] REHEARSAL [/] nothing here is public.")
        yield found


@contextmanager
def acting(workspace: Path) -> Iterator[tuple[Opened, Actor]]:
    """The workspace, open, and whoever is signed in to it."""
    with opened(workspace) as found:
        yield found, actor_for(found.context, token(found), kinds=["login", "script"])


def login_file(uid: str) -> Path:
    """Where the sign-in to a workspace is kept: readable by this user only."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "social-scheduler" / "logins" / uid


def token(found: Opened) -> str:
    """The token to act with: from the environment, or from `login`."""
    if given := os.environ.get(TOKEN):
        return given
    path = login_file(found.context.uid)
    if not path.exists():
        raise NotSignedIn(
            "Nobody is signed in to this workspace.", "Run: social-scheduler login NAME"
        )
    if path.stat().st_mode & 0o077:
        raise NotSignedIn(
            f"Others on this machine can read {path}.", "Remove it and sign in again."
        )
    return path.read_text(encoding="utf-8").strip()


def secret(
    prompt: str,
    file: Path | None,
    variable: str,
    *,
    option: str = "--password-file",
    empty: bool = False,
) -> str:
    """A password from a file (- is standard input), the environment, or the terminal.

    With `empty` it may be left out.
    """
    if file is not None:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
        return text.rstrip("\n")
    if given := os.environ.get(variable):
        return given
    if not sys.stdin.isatty():
        if empty:
            return ""
        raise InvalidInput(
            f"{prompt}: nobody can be asked here.",
            f"Use {option}, or set {variable}.",
        )
    default = "" if empty else None
    return str(typer.prompt(prompt, default, hide_input=True, err=True, show_default=False))


def ask(question: str) -> None:
    """Go on only when a person says yes."""
    if not sys.stdin.isatty():
        raise InvalidInput("Nobody can be asked here.", "Add --yes to do it without being asked.")
    typer.confirm(question, abort=True, err=True)


def emit(data: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(plain(data), ensure_ascii=False, indent=2), flush=True)  # noqa: T201


def plain(value: Any) -> Any:
    """Dataclasses, moments and enums as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Sequence | set | frozenset):
        return [plain(v) for v in value]
    return str(value)


_SENTENCE = 20
"""Cells no wider than this are not folded."""


def table(*columns: str, rows: Sequence[Sequence[str]], empty: str) -> None:
    """A table for people; `empty` says how to fill it.

    Only sentences fold, between words: where there is no room for that, each row is a block.
    """
    if not rows:
        out.print(empty)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    needed = 2 * (len(columns) - 1)
    for column, *cells in zip(columns, *rows, strict=True):
        whole = max(cell_len(line) for cell in [column, *cells] for line in cell.split("\n"))
        word = max(cell_len(word) for cell in [column, *cells] for word in ["", *cell.split()])
        least = max(word, cell_len(column), min(whole, _SENTENCE))
        needed += least
        shown.add_column(column, overflow="fold", min_width=least, no_wrap=least == whole)
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    if needed <= out.width:
        out.print(shown)
        return
    room = max(map(len, columns))
    for number, row in enumerate(rows):
        if number:
            out.print()
        out.print(f"{columns[0]:{room + 2}}  {row[0]}", style="bold", markup=False)
        for column, cell in zip(columns[1:], row[1:], strict=True):
            if cell.strip():
                lines = cell.strip().replace("\n", "\n" + " " * (room + 4))
                out.print(f"  {column:{room}}  {lines}", markup=False)


def moment(value: datetime | None, zone: str = "UTC") -> str:
    """A moment with its zone, for people."""
    if value is None:
        return "—"
    local = value.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M} {zone}"


def told(line: HistoryView, *, of_one_post: bool = False) -> str:
    """One line of history: when, who, what, and what became of it."""
    post = None if of_one_post else line.post
    step = line.step.replace("_", " ")
    did = " ".join(x for x in (step, post, line.account and f"to {line.account}") if x)
    part = f" part {line.part}" if line.part else ""
    became = f" → {line.target}" if line.target else ""
    why = f": {line.why}" if line.why else ""
    return f"{line.at:%Y-%m-%d %H:%M:%S} UTC  {line.who}  {did}{part}{became}{why}"


def when(text: str | None) -> datetime | None:
    """A moment given as an option: `2026-11-20` or `2026-11-20 10:30`, UTC unless it says else."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no moment.", "Write 2026-11-20, or 2026-11-20T10:30+01:00."
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def good(text: str) -> None:
    """Something was done."""
    err.print(f"[green]✓[/] {escape(text)}")


def bad(text: str) -> None:
    """Something needs a person."""
    err.print(f"[red]✗[/] {escape(text)}")


def note(text: str) -> None:
    """Something to know."""
    err.print(f"[dim]{escape(text)}[/]")

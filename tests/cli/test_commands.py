"""The command line as a whole: every command explains itself, and scripts can read every answer."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from social_scheduler import errors
from social_scheduler.cli import EXIT_CODES, app

RUNNER = CliRunner()
WITHOUT_JSON = {"sandbox run", "run", "demo", "web", "work", "sandbox"}
"""Commands that run until they are stopped, or print nothing but a line a moment."""


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        here = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, here)  # type: ignore[arg-type]
        else:
            yield here, command


ROOT = typer.main.get_command(app)
ALL = dict(commands(ROOT))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_command_says_what_it_does_and_what_each_option_means(name: str) -> None:
    command = ALL[name]

    assert (command.help or "").strip().endswith((".", ")", "!")), name
    for parameter in command.params:
        if isinstance(parameter, click.Option) or hasattr(parameter, "help"):
            assert (getattr(parameter, "help", "") or "").strip(), f"{name}: {parameter.name}"


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_command_has_json_for_scripts(name: str) -> None:
    options = {o for p in ALL[name].params for o in p.opts}

    assert "--json" in options or name in WITHOUT_JSON


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_command_shows_its_help_without_a_workspace(name: str) -> None:
    shown = RUNNER.invoke(app, [*name.split(), "--help"])

    assert shown.exit_code == 0
    assert "Usage" in shown.output


def test_the_verbs_are_those_of_the_story() -> None:
    for verb in ("check", "plan", "queue", "review approve", "work", "hold add", "published"):
        assert verb in ALL


def test_every_deliberate_error_has_an_exit_code_that_is_explained() -> None:
    def below(kind: type[errors.SchedulerError]) -> Iterator[type[errors.SchedulerError]]:
        yield kind
        for one in kind.__subclasses__():
            yield from below(one)

    kinds = list(below(errors.SchedulerError))
    assert len(kinds) >= 15
    assert {k.exit_code for k in kinds} <= set(EXIT_CODES)
    assert errors.NotAllowed.exit_code == errors.NotSignedIn.exit_code == 4
    assert errors.WorkspaceError.exit_code == 5

"""The command line: parse, call one service, present.

Exit codes: 0 done · 1 refused or mistakes found · 2 wrong usage · 3 something needs a person,
as `work`, `watch --once` or
`accounts check` saw · 4 not signed in or not allowed · 5 the workspace cannot be used ·
130 interrupted.
"""

from __future__ import annotations

import logging
import sys

import typer
from rich.markup import escape

from social_scheduler.cli import (
    accounts,
    backup,
    campaigns,
    demo,
    history,
    keys,
    people,
    review,
    sandbox,
    stop,
    watch,
    workspace,
)
from social_scheduler.cli.shared import err
from social_scheduler.errors import InvalidCampaign, SchedulerError

EXIT_CODES = {
    0: "Done.",
    1: "Refused, or mistakes were found; nothing was changed.",
    2: "The command was not written as it should be.",
    3: "Something needs a person: `work` ended with it unconfirmed, failed or partial, or "
    "`watch --once` or `accounts check` saw it.",
    4: "Nobody is signed in, or this person may not do this.",
    5: "The workspace, its database or its journal cannot be used as it is.",
    130: "Interrupted.",
}

app = typer.Typer(
    name="social-scheduler",
    help="Plan, approve and publish social-media posts: exactly what was approved, once, when due.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    workspace,
    people,
    accounts,
    keys,
    campaigns,
    review,
    stop,
    watch,
    backup,
    history,
    sandbox,
    demo,
):
    module.add_to(app)


def main() -> None:
    """Run one command; every deliberate error is told in words, with what to do."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except InvalidCampaign as problem:
        for finding in problem.findings:
            err.print(str(finding), markup=False)
        _tell(problem)
        sys.exit(problem.exit_code)
    except SchedulerError as problem:
        _tell(problem)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        err.print("Interrupted. What was finished stays; run the command again to go on.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


def _tell(problem: SchedulerError) -> None:
    err.print(f"[red]✗[/] {escape(problem.problem)}")
    if problem.remedy:
        err.print(f"  {escape(problem.remedy)}")

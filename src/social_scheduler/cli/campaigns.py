"""check, plan, queue."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from social_scheduler.app import DATABASE_FILE, open_workspace, utc_now
from social_scheduler.campaign.fix import fix
from social_scheduler.cli.looks import print_planned
from social_scheduler.cli.shared import (
    Json,
    Workspace,
    acting,
    bad,
    emit,
    err,
    good,
    note,
    out,
    table,
    when,
)
from social_scheduler.errors import Finding, InvalidCampaign, WorkspaceError
from social_scheduler.platforms import discover
from social_scheduler.services import enqueue as service
from social_scheduler.services.actor import Right
from social_scheduler.services.check import Files, Outcome, check, find_files, plan
from social_scheduler.services.compare import Change, ChangeKind, compare
from social_scheduler.services.context import Context
from social_scheduler.services.prices import estimates

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Campaign files, or folders of them; without: the workspace's campaigns/.",
        metavar="[PATH]...",
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", help="Check as if it were this moment, such as 2026-11-20."),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("check")(check_files)
    app.command("plan")(plan_files)
    app.command("queue")(queue_files)


def check_files(
    paths: Paths = None,
    at: At = None,
    mend: Annotated[
        bool, typer.Option("--fix", help="First put unquoted words into quotes, as they stand.")
    ] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Find every mistake in campaign files: place, reason, remedy. Needs no workspace."""
    files = find_files(paths or [], workspace)
    if mend:
        _mend(files)
    now = when(at) or utc_now()
    root = workspace.resolve()
    with _progress(len(files.paths), "checking") as step:
        outcome = _check_here(root, files, now, step)
    _tell(outcome, json)
    if not outcome.report.ok:
        raise typer.Exit(1)


def _check_here(root: Path, files: Files, now: datetime, step: Callable[[Path], None]) -> Outcome:
    """Against the workspace where there is one that can be opened, else by the files alone."""
    if (root / DATABASE_FILE).exists():
        try:
            with open_workspace(root) as found:
                return check(files, now=now, context=found.context, progress=step)
        except WorkspaceError as problem:
            note(f"Checked without people and what is queued: {problem.problem}")
    return check(files, now=now, progress=step)


def _mend(files: Files) -> None:
    for path in files.paths:
        source = path.read_bytes().decode("utf-8", "surrogateescape")
        mended = fix(source)
        if mended != source:
            path.write_bytes(mended.encode("utf-8", "surrogateescape"))
            good(f"{path}: words put into quotes")


def _tell(outcome: Outcome, json: bool) -> None:
    report = outcome.report
    if json:
        emit({"files": report.files, "posts": report.posts, "findings": report.findings})
        return
    for finding in report.findings:
        _print(finding)
    told = f"{_many(report.files, 'file')}, {_many(report.posts, 'post')}"
    if not report.files:
        note("No campaign file there yet: see docs/how-to/first-campaign.md.")
    elif report.ok:
        good(f"{told}: no mistakes" + _warned(len(report.warnings)))
    else:
        bad(f"{told}: {_many(len(report.errors), 'mistake')}" + _warned(len(report.warnings)))


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _warned(count: int) -> str:
    return f", {count} to look at" if count else ""


def _print(finding: Finding) -> None:
    mark = "[yellow]look[/]  " if finding.warning else "[red]wrong[/] "
    out.print(mark, end="")
    out.print(str(finding), markup=False)


def plan_files(
    paths: Paths = None,
    words: Annotated[
        bool,
        typer.Option("--words", help="Also show what is new or edited as its networks show it."),
    ] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Show what queueing would change. Writes nothing."""
    with acting(workspace) as (found, actor):
        outcome = _checked(find_files(paths or [], workspace), found.context)
        changes: list[Change] = []
        with _progress(len(outcome.sound), "planning") as step:
            for facts, posts in plan(found.context, outcome, progress=step.film):
                changes += compare(found.context, actor, facts.name, posts)
                step(Path(facts.path))
    _show(changes, json, done=False)
    for change in changes if words and not json else ():
        if change.planned and change.kind in (ChangeKind.NEW, ChangeKind.EDITED):
            print_planned(change.planned)


def queue_files(
    paths: Paths = None,
    cancel_removed: Annotated[
        bool,
        typer.Option("--cancel-removed", help="Withdraw posts that are no longer in their file."),
    ] = False,
    resubmit: Annotated[
        bool,
        typer.Option("--resubmit", help="Ask for review again where changes were requested."),
    ] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Check, plan and queue campaign files, for review. The same files twice change nothing."""
    with acting(workspace) as (found, actor):
        actor.require(Right.QUEUE)
        outcome = _checked(find_files(paths or [], workspace), found.context)
        changes: list[Change] = []
        with _progress(len(outcome.sound), "queueing") as step:
            for facts, posts in plan(found.context, outcome, progress=step.film):
                changes += service.enqueue(
                    found.context,
                    actor,
                    facts,
                    posts,
                    cancel_removed=cancel_removed,
                    resubmit=resubmit,
                )
                step(Path(facts.path))
    _show(changes, json, done=True)


def _checked(files: Files, context: Context) -> Outcome:
    with _progress(len(files.paths), "checking") as step:
        outcome = check(files, now=context.now(), context=context, progress=step)
    for warning in outcome.report.warnings:
        err.print("[yellow]look[/]  ", end="")
        err.print(str(warning), markup=False)
    if not outcome.report.ok:
        raise InvalidCampaign(outcome.report.errors)
    return outcome


def _show(changes: list[Change], json: bool, *, done: bool) -> None:
    if json:
        emit([{"change": c.kind, "post": c.reference, "note": c.note} for c in changes])
        return
    told = [c for c in changes if c.kind is not ChangeKind.UNCHANGED]
    if told:
        rows = [[c.kind.value, c.reference, _when(c), c.note] for c in told]
        table("change", "post", "when", "", rows=rows, empty="")
    counted = Counter(c.kind.value for c in changes)
    good(", ".join(f"{n} {kind}" for kind, n in sorted(counted.items())) or "nothing to queue")
    for estimate in estimates(changes, discover()):
        note(str(estimate))
    if done and any(c.for_review for c in changes):
        note("Next, somebody else: social-scheduler review list")


def _when(change: Change) -> str:
    return f"{change.planned.wall} {change.planned.zone}" if change.planned else ""


class _Steps:
    """Where the work is, as bars on a terminal; told nothing, it shows nothing."""

    def __init__(self, bar: Progress | None, what: str, total: int) -> None:
        self._bar = bar
        self._line = bar.add_task(what, total=total) if bar and total >= 5 else None
        self._films: dict[Path, TaskID] = {}

    def __call__(self, path: Path) -> None:
        """One file is done."""
        if self._bar and self._line is not None:
            self._bar.advance(self._line)

    def film(self, path: Path, share: float) -> None:
        """So much of a film is ready."""
        if self._bar is None:
            return
        if path not in self._films:
            self._films[path] = self._bar.add_task(path.name, total=100)
        self._bar.update(self._films[path], completed=round(share * 100))


@contextmanager
def _progress(total: int, what: str) -> Iterator[_Steps]:
    """A bar on the terminal where there is one; never on standard output."""
    if not sys.stderr.isatty():
        yield _Steps(None, what, total)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        yield _Steps(bar, what, total)

"""backup, restore, reconcile, worker: what keeps a workspace's past, and finds it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.app import restore_workspace
from social_scheduler.cli.shared import (
    Json,
    Workspace,
    acting,
    ask,
    bad,
    emit,
    good,
    moment,
    note,
    opened,
    table,
)
from social_scheduler.errors import InvalidInput
from social_scheduler.journal import Journal
from social_scheduler.services import gaps, relearn, workers
from social_scheduler.services.backup import write_backup

reconciling = typer.Typer(
    help="Read the journals into a database that was put back.", invoke_without_command=True
)
worker = typer.Typer(help="The workers and their journals.", no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without being asked.")]
WorkerName = Annotated[str, typer.Argument(help="The worker's name.", metavar="NAME")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(backup)
    app.command()(restore)
    app.add_typer(reconciling, name="reconcile")
    app.add_typer(worker, name="worker")


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, for example NAME.tar.gz.")],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Write everything but keys and sign-ins into one file; work goes on meanwhile."""
    with opened(workspace) as found:
        manifest = write_backup(found.context, file, progress=note)
    rows = sum(copied.rows for copied in manifest.tables.values())
    if json:
        emit(
            {
                "file": file.resolve(),
                "moment": manifest.moment,
                "change": manifest.change,
                "rows": rows,
                "media": len(manifest.media),
                "damaged": manifest.damaged,
            }
        )
    else:
        good(f"{file}: {rows:,} rows and {len(manifest.media):,} files, read back whole.")
        note(
            "Keys are in it sealed, sign-ins are not. It has every unpublished word: keep it safe."
        )
    for sha256 in manifest.damaged:
        bad(f"media/{sha256[:2]}/{sha256} is not as it was approved; it is not in the backup.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    workspace: Workspace = Path(),
    who: Annotated[str, typer.Option("--by", help="Who restores; stands in the history.")] = (
        "restore"
    ),
    json: Json = False,
) -> None:
    """Put a backup into an empty database. Everything is held until it is reconciled."""
    root = workspace.resolve()
    manifest = restore_workspace(root, file, who=who, progress=note)
    if json:
        emit({"workspace": root, "restored_to": manifest.moment, "change": manifest.change})
        return
    good(f"{root} is as it was at {manifest.moment}. Everything is held.")
    if not any((root / "journal").glob("*.jsonl")):
        note(f"Put the journal folder of this workspace back: {root / 'journal'}")
    if not (root / "keys" / "worker.key").exists():
        note(f"Put the workers' key back, which is in no backup: {root / 'keys' / 'worker.key'}")
        note("If it is gone: social-scheduler keys rotate --lost, and connect the accounts again.")
    note("Next: social-scheduler login NAME, then reconcile. Sign-ins of before do not count here.")


@reconciling.callback()
def reconcile(
    context: typer.Context,
    journal: Annotated[
        list[Path] | None,
        typer.Option("--journal", help="A copy of another machine's journal; may be repeated."),
    ] = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Read the journals into a database that was put back, and list every gap."""
    if context.invoked_subcommand is not None:
        return
    for path in journal or ():
        if not path.is_file():
            raise InvalidInput(f"There is no file {path}.")
    with acting(workspace) as (found, actor):
        told = relearn.reconcile(found.context, actor, [Journal(path) for path in journal or ()])
    emit({**vars(told), "nothing": told.nothing}) if json else _show(told)


@reconciling.command("list")
def list_gaps(
    every: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Words that were said, or may have been, of which the database has no trace."""
    with acting(workspace) as (found, actor):
        shown = gaps.list_gaps(found.context, actor, every=every)
    if json:
        emit(shown)
        return
    table(
        "id",
        "post",
        "account",
        "what came of it",
        "settled",
        rows=[
            [
                str(gap.id),
                f"{gap.post} part {gap.part}",
                gap.account,
                gap.url or gap.outcome or "not known: it may be live",
                f"{gap.settled_by}, {moment(gap.settled_at)}" if gap.settled_by else "",
            ]
            for gap in shown
        ],
        empty="There is no gap.",
    )


@reconciling.command("settle")
def settle(
    number: Annotated[int, typer.Argument(help="The gap's id, from reconcile list.", metavar="ID")],
    live: Annotated[str, typer.Option("--they-are-live", help="The address of the post.")] = "",
    never: Annotated[
        bool, typer.Option("--never-said", help="You looked: they are not there.")
    ] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Say what became of words of a gap, after looking at the network."""
    if bool(live) == never:
        raise InvalidInput(
            "Were they said or not?", "Say --they-are-live ADDRESS, or --never-said."
        )
    with acting(workspace) as (found, actor):
        words = gaps.settle_gap(found.context, actor, number, url=live or None)
    emit({"gap": number, "settled": words}) if json else good(words)


@worker.command("enrol")
def enrol(
    name: Annotated[
        str, typer.Argument(help="Its name; left out: this machine's.", metavar="NAME")
    ] = "",
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """A worker for this machine, with a journal of its own. Once; not to replace a journal."""
    with acting(workspace) as (found, actor):
        name = workers.enrol(found.context, actor, name)
    if json:
        emit({"enrolled": name})
    else:
        good(f"The worker {name} is enrolled. Start it with: social-scheduler work --name {name}")
    if not found.context.vault.can_open:
        bad(f"It needs the workers' key: copy {found.context.vault.folder.path} to here by hand.")


@worker.command("list")
def list_workers(workspace: Workspace = Path(), json: Json = False) -> None:
    """Every worker, and whether its journal is here."""
    with acting(workspace) as (found, actor):
        shown = workers.list_workers(found.context, actor)
    if json:
        emit(shown)
        return
    table(
        "worker",
        "on",
        "last heard of",
        "journal",
        "",
        rows=[
            [
                each.name,
                each.host,
                moment(each.heartbeat_at),
                "here" if each.journal_here else "elsewhere",
                f"lost, {moment(each.lost_at)}"
                if each.lost_at
                else ("to be reconciled" if each.must_reconcile else ""),
            ]
            for each in shown
        ],
        empty="No worker is enrolled.",
    )


@worker.command("lost")
def lost(
    name: WorkerName, yes: Yes = False, workspace: Workspace = Path(), json: Json = False
) -> None:
    """Declare that a worker's journal is gone for good. It is not waited for any more."""
    if not yes:
        ask(
            f"What the worker {name} said since the backup was made, nobody will know: it can be "
            "said again when you release it. Look at the accounts first. Is its journal gone?"
        )
    with acting(workspace) as (found, actor):
        told = workers.declare_lost(found.context, actor, name)
    if json:
        emit({"lost": name, **vars(told)})
        return
    good(f"The journal of {name} is declared lost. It never publishes again under this name.")
    if not told.nothing:
        _show(told)


def _show(told: relearn.Told) -> None:
    if told.nothing:
        good("The database has everything that the journals know. Nothing was changed.")
        return
    note(f"The database is a backup of {moment(told.restored_to)}.")
    if told.read:
        good(f"Read: the journal of {', '.join(told.read)}.")
    for title, lines in (
        ("Said since, and known again", told.learned),
        ("Gaps: said or begun, and without a place here. See reconcile list", told.gaps),
        ("Stopped again", told.stopped),
        ("Not stopped again", told.not_stopped),
    ):
        if lines:
            note(f"{title}:")
        for line in lines:
            (bad if lines is told.gaps else note)(f"  {line}")
    if told.overdue:
        note("Due before now and not known to be said (they stay held, or are missed):")
    for each in told.overdue:
        bad(f"  {each.post} to {each.account}, due {moment(each.due_at)}")
    if told.missing:
        bad(f"Everything stays held: the journal of {', '.join(told.missing)} was not read yet.")
        note("Run reconcile there, or --journal FILE here; gone for good: worker lost NAME.")
    elif told.held:
        note(f"{told.held} posts are held, each by itself: hold list, hold release ID …")

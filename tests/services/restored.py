"""A backup put into another database, with the world, the clock and the journals as they are."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from social_scheduler.app import open_workspace, restore_workspace
from social_scheduler.config import Settings
from social_scheduler.errors import WorkspaceError
from social_scheduler.services.backup import write_backup
from social_scheduler.services.past import Noted, note_past, require_same_past
from social_scheduler.services.people import Passwords
from tests.postgresql import Databases
from tests.services.desk import SANDBOX, Desk


def back_up(desk: Desk, file: Path) -> Path:
    """A backup of the desk as it is."""
    write_backup(desk.context, file)
    return file


def noted(desk: Desk) -> None:
    """The worker repeats in its journal how far the database has come, as it does every second."""
    past = desk.context.journal.read()
    note_past(desk.context, Noted.of(past))


def refusal(desk: Desk) -> str:
    """Why the worker does not start; empty when it does."""
    try:
        require_same_past(desk.context, desk.context.journal.read())
    except WorkspaceError as problem:
        return str(problem)
    return ""


@contextmanager
def restored(
    desk: Desk,
    file: Path,
    root: Path,
    databases: Databases | None,
    *,
    journals: bool = True,
) -> Iterator[Desk]:
    """The desk, with its database lost and the backup in its place."""
    if journals:
        desk.context.journal.close()
        shutil.copytree(desk.context.root / "journal", root / "journal")
    shutil.copytree(desk.context.root / "keys", root / "keys")
    made = databases.create() if databases else ""
    settings = Settings(
        sandbox_url=SANDBOX,
        calls_at_once=2,
        database_url=databases.address(made) if databases else "",
    )
    try:
        restore_workspace(root, file, who="noor", now=desk.clock, settings=settings)
        with open_workspace(
            root, now=desk.clock, settings=settings, passwords=Passwords(cheap=True)
        ) as opened:
            context = dataclasses.replace(opened.context, platforms={"wire": desk.wire})
            yield Desk(dataclasses.replace(opened, context=context), desk.clock, desk.wire)
    finally:
        if databases:
            databases.drop(made)

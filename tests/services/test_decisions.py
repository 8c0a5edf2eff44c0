"""People's stops outside the database: also those of which no worker knows."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest

from social_scheduler.errors import WorkspaceError
from social_scheduler.journal import PEOPLE, Journal
from social_scheduler.services import hold, relearn, review
from social_scheduler.services.past import require_same_past
from social_scheduler.store.database import Database, sqlite_url
from tests.services.desk import Desk, copied_database


def stops(desk: Desk) -> list[tuple[str, str]]:
    journal = Journal(desk.context.root / "journal" / f"{PEOPLE}.jsonl")
    return [(stop.step, stop.what) for stop in journal.read().stops]


def test_every_stop_is_written_beside_the_database_at_once(desk: Desk) -> None:
    desk.queue(desk.post("one"), desk.post("two"))
    review.request_changes(desk.context, desk.actor("rana"), "week/one", "a typo")
    placed = hold.add_hold(
        desk.context, desk.actor("dima"), scope="kind", value="quote", reason="flood"
    )
    hold.release_hold(desk.context, desk.actor("dima"), placed.id)
    review.withdraw(desk.context, desk.actor("amal"), "week/two", "wrong")

    assert [step for step, _ in stops(desk)] == [
        "request_changes",
        "hold",
        "release_hold",
        "withdraw",
        "cancel",
    ]
    file = desk.context.root / "journal" / f"{PEOPLE}.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_stop_made_while_no_worker_ran_is_not_forgotten_by_an_older_copy(
    desk: Desk, tmp_path: Path
) -> None:
    if desk.context.database.is_postgresql:
        return  # a copy of a file is put back here; dumps are test_restore's
    desk.ready(desk.post())
    older = copied_database(desk, tmp_path / "older.db")
    hold.add_hold(desk.context, desk.actor("dima"), scope="everything", value="", reason="flood")

    database = Database(sqlite_url(older))
    context = dataclasses.replace(desk.context, database=database)
    with pytest.raises(WorkspaceError, match="a decision to stop something"):
        require_same_past(context, context.journal.read())

    told = relearn.reconcile(context, desk.actor("dima"))
    assert any("flood" in words for words in told.stopped)
    held = hold.list_holds(context, desk.actor("dima"))
    assert any(h.reason == "flood" for h in held)
    database.close()


def test_a_stop_holds_also_when_its_file_cannot_be_written(desk: Desk) -> None:
    (desk.context.root / "journal" / f"{PEOPLE}.jsonl").mkdir()

    placed = hold.add_hold(
        desk.context, desk.actor("dima"), scope="everything", value="", reason="flood"
    )

    assert [h.id for h in hold.list_holds(desk.context, desk.actor("dima"))] == [placed.id]

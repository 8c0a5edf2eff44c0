"""A worker publishes only from a database that has its whole past, with the journal it enrolled."""

from __future__ import annotations

import pytest

from social_scheduler.errors import Conflict, InvalidInput, WorkspaceError
from social_scheduler.journal import Intent
from social_scheduler.services import hold, past, workers
from social_scheduler.services.past import Noted, note_past, require_releasable
from social_scheduler.store import gaps as gap_store
from social_scheduler.store import workers as worker_store
from social_scheduler.store.tables import Hold, HoldScope
from tests.services.desk import MONDAY, Desk
from tests.services.restored import noted, refusal


def test_a_database_with_the_whole_past_is_published_from(desk: Desk) -> None:
    desk.ready(desk.post("first"))
    assert refusal(desk) == ""
    desk.tick()
    noted(desk)
    assert refusal(desk) == ""


def test_an_intent_that_the_database_lacks_closes_it_to_everybody(desk: Desk) -> None:
    desk.context.journal.begin([Intent(77, 1, 1, "d", 5, "week/lost", "wire-en")])
    assert "attempt 1 of delivery 77" in refusal(desk)
    with desk.context.database.read() as tx:
        assert worker_store.restored_to(tx) is not None
        with pytest.raises(Conflict, match="journal of worker has not been read"):
            past.require_all_reconciled(tx)


def test_a_mark_that_is_another_one_is_noticed_even_when_work_went_on(desk: Desk) -> None:
    desk.ready(desk.post("first"))
    desk.context.journal.seen(1, "not this one")
    assert "saw change 1, which is not in it" in refusal(desk)


def test_a_worker_that_is_not_enrolled_publishes_nothing(desk: Desk) -> None:
    desk.context.journal.path.unlink()
    with pytest.raises(WorkspaceError, match="is missing"):
        past.require_same_past(desk.context, desk.context.journal.read())
    desk.context.journal.create(desk.context.uid, "worker")
    assert "not the journal with which the worker worker was enrolled" in refusal(desk)


def test_a_worker_that_was_declared_lost_publishes_nothing(desk: Desk) -> None:
    workers.declare_lost(desk.context, desk.actor("noor"), "worker")
    assert "was declared lost" in refusal(desk)
    with pytest.raises(Conflict, match="lost already"):
        workers.declare_lost(desk.context, desk.actor("noor"), "worker")


def test_a_running_worker_is_not_declared_lost(desk: Desk) -> None:
    with desk.context.database.write() as tx:
        worker_store.set_worker(tx, "worker", stopped_at=None, heartbeat_at=desk.clock())
    with pytest.raises(Conflict, match="runs"):
        workers.declare_lost(desk.context, desk.actor("noor"), "worker")
    desk.clock.forward(minutes=2)
    workers.declare_lost(desk.context, desk.actor("noor"), "worker")


@pytest.mark.parametrize("name", ["Second", "../x", "a b", "x" * 41, "-a"])
def test_a_worker_has_a_name_that_a_file_can_have(desk: Desk, name: str) -> None:
    with pytest.raises(InvalidInput):
        workers.enrol(desk.context, desk.actor("noor"), name)


def test_an_enrolled_worker_has_a_journal_of_its_own(desk: Desk) -> None:
    workers.enrol(desk.context, desk.actor("noor"), "second")
    shown = workers.list_workers(desk.context, desk.actor("noor"))
    assert [(w.name, w.journal_here, w.must_reconcile) for w in shown] == [
        ("second", True, False),
        ("worker", True, False),
    ]


def test_the_journal_repeats_stops_once_and_whole(desk: Desk) -> None:
    until = desk.clock.at.replace(year=2028)
    dima = desk.actor("dima")
    placed = hold.add_hold(
        desk.context, dima, scope="language", value="ar", reason="flood", until=until
    )
    last = note_past(desk.context, Noted())
    hold.release_hold(desk.context, dima, placed.id)
    again = note_past(desk.context, last)
    assert note_past(desk.context, again) == again
    first, second = desk.context.journal.read().stops
    assert (first.step, second.step) == ("hold", "release_hold")
    assert first.who == "dima"
    assert first.hold == second.hold
    assert first.hold is not None
    assert first.hold == {
        "id": placed.id,
        "scope": "language",
        "value": "ar",
        "reason": "flood",
        "by": "dima",
        "at": MONDAY.timestamp(),
        "until": until.timestamp(),
    }


def test_the_hold_of_a_restore_is_released_only_when_every_journal_was_read(desk: Desk) -> None:
    placed = Hold(scope=HoldScope.EVERYTHING, value="", reason=f"{past.RESTORED} Monday")
    other = Hold(scope=HoldScope.EVERYTHING, value="", reason="flood")
    with desk.context.database.write() as tx:
        require_releasable(tx, placed)
        worker_store.mark_restored(tx, desk.clock())
        require_releasable(tx, other)
        with pytest.raises(Conflict, match="worker lost NAME"):
            require_releasable(tx, placed)
        worker_store.set_worker(tx, "worker", lost_at=desk.clock())
        require_releasable(tx, placed)


def test_gaps_are_found_by_words_or_by_post(desk: Desk) -> None:
    row = {
        "worker": "worker",
        "delivery": 7,
        "attempt": 1,
        "part": 1,
        "digest": "d1",
        "post": "week/lost",
        "account": "wire-en",
        "outcome": None,
        "url": None,
        "found_at": desk.clock(),
    }
    with desk.context.database.write() as tx:
        gap_store.add(tx, [row])
        assert set(gap_store.unsettled(tx, ["d1", "d2"])) == {"d1"}
        assert set(gap_store.unsettled(tx, [], ["week/lost"])) == {"week/lost"}
        assert gap_store.settle(tx, 1, "dima", desk.clock())
        assert gap_store.unsettled(tx, ["d1"]) == {}

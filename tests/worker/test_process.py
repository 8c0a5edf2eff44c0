"""When a worker does not even begin, and what it leaves in its journal."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from social_scheduler.app import DATABASE_FILE
from social_scheduler.errors import Conflict, NotSent, WorkspaceError
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import Recovery, RecoveryKind
from social_scheduler.services import hold, review, workers
from social_scheduler.services.past import require_same_past
from social_scheduler.store.database import Database
from social_scheduler.worker import Worker, in_trouble
from social_scheduler.worker.process import only_worker
from tests.postgresql import Databases
from tests.services.desk import Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "here") as opened:
        yield opened


@pytest.fixture
def worker(desk: Desk) -> Iterator[Worker]:
    made = Worker(desk.opened)
    yield made
    made.pipeline.stop()


def start(worker: Worker) -> ExitStack:
    """Begin as `run` does; ends with the stack."""
    alone = ExitStack()
    try:
        worker.start(alone)
    except BaseException:
        alone.close()
        raise
    return alone


def backup(desk: Desk, folder: Path) -> None:
    """A copy of the database as it is now."""
    folder.mkdir()
    source = sqlite3.connect(desk.context.root / DATABASE_FILE)
    target = sqlite3.connect(folder / DATABASE_FILE)
    source.backup(target)
    source.close()
    target.close()


def restore(desk: Desk, folder: Path) -> None:
    """Put the copy back in the place of the database."""
    desk.context.database.close()
    for file in desk.context.root.glob(f"{DATABASE_FILE}*"):
        file.unlink()
    shutil.copy(folder / DATABASE_FILE, desk.context.root / DATABASE_FILE)


def test_a_restored_older_database_is_refused_by_its_journal(
    desk: Desk, worker: Worker, tmp_path: Path
) -> None:
    """Otherwise what was said since the backup would be said twice."""
    desk.ready(desk.post())
    backup(desk, tmp_path / "backup")
    desk.tick()
    assert desk.state() is D.PUBLISHED
    restore(desk, tmp_path / "backup")
    assert desk.state() is D.SCHEDULED

    with pytest.raises(WorkspaceError, match="restored from a backup"):
        start(worker)


def test_a_stop_that_the_database_has_forgotten_is_remembered_by_the_journal(
    desk: Desk, worker: Worker, tmp_path: Path
) -> None:
    desk.queue(desk.post())
    desk.approve()
    backup(desk, tmp_path / "backup")
    hold.add_hold(desk.context, desk.actor("dima"), scope="everything", value="", reason="flood")
    worker.tick()
    assert [r["step"] for r in desk.context.journal.records() if r["is"] == "stop"] == ["hold"]

    restore(desk, tmp_path / "backup")

    with pytest.raises(WorkspaceError, match="restored from a backup"):
        start(worker)


def test_every_stopping_decision_is_in_the_journal_once(desk: Desk, worker: Worker) -> None:
    desk.queue(desk.post("one"), desk.post("two"))
    review.request_changes(desk.context, desk.actor("rana"), "week/one", "a typo")
    worker.tick()
    review.withdraw(desk.context, desk.actor("amal"), "week/two", "wrong")
    worker.tick()
    worker.tick()

    told = [(r["step"], r["what"]) for r in desk.context.journal.records() if r["is"] == "stop"]
    assert told == [("request_changes", "a typo"), ("withdraw", "wrong"), ("cancel", "wrong")]


def test_without_its_journal_a_worker_publishes_nothing(desk: Desk, worker: Worker) -> None:
    desk.context.journal.path.unlink()
    with pytest.raises(WorkspaceError, match="journal"):
        start(worker)


def test_with_another_workspaces_journal_it_publishes_nothing(desk: Desk) -> None:
    context = dataclasses.replace(desk.context, uid="another")
    made = Worker(dataclasses.replace(desk.opened, context=context))
    with pytest.raises(WorkspaceError, match="another workspace"):
        start(made)
    made.pipeline.stop()


def test_two_workers_do_not_publish_from_one_database(desk: Desk) -> None:
    with (
        only_worker(desk.context),
        pytest.raises(WorkspaceError, match="Another worker"),
        only_worker(desk.context),
    ):
        pass
    with only_worker(desk.context):
        pass


def test_what_one_tick_claims_is_said_by_the_pool(desk: Desk, worker: Worker) -> None:
    desk.ready(desk.post("one"), desk.post("two"))
    with start(worker):
        worker.pipeline.start()
        worker.tick()
        while not worker.pipeline.is_empty:
            pass
        worker.pipeline.stop()

    assert sorted(desk.wire.texts) == ["one: good morning", "two: good morning"]
    assert in_trouble(desk.opened) == {}


def test_what_needs_a_person_is_counted(desk: Desk) -> None:
    desk.ready(desk.post())
    desk.wire.script = ["lost"]
    desk.tick()

    assert in_trouble(desk.opened) == {D.UNCONFIRMED: 1}


def test_a_restored_copy_is_noticed_even_when_only_an_edit_is_missing(
    desk: Desk, worker: Worker, tmp_path: Path
) -> None:
    desk.ready(desk.post("one"))
    worker.tick()
    before = tmp_path / "before.db"
    with sqlite3.connect(desk.context.root / "social-scheduler.db") as source:
        source.execute("VACUUM INTO ?", [str(before)])

    desk.queue(desk.post("one"), desk.post("two"))
    worker.tick()
    past = desk.context.journal.read()

    old = Database(f"sqlite:///{before}")
    context = dataclasses.replace(desk.context, database=old)
    assert past.last_seen is not None
    with pytest.raises(WorkspaceError, match="restored from"):
        require_same_past(context, past)
    require_same_past(desk.context, past)
    old.close()


def test_an_older_copy_put_back_during_a_call_stops_the_worker(
    desk: Desk, worker: Worker, tmp_path: Path
) -> None:
    """It does not know the attempt whose answer comes, and would say it all once more."""
    desk.ready(desk.post())
    with start(worker):
        backup(desk, tmp_path / "before")
        desk.wire.asked = lambda *_: restore(desk, tmp_path / "before")
        worker.pipeline.start()
        worker.pipeline.add(worker.publisher.claim_due())
        assert worker.pipeline.stopping.wait(30)
        worker.pipeline.stop()
        worker._guarded(worker.tick)

    assert "does not know attempt 1 of week/opening" in str(worker._failure)
    assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, ["opening: good morning"])


class TestOnBothDatabases:
    @pytest.fixture
    def desk(self, tmp_path: Path, databases: Databases | None) -> Iterator[Desk]:
        with open_desk(tmp_path / "here", databases) as opened:
            yield opened

    def test_nothing_begins_after_a_stop_while_a_look_hangs(
        self, desk: Desk, worker: Worker
    ) -> None:
        desk.ready(desk.post())
        desk.clock.forward(seconds=-1)
        looking, answered = threading.Event(), threading.Event()

        def look() -> None:
            looking.set()
            assert answered.wait(30)

        with start(worker):
            clock = worker._clock()
            clock.start(paused=True)
            worker.pipeline.start()
            worker.tick()
            assert desk.state() is D.LEASED
            hanging = threading.Thread(target=worker._guarded, args=[look])
            hanging.start()
            assert looking.wait(30)
            worker.stop()
            ending = threading.Thread(target=worker._end, args=[clock])
            ending.start()
            desk.clock.forward(seconds=1)
            worker.pipeline.add([])  # whoever waits looks again
            worker.pipeline._beginner.join(30)
            over = ending.is_alive(), list(desk.wire.texts)
            answered.set()
            ending.join(30)

        assert over == (True, [])
        assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, [])

    def test_a_worker_declared_lost_stops_at_its_next_sign_of_life(
        self, desk: Desk, worker: Worker
    ) -> None:
        desk.ready(desk.post())
        with start(worker):
            desk.clock.forward(minutes=2)  # cut off from the database for so long
            workers.declare_lost(desk.context, desk.actor("noor"), worker.name)
            worker._guarded(worker._beat)
            worker._guarded(worker.tick)
            worker.pipeline.start()
            worker.pipeline.settled()

        assert "was declared lost" in str(worker._failure)
        assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, [])

    def test_a_worker_declared_lost_claims_nothing_before_it_knows(
        self, desk: Desk, worker: Worker
    ) -> None:
        desk.ready(desk.post())
        with start(worker):
            desk.clock.forward(minutes=2)
            workers.declare_lost(desk.context, desk.actor("noor"), worker.name)
            worker.tick()

        assert worker.pipeline.is_empty
        assert desk.state() is D.SCHEDULED

    @pytest.mark.parametrize("hours", [1, -1])
    def test_a_machine_with_a_wrong_clock_misses_nobodys_posts(
        self, desk: Desk, hours: int
    ) -> None:
        desk.queue(desk.post(minutes=30))
        desk.approve()
        right = desk.clock()
        desk.context.database.now = lambda tx: right  # type: ignore[method-assign]
        told: list[str] = []
        worker = Worker(desk.opened, told=told.append)
        with start(worker):
            desk.clock.forward(hours=hours)
            assert worker.tick() is None
        worker.pipeline.stop()

        assert desk.state() is D.SCHEDULED
        assert "this machine's clock says" in told[0]

    def test_what_it_tells_to_nobody_stops_nothing(self, desk: Desk) -> None:
        """Its terminal is gone."""

        def told(_line: str) -> None:
            raise BrokenPipeError

        desk.ready(desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"}))
        worker = Worker(desk.opened, told=told)
        with start(worker):
            worker.pipeline.start()
            worker.tick()
            worker.pipeline.settled()
            worker.pipeline.stop()

        assert worker._failure is None
        assert desk.state() is desk.state(account="wire-ar") is D.PUBLISHED

    def test_it_is_not_idle_while_a_network_works_on_a_film_that_is_due(
        self, desk: Desk, worker: Worker
    ) -> None:
        desk.wire.working_on_uploads = 3
        desk.ready(desk.post(pictures=[desk.picture()]))
        idle = []
        with start(worker):
            worker.pipeline.start()
            worker._connect()
            for _ in range(6):
                worker.tick()
                worker.pipeline.settled()
                worker._look_now.set()
                worker.look()
                idle.append((desk.state(), worker.idle()))
                desk.clock.forward(seconds=30)
            worker.pipeline.stop()

        assert idle[:2] == [(D.SCHEDULED, False)] * 2
        assert idle[-1] == (D.PUBLISHED, True)

    @pytest.mark.parametrize(
        ("hidden", "away", "told"),
        [
            (False, False, [(D.UNCONFIRMED, False), (D.PUBLISHED, True)]),
            (True, False, [(D.UNCONFIRMED, False)] * 2 + [(D.UNCONFIRMED, True)]),
            (False, True, [(D.UNCONFIRMED, False), (D.UNCONFIRMED, True)]),
        ],
        ids=["found", "nowhere", "the network is out of reach"],
    )
    def test_it_is_not_idle_until_what_is_unconfirmed_is_found_or_a_person_decides(
        self, desk: Desk, worker: Worker, hidden: bool, away: bool, told: list[tuple[D, bool]]
    ) -> None:
        desk.wire.recovery = Recovery(RecoveryKind.SEARCHABLE, settle=(10, 70))
        desk.ready(desk.post())
        desk.wire.script = ["lost"]
        desk.wire.hidden = hidden
        desk.wire.troubles = {"find": [NotSent("no route")] * away}
        idle = []
        with start(worker):
            worker.pipeline.start()
            worker._connect()
            for seconds in [0, 10, 60][: len(told)]:
                desk.clock.forward(seconds=seconds)
                worker.tick()
                worker.pipeline.settled()
                worker.look()
                worker.tick()
                worker.look()
                idle.append((desk.state(), worker.idle()))
            worker.pipeline.stop()

        assert idle == told

    def test_somebody_quicker_is_no_reason_to_stop(self, desk: Desk, worker: Worker) -> None:
        def beaten() -> None:
            raise Conflict("Another worker was quicker.")

        worker._guarded(beaten)

        assert worker._failure is None
        assert not worker.pipeline.stopping.is_set()

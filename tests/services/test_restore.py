"""What was said is never repeated, and what was stopped stays stopped, after a restore."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from social_scheduler.errors import Conflict, NotAllowed, Unconfirmed, WorkspaceError
from social_scheduler.journal import Journal
from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.services import gaps, hold, relearn, review, workers
from social_scheduler.services.past import Noted, note_past
from social_scheduler.services.relearn import Told
from social_scheduler.store.tables import Attempt, Gap
from tests.postgresql import Databases
from tests.services.desk import Desk, open_desk
from tests.services.restored import back_up, noted, refusal, restored

Restore = Callable[[Desk, Path], Desk]
"""Puts a backup of a desk in the place of its database."""


@pytest.fixture
def restore(tmp_path: Path, databases: Databases | None) -> Iterator[Restore]:
    """Puts a backup into a new database, as often as a test likes."""
    with ExitStack() as stack:

        def put_back(desk: Desk, file: Path, *, journals: bool = True) -> Desk:
            root = tmp_path / f"restored-{random.randrange(1 << 40):x}"  # noqa: S311
            again: AbstractContextManager[Desk] = restored(
                desk, file, root, databases, journals=journals
            )
            return stack.enter_context(again)

        yield put_back


def reconcile(desk: Desk, *journals: Journal) -> Told:
    return relearn.reconcile(desk.context, desk.actor("dima"), journals)


def release_everything(desk: Desk) -> None:
    for one in hold.list_holds(desk.context, desk.actor("dima")):
        hold.release_hold(desk.context, desk.actor("dima"), one.id)


def test_what_was_published_since_is_known_again_and_not_repeated(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    desk.ready(desk.post("first"), desk.post("second", minutes=61))
    file = back_up(desk, tmp_path / "b.tar.gz")
    desk.tick()
    noted(desk)
    assert desk.wire.texts == ["first: good morning"]

    again = restore(desk, file)
    assert "older than the publishing journal" in refusal(again)
    told = reconcile(again)
    assert told.gaps == []
    assert len(told.learned) == 1
    assert "week/first part 1 to wire-en: published https://wire.example/" in told.learned[0]
    assert refusal(again) == ""
    assert again.state("week/first") is DeliveryState.PUBLISHED
    release_everything(again)
    desk.clock.forward(minutes=1)
    again.tick()
    assert desk.wire.texts == ["first: good morning", "second: good morning"]


def test_nothing_is_sent_before_people_release_it_item_by_item(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    desk.ready(desk.post("first"), desk.post("second"))
    again = restore(desk, back_up(desk, tmp_path / "b.tar.gz"))
    [everything] = hold.list_holds(again.context, again.actor("dima"))
    assert everything.reason.startswith("restored from backup of 2027-01-11")
    told = reconcile(again)
    assert told.held == 2
    assert [each.post for each in told.overdue] == ["week/first", "week/second"]
    holds = hold.list_holds(again.context, again.actor("dima"))
    assert [(h.scope, h.value) for h in holds] == [("post", "week/first"), ("post", "week/second")]
    hold.release_hold(again.context, again.actor("dima"), holds[1].id)
    again.tick()
    assert desk.wire.texts == ["second: good morning"]


def test_a_call_whose_end_nobody_wrote_down_is_unconfirmed_and_not_repeated(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    desk.ready(desk.post("first"))
    file = back_up(desk, tmp_path / "b.tar.gz")
    desk.wire.script = ["lost"]
    desk.wire.hidden = True
    desk.tick()
    lines = desk.context.journal.path.read_bytes().splitlines(keepends=True)
    desk.context.journal.close()
    desk.context.journal.path.write_bytes(b"".join(lines[:-1]))  # killed before the outcome

    again = restore(desk, file)
    told = reconcile(again)
    assert told.learned == ["week/first part 1 to wire-en: not known: it may be live"]
    assert again.state("week/first") is DeliveryState.UNCONFIRMED
    release_everything(again)
    again.tick()
    assert desk.wire.texts == ["first: good morning"]
    desk.wire.hidden = False
    desk.clock.forward(minutes=2)
    again.look()
    assert again.state("week/first") is DeliveryState.PUBLISHED


def test_words_queued_after_the_backup_are_a_gap_and_are_not_said_again(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    file = back_up(desk, tmp_path / "b.tar.gz")
    desk.ready(desk.post("first"))
    desk.tick()

    again = restore(desk, file)
    assert refusal(again)
    told = reconcile(again)
    assert told.learned == []
    assert len(told.gaps) == 1
    assert told.gaps[0].startswith("week/first part 1 to wire-en: published https://")

    again.ready(again.post("first"))  # its author queues the same file once more
    again.tick()
    assert desk.wire.texts == ["first: good morning"]
    assert "gap 1" in again.trouble("week/first")
    [gap] = gaps.list_gaps(again.context, again.actor("dima"))
    assert gap.url is not None
    words = gaps.settle_gap(again.context, again.actor("dima"), gap.id, url=gap.url)
    assert "so week/first to wire-en counts as published" in words
    assert again.state("week/first") is DeliveryState.PUBLISHED
    assert gaps.list_gaps(again.context, again.actor("dima")) == []
    with pytest.raises(Conflict, match="dima settled gap 1 already"):
        gaps.settle_gap(again.context, again.actor("dima"), gap.id, url=None)


def test_a_gap_that_was_never_said_may_be_said(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    file = back_up(desk, tmp_path / "b.tar.gz")
    desk.ready(desk.post("first"))
    desk.wire.script = [Unconfirmed("no answer")]
    desk.tick()
    again = restore(desk, file)
    assert reconcile(again).gaps == ["week/first part 1 to wire-en: unconfirmed"]
    again.ready(again.post("first"))
    with pytest.raises(NotAllowed):
        gaps.settle_gap(again.context, again.actor("amal"), 1, url=None)
    gaps.settle_gap(again.context, again.actor("rana"), 1, url=None)
    again.tick()
    assert desk.wire.texts == ["first: good morning"]


def test_a_thread_that_had_begun_goes_on_where_it_was(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    desk.ready(desk.post("first", {"wire-en": ["one", "two", "three"]}))
    file = back_up(desk, tmp_path / "b.tar.gz")
    desk.wire.script = ["said", "said", Unconfirmed("no answer")]
    desk.tick()
    again = restore(desk, file)
    told = reconcile(again)
    assert len(told.learned) == 3
    assert again.parts("week/first") == ["live", "live", "unconfirmed"]
    assert again.state("week/first") is DeliveryState.UNCONFIRMED


def test_stops_after_the_backup_are_taken_again_by_name(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    names = ("gone", "changed", "held", "free")
    desk.ready(*(desk.post(name) for name in names))
    dima = desk.actor("dima")
    file = back_up(desk, tmp_path / "b.tar.gz")
    review.withdraw(desk.context, desk.actor("amal"), "week/gone", "a rumour")
    review.request_changes(desk.context, desk.actor("rana"), "week/changed", "a name is wrong")
    hold.add_hold(desk.context, dima, scope="post", value="week/held", reason="the family asks")
    short = hold.add_hold(desk.context, dima, scope="language", value="ar", reason="one moment")
    hold.release_hold(desk.context, dima, short.id)
    noted(desk)

    again = restore(desk, file)
    told = reconcile(again)
    assert again.post_state("week/gone") is PostState.WITHDRAWN
    assert again.state("week/gone") is DeliveryState.CANCELLED
    assert again.post_state("week/changed") is PostState.CHANGES_REQUESTED
    held = [h for h in hold.list_holds(again.context, dima) if h.reason == "the family asks"]
    assert [(h.value, h.placed_by, h.placed_at) for h in held] == [
        ("week/held", "dima", desk.clock())
    ]
    assert not any(h.value == "ar" for h in hold.list_holds(again.context, dima))
    assert any("one moment" in line for line in told.not_stopped)
    for one in hold.list_holds(again.context, dima):
        if one.reason != "the family asks":
            hold.release_hold(again.context, dima, one.id)
    again.tick()
    assert desk.wire.texts == ["free: good morning"]


def test_reconciling_again_finds_nothing_and_holds_nothing(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    desk.ready(desk.post("first"), desk.post("second", minutes=90))
    file = back_up(desk, tmp_path / "b.tar.gz")
    desk.tick()
    noted(desk)
    again = restore(desk, file)
    reconcile(again)
    release_everything(again)
    assert reconcile(again).nothing
    assert hold.list_holds(again.context, again.actor("dima")) == []
    assert refusal(again) == ""


def test_a_healthy_database_is_left_as_it_is(desk: Desk) -> None:
    desk.ready(desk.post("first"))
    desk.tick()
    noted(desk)
    assert refusal(desk) == ""
    assert reconcile(desk).nothing
    assert hold.list_holds(desk.context, desk.actor("dima")) == []


def test_only_duty_and_admin_reconcile(desk: Desk) -> None:
    for name in ("amal", "rana"):
        with pytest.raises(NotAllowed):
            relearn.reconcile(desk.context, desk.actor(name))


def test_a_backup_restored_a_second_time_is_reconciled_a_second_time(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    desk.ready(desk.post("first"), desk.post("second"))
    file = back_up(desk, tmp_path / "b.tar.gz")
    desk.tick()
    noted(desk)
    once = restore(desk, file)
    reconcile(once)
    once.ready(once.post("third", minutes=62))
    once.tick()
    noted(once)
    assert len(desk.wire.texts) == 3

    twice = restore(once, file)
    assert refusal(twice)
    told = reconcile(twice)
    assert len(told.learned) == 2
    assert len(told.gaps) == 1
    assert refusal(twice) == ""
    release_everything(twice)
    twice.tick()
    assert len(desk.wire.texts) == 3


def test_a_database_file_put_back_by_hand_is_noticed(tmp_path: Path) -> None:
    with open_desk(tmp_path, None) as desk:
        desk.ready(desk.post("first"), desk.post("second", minutes=90))
        file = Path(str(desk.context.database.url.database))
        desk.context.database.close()
        kept = file.read_bytes()
        desk.tick()
        noted(desk)
        desk.context.database.close()
        for name in (f"{file}-wal", f"{file}-shm"):
            Path(name).unlink(missing_ok=True)
        file.write_bytes(kept)
        assert "reconcile" in refusal(desk)
        told = reconcile(desk)
        assert len(told.learned) == 1
        assert told.held == 1
        assert refusal(desk) == ""
        desk.tick()
        assert desk.wire.texts == ["first: good morning"]


def test_a_second_host_enrols_and_declares_the_first_lost(
    desk: Desk, tmp_path: Path, databases: Databases | None
) -> None:
    desk.ready(desk.post("first"), desk.post("second"))
    file = back_up(desk, tmp_path / "b.tar.gz")
    with restored(desk, file, tmp_path / "other", databases, journals=False) as other:
        noor = other.actor("noor")
        with pytest.raises(WorkspaceError, match="no journal"):
            reconcile(other)
        with pytest.raises(Conflict, match="enrolled already"):
            workers.enrol(other.context, noor, "worker")
        with pytest.raises(NotAllowed):
            workers.enrol(other.context, other.actor("dima"), "second")
        assert workers.enrol(other.context, noor, "second") == "second"
        [everything] = hold.list_holds(other.context, noor)
        other.tick()
        assert desk.wire.texts == []
        told = workers.declare_lost(other.context, noor, "worker")
        assert told.held == len(told.overdue)
        assert everything.id not in [h.id for h in hold.list_holds(other.context, noor)]
        assert [w.name for w in workers.list_workers(other.context, noor) if w.lost_at] == [
            "worker"
        ]


def test_while_a_journal_is_missing_everything_stays_held(
    desk: Desk, tmp_path: Path, restore: Restore
) -> None:
    desk.ready(desk.post("first"))
    workers.enrol(desk.context, desk.actor("noor"), "far")
    far = desk.context.journal.path.with_name("far.jsonl")
    again = restore(desk, back_up(desk, tmp_path / "b.tar.gz"))
    away = tmp_path / "away.jsonl"
    (again.context.root / "journal/far.jsonl").rename(away)
    told = reconcile(again)
    assert told.missing == ["far"]
    [everything] = hold.list_holds(again.context, again.actor("dima"))
    assert everything.scope == "everything"
    told = reconcile(again, Journal(away))
    assert told.missing == []
    assert told.held == 1
    assert far.exists()


def test_a_database_that_goes_back_under_a_running_worker_stops_it(desk: Desk) -> None:
    desk.ready(desk.post("first"))
    with pytest.raises(WorkspaceError, match="put back while this worker ran"):
        note_past(desk.context, Noted(1, "not this one"))


@pytest.mark.parametrize("seed", range(2))
def test_restores_at_random_moments_repeat_nothing_and_list_every_gap(
    desk: Desk, tmp_path: Path, restore: Restore, seed: int
) -> None:
    """Work, back up, go on, lose the database, go on: the network's own ledger is the judge."""
    dice = random.Random(seed)  # noqa: S311
    here, files, queued = desk, [], 0
    desk.wire.hidden = True
    for step in range(40):
        act = dice.choice(("queue", "tick", "tick", "note", "backup", "lose", "stop"))
        if act == "queue":
            queued += 1
            words = [f"{seed}.{queued}.{n}" for n in range(dice.choice((1, 1, 3)))]
            post = here.post(f"p{queued}", {"wire-en": words}, due=desk.clock(), late=10_000)
            here.queue(post, by="amal")
            here.approve(f"week/p{queued}")
        elif act == "tick":
            desk.wire.script = [dice.choice(("said", "said", "lost")) for _ in range(3)]
            desk.clock.forward(seconds=20)
            here.tick()
        elif act == "note":
            noted(here)
        elif act == "backup":
            files.append(back_up(here, tmp_path / f"{step}.tar.gz"))
        elif act == "stop" and queued:
            name = f"week/p{dice.randint(1, queued)}"
            try:
                review.withdraw(here.context, here.actor("amal"), name, "stop")
            except Exception:  # noqa: BLE001, S112  (it may be withdrawn, or unknown here)
                continue
            noted(here)
        elif act == "lose" and files:
            said = Counter(desk.wire.texts)
            here = restore(here, dice.choice(files))
            if reconcile(here).missing:
                raise AssertionError("every journal is here")
            known = _known_live(here)
            assert set(said) <= known, f"neither known nor a gap: {set(said) - known}"
            release_everything(here)
    desk.wire.script = []
    desk.clock.forward(minutes=5)
    here.tick()
    assert [text for text, times in Counter(desk.wire.texts).items() if times > 1] == []


def _known_live(desk: Desk) -> set[str]:
    """What the database knows to have been begun, as calls of its own or as gaps."""
    with desk.context.database.read() as tx:
        keys = {*tx.scalars(select(Attempt.digest)), *tx.scalars(select(Gap.digest))}
    return {said.text for said in desk.wire.ledger if said.key in keys}

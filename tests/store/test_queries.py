"""Queries by use: what is due, what is known, what stops, what counts."""

from __future__ import annotations

from datetime import timedelta

from social_scheduler.errors import Refused
from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.store import accounts, holds, people, publishing, queue, reading, workers
from social_scheduler.store import due as due_store
from social_scheduler.store import review as review_store
from social_scheduler.store.tables import Hold, HoldScope
from tests.services.desk import MONDAY, Desk


def test_the_pulse_tells_every_moment_at_which_there_is_something_to_do(desk: Desk) -> None:
    with desk.context.database.read() as tx:
        assert due_store.pulse(tx).ready is None
    desk.ready(desk.post("soon", minutes=10), desk.post("later", minutes=60))

    with desk.context.database.read() as tx:
        found = due_store.pulse(tx)
        assert (found.ready, found.lapses) == (
            MONDAY + timedelta(minutes=10),
            MONDAY + timedelta(minutes=20),
        )
        assert due_store.next_ready(tx, desk.clock()) == MONDAY + timedelta(minutes=60)
        assert (found.lease_ends, found.look, found.proof) == (None, None, None)
        before = found.change

    desk.tick()
    with desk.context.database.read() as tx:
        found = due_store.pulse(tx)
    assert (found.ready, found.proof) == (MONDAY + timedelta(minutes=60), desk.clock())
    assert found.change > before


def test_the_longest_due_comes_first(desk: Desk) -> None:
    posts = [desk.post(f"p{n}", minutes=60 - n, late=60) for n in range(3)]
    desk.ready(*posts)
    desk.clock.at = MONDAY + timedelta(minutes=61)

    with desk.context.database.read() as tx:
        due = due_store.due(tx, desk.clock(), desk.clock(), 2)

    wanted = [desk.looked(f"week/p{n}").delivery.id for n in (2, 1)]
    assert [d.id for d in due] == wanted


def test_what_is_not_approved_is_not_due(desk: Desk) -> None:
    desk.queue(desk.post())
    desk.clock.forward(minutes=61)

    with desk.context.database.read() as tx:
        assert due_store.due(tx, desk.clock(), desk.clock(), 2) == []


def test_what_is_known_of_a_campaign_is_its_current_wording(desk: Desk) -> None:
    desk.queue(desk.post())
    desk.queue(desk.post(words={"wire-en": "Good evening"}))

    with desk.context.database.read() as tx:
        known = queue.known_posts(tx, "week")["opening"]
        assert queue.known_posts(tx, "none") == {}
        assert queue.known_keys(tx) == {("week", "opening")}

    assert (known.revision, known.state) == (2, PostState.IN_REVIEW)
    assert known.digest == desk.post(words={"wire-en": "Good evening"}).digest
    assert known.deliveries[0].live_since is None


def test_earlier_bytes_are_never_changed_by_a_new_revision(desk: Desk) -> None:
    desk.queue(desk.post())
    with desk.context.database.read() as tx:
        before = review_store.messages_of(tx, 1, 1)
    desk.queue(desk.post(words={"wire-en": "Good evening"}))

    with desk.context.database.read() as tx:
        assert review_store.messages_of(tx, 1, 1) == before
        assert review_store.messages_of(tx, 1, 2) != before


def test_counts_and_attempts_tell_what_was_done(desk: Desk) -> None:
    desk.ready(desk.post("one"), desk.post("two"))
    desk.wire.script = [Refused("no")]
    desk.tick()

    with desk.context.database.read() as tx:
        assert [n for _, n in publishing.begun_since(tx, MONDAY)] == [2]
        assert publishing.begun_since(tx, desk.clock()) == []
        assert publishing.count_by_state(tx) == {
            DeliveryState.PUBLISHED: 1,
            DeliveryState.FAILED: 1,
        }
        account = accounts.account_named(tx, "wire-en")
        assert account is not None
        assert accounts.count_open(tx, account.id) == 1
        assert publishing.known_remote_ids(tx, account.id) == {"1000"}


def test_an_unknown_scope_of_a_hold_stops_everything() -> None:
    def stops(scope: HoldScope | str, value: str) -> bool:
        found = Hold(scope=scope, value=value, reason="", placed_by="", placed_at=MONDAY)
        return holds.matches(
            found,
            campaign="week",
            key="opening",
            account="x-en",
            language="en",
            kind="quote",
            tags=["a"],
        )

    assert stops("planet", "mars")
    assert stops(HoldScope.TAG, "a")
    assert not stops(HoldScope.TAG, "b")


def test_a_worker_is_known_by_its_last_sign_of_life(desk: Desk) -> None:
    with desk.context.database.write() as tx:
        for name in ("old", "new"):
            workers.enrol(tx, name, f"journal of {name}", MONDAY, "", reconciled=None)
    for name, minute in (("worker", 0), ("old", 1), ("new", 5), ("old", 2)):
        with desk.context.database.work() as tx:
            publishing.keep_beat(tx, name, heartbeat_at=MONDAY + timedelta(minutes=minute))
    with desk.context.database.read() as tx:
        heard = sorted(workers.enrolled(tx), key=lambda w: w.heartbeat_at, reverse=True)
        assert [w.id for w in heard] == ["new", "old", "worker"]


def test_people_are_known_by_name(desk: Desk) -> None:
    with desk.context.database.read() as tx:
        assert people.person_named(tx, "nobody") is None
        assert "amal" in people.names_by_id(tx).values()


def test_a_page_of_posts_ends_where_the_next_begins(desk: Desk) -> None:
    desk.queue(*(desk.post(f"p{n}", minutes=60 + n) for n in range(5)))

    with desk.context.database.read() as tx:
        pages = [
            reading.page_of_lines(tx, desk.clock(), past=False, limit=2, offset=n)
            for n in (0, 2, 4)
        ]
    assert [[x.reference for x in page] for page in pages] == [
        ["week/p0", "week/p1"],
        ["week/p2", "week/p3"],
        ["week/p4"],
    ]

"""Queries by use: what is due, what is known, what stops, what counts."""

from __future__ import annotations

from datetime import timedelta

from social_scheduler.errors import Refused
from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.services import hold, review
from social_scheduler.store import accounts, holds, people, publishing, queue, reading
from social_scheduler.store import due as due_store
from social_scheduler.store import review as review_store
from social_scheduler.store.tables import Hold, HoldScope, Worker
from tests.services.desk import MONDAY, Desk


def test_the_next_due_moment_is_that_of_what_is_approved(desk: Desk) -> None:
    desk.queue(desk.post("soon", minutes=10), desk.post("later", minutes=60))
    with desk.context.database.read() as tx:
        assert due_store.next_due(tx) is None

    desk.approve("week/later")
    with desk.context.database.read() as tx:
        assert due_store.next_due(tx) == MONDAY + timedelta(minutes=60)


def test_the_longest_due_comes_first(desk: Desk) -> None:
    posts = [desk.post(f"p{n}", minutes=60 - n, late=60) for n in range(3)]
    desk.ready(*posts)
    desk.clock.at = MONDAY + timedelta(minutes=61)

    with desk.context.database.read() as tx:
        due = due_store.due(tx, desk.clock(), [], 2)

    wanted = [desk.looked(f"week/p{n}").delivery.id for n in (2, 1)]
    assert [d.id for d in due] == wanted


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


def test_stops_are_listed_after_a_change_number(desk: Desk) -> None:
    desk.queue(desk.post("one"), desk.post("two"))
    review.request_changes(desk.context, desk.actor("rana"), "week/one", "a typo")
    with desk.context.database.read() as tx:
        seen = publishing.last_change(tx)
    hold.add_hold(desk.context, desk.actor("dima"), scope="kind", value="quote", reason="flood")
    review.withdraw(desk.context, desk.actor("amal"), "week/two", "wrong")

    with desk.context.database.read() as tx:
        assert [r.step for r in publishing.stops_since(tx, seen)] == ["hold", "withdraw", "cancel"]
        assert publishing.last_change(tx) > seen


def test_counts_and_attempts_tell_what_was_done(desk: Desk) -> None:
    with desk.context.database.read() as tx:
        assert publishing.attempt_keys(tx) == set()
    desk.ready(desk.post("one"), desk.post("two"))
    desk.wire.script = [Refused("no")]
    desk.tick()

    with desk.context.database.read() as tx:
        assert len(publishing.attempt_keys(tx)) == 2
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
            found, campaign="week", account="x-en", language="en", kind="quote", tags=["a"]
        )

    assert stops("planet", "mars")
    assert stops(HoldScope.TAG, "a")
    assert not stops(HoldScope.TAG, "b")


def test_a_worker_is_known_by_its_last_sign_of_life(desk: Desk) -> None:
    for name, minute in (("old", 0), ("new", 5), ("old", 1)):
        with desk.context.database.write() as tx:
            publishing.keep_worker(
                tx,
                Worker(
                    id=name,
                    host="h",
                    pid=1,
                    started_at=MONDAY,
                    heartbeat_at=MONDAY + timedelta(minutes=minute),
                    stopped_at=None,
                ),
            )
    with desk.context.database.read() as tx:
        assert [w.id for w in publishing.workers(tx)] == ["new", "old"]


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

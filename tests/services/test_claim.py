"""What a worker may take: in order, by account, a group whole or not at all, never a burst."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from social_scheduler.errors import NotSent, RateLimited, Refused
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.planning import PlannedPost
from social_scheduler.services import hold, settle, workers
from social_scheduler.services.claim import Burst, Room, Turn, is_anything_due, take_due
from social_scheduler.store import publishing
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import AccountState
from tests.services.desk import WORKER, Desk

ALL = {"wire-en": "Good morning", "wire-ar": "صباح الخير"}
UNTOUCHED = 0.25
"""Seconds in which nothing may happen while another is at work."""


def together(desk: Desk, key: str = "opening") -> PlannedPost:
    return replace(desk.post(key, words=ALL), release="together")


def taken(desk: Desk, turns: Sequence[Turn]) -> list[list[str]]:
    return [[claim.account for claim in turn.claims] for turn in turns]


class TestTogether:
    def test_a_post_released_together_is_one_turn(self, desk: Desk) -> None:
        desk.ready(together(desk))

        assert taken(desk, desk.publisher.claim_due()) == [["wire-en", "wire-ar"]]

    def test_apart_every_account_has_its_own_turn(self, desk: Desk) -> None:
        desk.ready(desk.post(words=ALL))

        assert taken(desk, desk.publisher.claim_due()) == [["wire-en"], ["wire-ar"]]

    def test_every_language_goes_out_when_all_of_them_may(self, desk: Desk) -> None:
        desk.ready(together(desk))
        desk.tick()

        assert sorted(desk.wire.texts) == sorted(ALL.values())

    def test_nothing_goes_out_while_one_account_is_suspended(self, desk: Desk) -> None:
        desk.account("wire-ar", "ar", state=AccountState.SUSPENDED, trouble="401")
        desk.ready(together(desk))

        desk.tick()
        assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, [])

        desk.account("wire-ar", "ar")
        desk.clock.forward(minutes=1)
        desk.tick()
        assert sorted(desk.wire.texts) == sorted(ALL.values())

    def test_nothing_goes_out_while_one_account_rests(self, desk: Desk) -> None:
        desk.account("wire-ar", "ar", limited_until=desk.clock() + timedelta(minutes=62))
        desk.ready(together(desk))

        desk.tick()
        assert desk.wire.texts == []

        desk.clock.forward(minutes=2)
        desk.tick()
        assert sorted(desk.wire.texts) == sorted(ALL.values())

    def test_a_hold_on_one_language_stops_them_all(self, desk: Desk) -> None:
        desk.ready(together(desk))
        hold.add_hold(
            desk.context, desk.actor("dima"), scope="language", value="ar", reason="flood"
        )

        desk.tick()

        assert [desk.state(account=a) for a in ALL] == [D.MISSED, D.MISSED]
        assert desk.trouble() == "released together with wire-ar: dima holds language ar: flood"

    def test_a_hold_that_comes_after_the_claim_stops_them_all(self, desk: Desk) -> None:
        desk.ready(together(desk))
        (turn,) = desk.publisher.claim_due()
        hold.add_hold(
            desk.context, desk.actor("dima"), scope="language", value="ar", reason="flood"
        )

        desk.publisher.send(turn)

        assert [desk.state(account=a) for a in ALL] == [D.MISSED, D.MISSED]
        assert desk.wire.texts == []

    def test_one_whose_keys_are_not_accepted_keeps_the_others(self, desk: Desk) -> None:
        desk.ready(together(desk))
        desk.spoil_keys("wire-ar")

        desk.tick()

        assert desk.wire.texts == []
        assert desk.trouble().startswith("released together with wire-ar: ")

    def test_what_cannot_begin_together_in_time_is_missed_together(self, desk: Desk) -> None:
        desk.account("wire-ar", "ar", state=AccountState.SUSPENDED, trouble="401")
        desk.ready(together(desk))

        desk.tick()
        desk.clock.forward(minutes=10)
        desk.tick()

        assert [desk.state(account=a) for a in ALL] == [D.MISSED, D.MISSED]

    def test_after_the_first_call_there_is_no_undoing_and_people_choose(self, desk: Desk) -> None:
        desk.ready(together(desk))
        desk.wire.script = ["said", Refused("not this word")]

        desk.tick()

        assert [desk.state(account=a) for a in ALL] == [D.PUBLISHED, D.FAILED]
        settle.send_again(desk.context, desk.actor("dima"), "week/opening", "wire-ar")
        desk.tick()
        assert desk.state(account="wire-ar") is D.PUBLISHED

    def test_once_one_is_live_the_others_are_tried_again_alone(self, desk: Desk) -> None:
        desk.ready(together(desk))
        desk.wire.script = ["said", NotSent("unreachable")]
        desk.tick()
        assert desk.state(account="wire-ar") is D.SCHEDULED

        desk.clock.forward(minutes=1)
        desk.tick()

        assert sorted(desk.wire.texts) == sorted(ALL.values())

    def test_while_nothing_is_live_they_are_tried_again_together(self, desk: Desk) -> None:
        desk.ready(together(desk))
        desk.wire.script = [
            NotSent("unreachable"),
            RateLimited("full", until=desk.clock() + timedelta(minutes=2)),
        ]
        desk.tick()

        desk.clock.forward(minutes=1)
        desk.tick()
        assert desk.wire.texts == []

        desk.clock.forward(minutes=1)
        desk.tick()
        assert sorted(desk.wire.texts) == sorted(ALL.values())

    def test_one_that_a_person_cancelled_does_not_keep_the_others(self, desk: Desk) -> None:
        desk.ready(together(desk))
        hold.add_hold(desk.context, desk.actor("dima"), scope="everything", value="", reason="x")
        desk.tick()
        hold.release_hold(desk.context, desk.actor("dima"), 1)
        settle.drop(desk.context, desk.actor("dima"), "week/opening", "wire-ar", "not today")
        settle.send_again(desk.context, desk.actor("dima"), "week/opening", "wire-en")

        desk.tick()

        assert desk.wire.texts == ["Good morning"]


class TestOrder:
    def test_an_accounts_posts_are_taken_in_the_order_they_are_due(self, desk: Desk) -> None:
        posts = [desk.post(f"p{n}", minutes=60 - n, late=60) for n in range(3)]
        desk.ready(*posts)
        desk.clock.forward(minutes=5)

        desk.tick()

        assert desk.wire.texts == [f"p{n}: good morning" for n in (2, 1, 0)]

    def test_an_account_that_another_worker_speaks_through_is_left_to_it(self, desk: Desk) -> None:
        desk.ready(desk.post("one"))
        assert desk.publisher.claim_due()
        desk.queue(desk.post("one"), desk.post("two"))
        desk.approve("week/two")

        assert take_due(desk.context, "worker-2") == []
        assert len(take_due(desk.context, WORKER)) == 1

    def test_it_is_taken_a_moment_ahead_and_not_said_before_its_time(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.clock.forward(seconds=-1)
        assert desk.publisher.claim_due() == []

        (turn,) = desk.publisher.claim_due(timedelta(seconds=1))

        assert turn.at == desk.looked().delivery.due_at
        desk.publisher.send(turn)
        assert desk.wire.texts == []

    def test_accounts_that_keep_a_distance_say_one_post_at_a_time(self, desk: Desk) -> None:
        desk.account("wire-en", "en", spacing=120)
        desk.ready(desk.post("one"), desk.post("two"))

        desk.tick()
        desk.clock.forward(seconds=119)
        desk.tick()
        assert desk.wire.texts == ["one: good morning"]

        desk.clock.forward(seconds=1)
        desk.tick()
        assert desk.wire.texts == ["one: good morning", "two: good morning"]


class TestWhetherAnythingIsDue:
    def test_what_is_due_soon_is_waited_for(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.clock.forward(seconds=-4)

        assert is_anything_due(desk.context, timedelta(seconds=5))
        assert not is_anything_due(desk.context, timedelta(seconds=3))

    def test_a_group_that_waits_for_a_suspended_account_is_not(self, desk: Desk) -> None:
        desk.account("wire-ar", "ar", state=AccountState.SUSPENDED, trouble="401")
        desk.ready(together(desk))

        assert not is_anything_due(desk.context, timedelta(seconds=5))
        desk.account("wire-ar", "ar")
        assert is_anything_due(desk.context, timedelta(seconds=5))

    def test_what_will_be_missed_for_a_hold_is_waited_for(self, desk: Desk) -> None:
        desk.ready(desk.post())
        hold.add_hold(desk.context, desk.actor("dima"), scope="everything", value="", reason="x")

        assert is_anything_due(desk.context, timedelta(seconds=5))
        desk.tick()
        assert not is_anything_due(desk.context, timedelta(seconds=5))


class TestRoom:
    def test_a_worker_leaves_accounts_to_others(self, desk: Desk) -> None:
        desk.ready(desk.post("one", words=ALL), desk.post("two", words=ALL))

        mine = take_due(desk.context, WORKER, room=Room(more=1))
        others = take_due(desk.context, "worker-2", room=Room(more=1))

        assert taken(desk, mine) == [["wire-en"], ["wire-en"]]
        assert taken(desk, others) == [["wire-ar"], ["wire-ar"]]

    def test_it_goes_on_with_accounts_that_it_speaks_through(self, desk: Desk) -> None:
        desk.ready(desk.post("one"))
        account = desk.looked("week/one").account.id

        assert take_due(desk.context, WORKER, room=Room(more=0)) == []
        room = Room(accounts=frozenset({account}), more=0)
        assert len(take_due(desk.context, WORKER, room=room)) == 1

    def test_a_group_is_never_cut_for_want_of_room(self, desk: Desk) -> None:
        desk.ready(together(desk))

        turns = take_due(desk.context, WORKER, room=Room(more=1))

        assert taken(desk, turns) == [["wire-en", "wire-ar"]]

    def test_what_cannot_be_taken_hides_nothing_behind_it(self, desk: Desk) -> None:
        desk.account("wire-en", "en", spacing=60)
        waiting = [desk.post(f"p{n}") for n in range(7)]
        desk.ready(*waiting, desk.post("last", words={"wire-ar": "مساء الخير"}))

        turns = [take_due(desk.context, WORKER, room=Room(3)) for _ in range(2)]

        assert [taken(desk, each) for each in turns] == [[["wire-en"]], [["wire-ar"]]]

    def test_a_worker_declared_lost_takes_nothing_more(self, desk: Desk) -> None:
        desk.ready(desk.post())
        workers.declare_lost(desk.context, desk.actor("noor"), "worker")

        assert desk.new_publisher("worker").claim_due() == []
        assert len(desk.publisher.claim_due()) == 1


class TestBurst:
    def burst(self, desk: Desk, **limits: int) -> list[str]:
        """Two posts on two accounts at once, and a third half a minute later."""
        third = desk.post("p2", words=ALL, minutes=60.5)
        desk.ready(desk.post("p0", words=ALL), desk.post("p1", words=ALL), third)
        desk.publisher.burst = Burst(**limits)
        desk.tick()
        desk.clock.forward(seconds=30)
        desk.tick()
        desk.tick()
        return desk.wire.texts

    def test_more_than_an_account_ever_says_in_a_minute_trips_a_hold_on_it(
        self, desk: Desk
    ) -> None:
        said = self.burst(desk, account_minute=2)

        assert len(said) == 4
        held = hold.list_holds(desk.context, desk.actor("dima"))
        assert sorted((h.scope.value, h.value) for h in held) == [
            ("account", "wire-ar"),
            ("account", "wire-en"),
        ]
        assert desk.state("week/p2") is D.MISSED
        assert "burst guard: more than 2 posts on this account in one minute" in desk.trouble(
            "week/p2"
        )

    def test_more_than_all_accounts_say_in_an_hour_trips_a_hold_on_everything(
        self, desk: Desk
    ) -> None:
        said = self.burst(desk, hour=5)

        assert len(said) in (4, 5)
        (held,) = hold.list_holds(desk.context, desk.actor("dima"))
        assert held.scope.value == "everything"

    def test_too_many_at_one_moment_are_all_looked_at_by_a_person_first(self, desk: Desk) -> None:
        assert self.burst(desk, minute=3) == []
        assert desk.state("week/p0") is D.MISSED

    def test_what_was_said_longer_ago_does_not_count(self, desk: Desk) -> None:
        desk.publisher.burst = Burst(account_minute=1)
        desk.ready(desk.post("one"), desk.post("two", minutes=62))
        desk.tick()
        desk.clock.forward(minutes=2)
        desk.tick()

        assert len(desk.wire.texts) == 2
        assert hold.list_holds(desk.context, desk.actor("dima")) == []

    def test_a_post_released_together_is_not_cut_in_two(self, desk: Desk) -> None:
        desk.ready(together(desk))
        desk.publisher.burst = Burst(minute=1)
        desk.tick()
        desk.tick()

        assert desk.wire.texts == []
        assert [desk.state(account=a) for a in ALL] == [D.MISSED, D.MISSED]

    def test_more_than_all_accounts_say_is_counted_over_all_workers(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that counts keeps the others waiting until it has taken its own."""
        words = {f"a{n}": f"word {n}" for n in range(8)}
        for name in words:
            desk.account(name, "en")
        desk.ready(desk.post(words=words))
        begun_since = publishing.begun_since
        others: list[Future[list[Turn]]] = []

        def take(worker: str) -> list[Turn]:
            return take_due(desk.context, worker, burst=Burst(minute=4), room=Room(4))

        with ThreadPoolExecutor(1) as pool:

            def counted(tx: Transaction, since: datetime) -> list[tuple[int, int]]:
                found = begun_since(tx, since)
                if not others:
                    others.append(pool.submit(take, "worker-2"))
                    wait(others, UNTOUCHED)
                return found

            monkeypatch.setattr(publishing, "begun_since", counted)
            mine = take("worker-1")

        assert (len(mine), others[0].result()) == (4, [])
        (held,) = hold.list_holds(desk.context, desk.actor("dima"))
        assert "4 posts in one minute" in held.reason

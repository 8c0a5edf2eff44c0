"""What became of it: found, absent, missed, proved, recovered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

import pytest

from social_scheduler.errors import NotSent, RateLimited, Refused, Unconfirmed
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import (
    HONOURS_KEYS,
    Call,
    Connection,
    Published,
    Recovery,
    RecoveryKind,
    Seen,
)
from social_scheduler.services import hold, reconcile, settle
from social_scheduler.services.claim import Turn
from social_scheduler.services.prove import PROOF_PAUSES
from social_scheduler.services.reconcile import miss_lapsed, recover_silent
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked, look_at
from social_scheduler.store.steps import By
from social_scheduler.store.tables import Delivery, Proof, Verdict
from tests.services.desk import Desk

UNTOUCHED = 0.25
"""Seconds in which nothing may happen while another is at work."""


def lost(desk: Desk, words: str | list[str] = "Good morning") -> None:
    desk.ready(desk.post(words={"wire-en": words}, late=60))
    desk.wire.script = ["lost"]
    desk.tick()
    assert desk.state() is D.UNCONFIRMED


def repeatable(desk: Desk, key: str = "opening", due: datetime | None = None) -> None:
    """A call that is lost before it arrived, on a network where it may be made again."""
    desk.wire.recovery = Recovery(RecoveryKind.DETERMINISTIC, settle=(1, 2), keyed_for=120)
    desk.ready(desk.post(key, due=due))
    desk.wire.script = [Unconfirmed("the answer was lost")]
    desk.tick()
    assert desk.state(f"week/{key}") is D.UNCONFIRMED


def proof(desk: Desk) -> Proof:
    with desk.context.database.read() as tx:
        looked = desk.looked()
        return tx.get_one(Proof, (looked.delivery.id, looked.parts[-1].number))


class TestLookingForTheLost:
    def test_nobody_looks_before_the_network_has_settled(self, desk: Desk) -> None:
        lost(desk)
        desk.clock.forward(seconds=9)
        desk.look()
        assert desk.wire.calls.count("find") == 0

        desk.clock.forward(seconds=1)
        desk.look()
        assert desk.wire.calls.count("find") == 1

    def test_what_is_found_is_published(self, desk: Desk) -> None:
        lost(desk)
        desk.clock.forward(seconds=10)
        desk.look()

        assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live"])
        assert desk.looked().parts[0].remote_id == "1000"
        assert len(desk.wire.ledger) == 1

    def test_a_thread_goes_on_after_the_part_that_was_found(self, desk: Desk) -> None:
        lost(desk, ["part 1", "part 2"])
        desk.clock.forward(seconds=10)
        desk.look()
        assert (desk.state(), desk.parts()) == (D.SCHEDULED, ["live", "waiting"])

        desk.tick()
        assert desk.wire.texts == ["part 1", "part 2"]

    def test_absent_twice_waits_for_a_person_and_is_never_repeated(self, desk: Desk) -> None:
        lost(desk)
        desk.wire.hidden = True
        for _ in range(10):
            desk.clock.forward(minutes=1)
            desk.tick()
            desk.look()

        assert desk.wire.calls.count("find") == 2
        assert desk.wire.calls.count("publish") == 1
        assert desk.state() is D.UNCONFIRMED
        assert desk.looked().delivery.next_look_at is None
        assert "a person has to decide" in desk.trouble()

    def test_where_the_same_call_cannot_double_it_is_made_again(self, desk: Desk) -> None:
        """Bluesky's way: our own record key decides, whatever came of the first call."""
        repeatable(desk)
        steps: list[D] = []
        desk.wire.asked = lambda connection, call: steps.append(desk.state())
        for _ in range(2):
            desk.clock.forward(seconds=30)
            desk.look()

        assert steps == [D.UNCONFIRMED], "nobody is told meanwhile that nothing was sent"
        assert desk.state() is D.PUBLISHED
        assert desk.wire.calls.count("publish") == 2

    @pytest.mark.parametrize(
        ("told", "minutes", "again"), [(1, 1, True), (0, 1, False), (1, 9, False)]
    )
    def test_a_key_that_the_server_honours_is_used_again_while_it_is_known(
        self, desk: Desk, told: int, minutes: int, again: bool
    ) -> None:
        desk.wire.recovery = Recovery(RecoveryKind.KEYED, settle=(10,), keyed_for=300)
        desk.account("wire-en", "en", told={HONOURS_KEYS: told})
        desk.ready(desk.post(late=60))
        desk.wire.script = [Unconfirmed("the answer was lost")]
        desk.tick()
        desk.clock.forward(minutes=minutes)
        desk.look()
        desk.tick()

        assert desk.wire.calls.count("publish") == (2 if again else 1)
        assert desk.state() is (D.PUBLISHED if again else D.UNCONFIRMED)

    def test_a_call_is_not_made_again_while_a_hold_stands(self, desk: Desk) -> None:
        repeatable(desk)
        hold.add_hold(
            desk.context, desk.actor("dima"), scope="everything", value="", reason="flood"
        )
        for _ in range(2):
            desk.clock.forward(seconds=30)
            desk.look()

        assert desk.state() is D.UNCONFIRMED
        assert desk.wire.calls.count("publish") == 1
        assert "a person has to decide" in desk.trouble()

    def test_a_call_is_not_made_again_after_its_window_or_late_after_the_first(
        self, desk: Desk
    ) -> None:
        """Somebody may have seen the post, and deleted it by hand."""
        for minutes in (3, 11):
            key = f"after-{minutes}"
            due = desk.clock() + timedelta(hours=1)
            repeatable(desk, key, due=due)
            for _ in range(2):
                desk.clock.forward(minutes=minutes)
                desk.look()
            assert desk.state(f"week/{key}") is D.UNCONFIRMED
        assert desk.wire.calls.count("publish") == 2

    def test_a_call_made_under_another_due_time_is_not_made_again(self, desk: Desk) -> None:
        """As after a restore: the network would be told another key, and make another post."""
        repeatable(desk)
        with desk.context.database.write() as tx:
            delivery = tx.get_one(Delivery, desk.looked().delivery.id)
            delivery.due_at += timedelta(seconds=1)
        for _ in range(2):
            desk.clock.forward(seconds=30)
            desk.look()

        assert desk.state() is D.UNCONFIRMED
        assert desk.wire.calls.count("publish") == 1

    def test_a_repeated_call_that_is_refused_leaves_it_to_a_person(self, desk: Desk) -> None:
        """The first may be live all the same."""
        repeatable(desk)
        desk.wire.script = [Refused("too long after all")]
        for _ in range(2):
            desk.clock.forward(seconds=30)
            desk.look()

        assert (desk.state(), desk.parts()) == (D.UNCONFIRMED, ["unconfirmed"])

    @pytest.mark.parametrize(
        "problem", [NotSent("no route"), Refused("forbidden"), KeyError("data")]
    )
    def test_a_network_that_could_not_be_asked_does_not_count_as_a_look(
        self, desk: Desk, problem: Exception
    ) -> None:
        lost(desk)
        desk.wire.troubles = {"find": [problem] * 5}
        for _ in range(5):
            desk.clock.forward(seconds=30)
            desk.look()
        assert desk.looked().delivery.looks == 0
        assert desk.state() is D.UNCONFIRMED

        desk.clock.forward(seconds=30)
        desk.look()
        assert desk.state() is D.PUBLISHED

    def test_a_rate_limit_on_looking_is_obeyed(self, desk: Desk) -> None:
        lost(desk)
        desk.clock.forward(seconds=10)
        until = desk.clock() + timedelta(minutes=15)
        desk.wire.troubles = {"find": [RateLimited("full", until=until)]}
        desk.look()
        assert desk.looked().delivery.next_look_at == until

    def test_an_older_post_with_the_same_words_is_not_taken_for_it(self, desk: Desk) -> None:
        """Known ids and what was said before the call cannot be the lost one."""
        desk.ready(desk.post("first", {"wire-en": "Good morning"}, late=60))
        desk.tick()
        desk.ready(desk.post(words={"wire-en": "Good morning"}, campaign="two"))
        desk.wire.script = [KeyError("never said")]
        desk.tick()
        for _ in range(3):
            desk.clock.forward(minutes=1)
            desk.look()

        assert desk.state("two/opening") is D.UNCONFIRMED

    def test_a_look_that_comes_late_does_not_write_over_what_a_person_settled(
        self, desk: Desk
    ) -> None:
        lost(desk)
        url = "https://wire.example/id-wire-en/1000"
        desk.clock.forward(seconds=10)

        def find(*_: object) -> None:
            settle.it_is_live(desk.context, desk.actor("dima"), "week/opening", "wire-en", url)

        desk.wire.find = find  # type: ignore[method-assign, assignment]
        desk.look()

        assert (desk.state(), desk.trouble()) == (D.PUBLISHED, "")
        assert desk.looked().parts[0].url == url

    def test_what_a_look_finds_is_not_said_again_although_a_person_just_said_so(
        self, desk: Desk
    ) -> None:
        lost(desk)
        desk.clock.forward(seconds=10)
        honest = desk.wire.find

        def find(
            connection: Connection, call: Call, since: datetime, known: frozenset[str]
        ) -> Published | None:
            settle.send_again(desk.context, desk.actor("dima"), "week/opening", "wire-en")
            return honest(connection, call, since, known)

        desk.wire.find = find  # type: ignore[method-assign]
        desk.look()
        desk.tick()

        assert (desk.state(), desk.wire.texts) == (D.MISSED, ["Good morning"])
        assert "live after all" in desk.trouble()


class TestSeveralWorkers:
    def test_a_workers_journal_counts_after_another_gave_its_call_up(self, desk: Desk) -> None:
        desk.ready(desk.post())
        ready = desk.publisher.make_ready(Turn((desk.claimed(),), desk.clock()))
        assert ready is not None
        (begun,) = desk.publisher.begin([ready])
        desk.publisher.keep([(begun, desk.publisher.caller.call(begun))])  # and here it is killed
        desk.clock.forward(seconds=31)
        recover_silent(desk.context, By("worker-2", desk.clock()))
        assert desk.state() is D.UNCONFIRMED

        desk.restart()

        assert (desk.state(), desk.parts(), desk.trouble()) == (D.PUBLISHED, ["live"], "")

    def test_two_workers_that_take_over_from_a_third_at_once_do_not_disturb_each_other(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.ready(desk.post())
        desk.claimed()
        desk.clock.forward(seconds=31)
        others: list[Future[int]] = []

        def take_over(worker: str) -> int:
            return recover_silent(desk.context, By(worker, desk.clock()))

        with ThreadPoolExecutor(1) as pool:

            def meanwhile(tx: Transaction, ids: Sequence[int]) -> Mapping[int, Looked]:
                found = look_at(tx, ids)
                if not others:
                    others.append(pool.submit(take_over, "worker-3"))
                    wait(others, UNTOUCHED)
                return found

            monkeypatch.setattr(reconcile, "look_at", meanwhile)
            counts = take_over("worker-2"), others[0].result()

        assert (counts, desk.state()) == ((1, 0), D.SCHEDULED)


class TestProof:
    def live(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.tick()

    def test_an_honest_copy_is_equal_and_not_looked_at_again(self, desk: Desk) -> None:
        self.live(desk)
        desk.look()
        desk.clock.forward(hours=1)
        desk.look()

        assert (proof(desk).verdict, proof(desk).next_look_at) == (Verdict.EQUAL, None)
        assert desk.wire.calls.count("read_back") == 1

    @pytest.mark.parametrize(
        ("shown", "verdict", "fields"),
        [
            (None, Verdict.GONE, []),
            (Seen("id-wire-en", "other", None, None, None, None, None), Verdict.DIFFERS, ["text"]),
            (
                Seen("mallory", "other", None, 1, None, None, None),
                Verdict.DIFFERS,
                ["author_id", "text", "media_count"],
            ),
            (Seen(None, None, None, None, None, None, None), Verdict.EQUAL, []),
        ],
    )
    def test_what_the_network_shows_is_compared_field_by_field(
        self, desk: Desk, shown: Seen | None, verdict: Verdict, fields: list[str]
    ) -> None:
        self.live(desk)
        desk.wire.shown = {"1000": shown}

        desk.look()

        assert (proof(desk).verdict, proof(desk).fields) == (verdict, fields)

    def test_a_network_that_is_slow_to_show_it_is_asked_again(self, desk: Desk) -> None:
        self.live(desk)
        desk.wire.shown = {"1000": None}
        desk.look()
        assert proof(desk).next_look_at == desk.clock() + PROOF_PAUSES[0]

        desk.wire.shown = {}
        desk.clock.at += PROOF_PAUSES[0]
        desk.look()
        assert proof(desk).verdict is Verdict.EQUAL

    def test_after_the_last_look_it_stays_as_it_was_seen(self, desk: Desk) -> None:
        self.live(desk)
        desk.wire.shown = {"1000": None}
        for _ in range(10):
            desk.look()
            desk.clock.forward(minutes=10)

        assert desk.wire.calls.count("read_back") == len(PROOF_PAUSES) + 1
        assert (proof(desk).verdict, proof(desk).next_look_at) == (Verdict.GONE, None)
        assert [r.why for r in desk.history() if r.step == "prove"] == ["gone"]

    def test_what_cannot_be_read_is_told_as_such(self, desk: Desk) -> None:
        self.live(desk)
        desk.wire.troubles = {"read_back": [NotSent("no route")]}
        desk.look()

        assert proof(desk).verdict is Verdict.NOT_READABLE
        assert desk.state() is D.PUBLISHED

    def test_every_part_of_a_thread_is_proved(self, desk: Desk) -> None:
        desk.ready(desk.post(words={"wire-en": ["part 1", "part 2"]}))
        desk.tick()
        desk.look()

        with desk.context.database.read() as tx:
            delivery = desk.looked().delivery.id
            proofs = [tx.get_one(Proof, (delivery, p.number)) for p in desk.looked().parts]
        assert [p.verdict for p in proofs] == [Verdict.EQUAL] * 2


class TestMissing:
    def test_a_closed_window_is_missed_with_the_reason(self, desk: Desk) -> None:
        desk.queue(desk.post("one"), desk.post("two", minutes=600))
        desk.clock.forward(minutes=70)

        assert miss_lapsed(desk.context, desk.by()) == 1
        assert miss_lapsed(desk.context, desk.by()) == 0

        assert desk.state("week/one") is D.MISSED
        assert desk.state("week/two") is D.SCHEDULED

    def test_the_reason_is_what_stood_in_the_way(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.wire.script = [NotSent("no route")]
        desk.tick()
        desk.clock.forward(minutes=10)
        desk.tick()

        assert (desk.state(), desk.trouble()) == (D.MISSED, "no route")


class TestRecovery:
    def test_a_lease_that_began_nothing_goes_back(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.publisher.claim_due()

        desk.restart()

        assert (desk.state(), desk.looked().delivery.worker) == (D.SCHEDULED, None)
        desk.tick()
        assert len(desk.wire.texts) == 1

    def test_recovering_twice_changes_nothing_more(self, desk: Desk) -> None:
        lost(desk)
        before = len(desk.history())
        for _ in range(2):
            desk.restart()

        assert len(desk.history()) == before

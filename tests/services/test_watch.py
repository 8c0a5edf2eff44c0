"""The watchdog: everything that is wrong is told once, in words that help, and so is its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from social_scheduler.alarms import Alarm
from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.services.watch import Judgement, StepGuard, Unreadable, judge, look
from social_scheduler.services.watch_causes import Facts
from social_scheduler.store import gaps as gap_store
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Base,
    Hold,
    HoldScope,
    Post,
    Verdict,
)
from tests.postgresql import Databases
from tests.services.floor import NOON, WORDS, Floor, minutes

SECOND = timedelta(seconds=1)
GAP = {
    "worker": "worker",
    "delivery": 7,
    "attempt": 1,
    "part": 1,
    "digest": "d",
    "post": "week/opening",
    "account": "x-en",
    "outcome": None,
    "url": None,
}
SENT_AND_UNSETTLED = [
    (DeliveryState.UNCONFIRMED, "it may be live or not"),
    (DeliveryState.PARTIAL, "partly live"),
    (DeliveryState.FAILED, "the network refused it"),
    (DeliveryState.MISSED, "its window closed"),
]


@pytest.fixture
def floor(tmp_path: Path, databases: Databases | None) -> Iterator[Floor]:
    """Nothing is wrong here yet: nothing is due, and a worker beats. On each database."""
    name = databases.create() if databases else ""
    found = Floor(tmp_path, databases.address(name) if databases else "")
    found.beat()
    yield found
    found.database.close()
    if databases:
        databases.drop(name)


def looked(floor: Floor, before: Judgement | None = None, **values: timedelta) -> Facts:
    """What one look shows; the database's clock is taken to be the one that tests turn."""
    database = floor.read_only()
    try:
        facts = look(database, floor.clock, before.standing if before else {}, **values)
    finally:
        database.close()
    ahead = timedelta() if database.is_postgresql else None
    return replace(facts, database_ahead=ahead)


def seen(floor: Floor, before: Judgement | None = None, **values: timedelta) -> Judgement:
    """One check, after an earlier one."""
    facts = looked(floor, before, **values)
    return judge(facts, floor.now, before.standing if before else {})


def only(judgement: Judgement) -> Alarm:
    """The one alarm that is new."""
    [alarm] = judgement.new
    return alarm


def everything(floor: Floor) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with floor.database.read() as tx:
        return {
            table.name: [tuple(row) for row in tx.execute(table.select())]
            for table in Base.metadata.sorted_tables
        }


class TestLate:
    def test_two_minutes_after_its_due_time_an_unpublished_post_alarms_and_not_before(
        self, floor: Floor
    ) -> None:
        floor.post("opening")
        floor.now = NOON + minutes(2) - SECOND
        floor.beat()
        assert seen(floor).new == ()

        floor.now = NOON + minutes(2)
        alarm = only(seen(floor))

        assert alarm.what == (
            "week/opening to x-en: was due 2027-01-11 12:00 UTC and is not published"
        )
        assert alarm.why == (
            "it is approved and nothing is in its way; its window closes at 2027-01-11 12:10 UTC"
        )
        assert (alarm.post, alarm.account, alarm.state) == ("week/opening", "x-en", "scheduled")
        assert alarm.since == NOON

    def test_an_unapproved_post_says_so_and_whom_to_ask(self, floor: Floor) -> None:
        floor.post("opening", post=PostState.IN_REVIEW)
        floor.now = NOON + minutes(3)
        floor.beat()

        alarm = only(seen(floor))

        assert "the post is in review, not approved" in alarm.why
        assert "closes at 2027-01-11 12:10" in alarm.why
        assert "social-scheduler review approve week/opening" in alarm.remedy

    def test_an_embargo_is_waited_for(self, floor: Floor) -> None:
        floor.post("opening", not_before=NOON + minutes(5))
        floor.now = NOON + minutes(6)
        floor.beat()
        assert seen(floor).new == ()

        floor.now = NOON + minutes(7)
        assert only(seen(floor)).since == NOON + minutes(5)

    @pytest.mark.parametrize(
        ("scope", "value"),
        [
            (HoldScope.EVERYTHING, ""),
            (HoldScope.CAMPAIGN, "week"),
            (HoldScope.POST, "week/opening"),
            (HoldScope.ACCOUNT, "x-en"),
            (HoldScope.LANGUAGE, "en"),
            (HoldScope.TAG, "training"),
            (HoldScope.KIND, "news"),
        ],
    )
    def test_a_hold_is_told_and_does_not_silence(
        self, floor: Floor, scope: HoldScope, value: str
    ) -> None:
        floor.post("opening")
        floor.hold(scope, value)
        floor.now = NOON + minutes(3)
        floor.beat()

        alarm = only(seen(floor))

        assert "a hold stands: dima holds" in alarm.why
        assert "attack reported" in alarm.why
        assert "hold list" in alarm.remedy

    def test_a_hold_on_something_else_is_not_the_reason(self, floor: Floor) -> None:
        floor.post("opening")
        floor.hold(HoldScope.LANGUAGE, "ar")
        floor.now = NOON + minutes(3)
        floor.beat()

        assert "hold" not in only(seen(floor)).why

    def test_a_limit_of_the_network_is_told_with_its_end(self, floor: Floor) -> None:
        floor.post("opening", ready_at=NOON + minutes(8), tries=1)
        floor.change(Account, 1, limited_until=NOON + minutes(5))
        floor.now = NOON + minutes(3)
        floor.beat()

        assert "takes nothing before 2027-01-11 12:08" in only(seen(floor)).why

    @pytest.mark.parametrize("state", [DeliveryState.LEASED, DeliveryState.SENDING])
    def test_what_a_worker_began_and_did_not_finish_names_the_worker(
        self, floor: Floor, state: DeliveryState
    ) -> None:
        floor.post("opening", state=state, worker="worker")
        floor.now = NOON + minutes(2)
        floor.beat()

        alarm = only(seen(floor))

        assert alarm.why.startswith("worker ")
        assert "has not finished" in alarm.why

    def test_a_window_that_closed_unnoticed_is_told(self, floor: Floor) -> None:
        floor.post("opening")
        floor.now = NOON + minutes(30)
        floor.beat()

        assert "its window closed at 2027-01-11 12:10" in only(seen(floor)).why


class TestWaitsForAPerson:
    @pytest.mark.parametrize(("state", "told"), SENT_AND_UNSETTLED)
    def test_each_state_that_waits_for_a_person_alarms(
        self, floor: Floor, state: DeliveryState, told: str
    ) -> None:
        delivery = floor.post("opening")
        floor.now = NOON + SECOND
        floor.step(delivery, state)

        alarm = only(seen(floor))

        assert told in alarm.what
        assert "social-scheduler history week/opening" in alarm.remedy
        assert alarm.since == NOON + SECOND

    @pytest.mark.parametrize("verdict", [Verdict.DIFFERS, Verdict.GONE, Verdict.NOT_READABLE])
    def test_what_reads_otherwise_than_approved_alarms(
        self, floor: Floor, verdict: Verdict
    ) -> None:
        delivery = floor.post("opening", state=DeliveryState.PUBLISHED)
        floor.proof(delivery, verdict, "text")

        alarm = only(seen(floor))

        assert alarm.cause == f"{verdict.value}/{delivery}/1"
        assert alarm.why == "different: text"

    def test_what_reads_as_approved_is_no_alarm(self, floor: Floor) -> None:
        floor.proof(floor.post("opening", state=DeliveryState.PUBLISHED), Verdict.EQUAL)

        assert seen(floor).new == ()

    def test_no_alarm_repeats_a_post_or_what_a_network_said_of_it(self, floor: Floor) -> None:
        floor.post("a", state=DeliveryState.FAILED, trouble=f"duplicate: {WORDS}")
        floor.proof(floor.post("b", state=DeliveryState.PUBLISHED), Verdict.DIFFERS, "text")

        assert WORDS not in repr(seen(floor).new)

    def test_a_call_that_a_restored_database_does_not_know_alarms_until_it_is_settled(
        self, floor: Floor
    ) -> None:
        with floor.write() as tx:
            gap_store.add(tx, [{**GAP, "found_at": NOON}])
        first = seen(floor)
        assert "week/opening to x-en" in only(first).what

        with floor.write() as tx:
            gap_store.settle(tx, 1, "dima", NOON)
        assert [o.alarm.cause for o in seen(floor, first).over] == ["gap/1"]

    def test_failing_again_is_another_cause(self, floor: Floor) -> None:
        delivery = floor.post("opening", state=DeliveryState.FAILED)
        first = seen(floor)
        floor.step(delivery, DeliveryState.FAILED, attempt=2)

        again = seen(floor, first)

        assert [a.cause for a in again.new] == [f"failed/{delivery}/2"]


class TestOnce:
    def test_one_cause_alarms_once(self, floor: Floor) -> None:
        floor.post("opening", state=DeliveryState.FAILED)
        first = seen(floor)
        second = seen(floor, first)

        assert len(first.new) == 1
        assert (second.new, second.over) == ((), ())
        assert second.standing == first.standing

    def test_a_reason_that_changes_is_the_same_cause(self, floor: Floor) -> None:
        delivery = floor.post("opening", post=PostState.IN_REVIEW)
        floor.now = NOON + minutes(3)
        floor.beat()
        first = seen(floor)
        floor.change(Post, delivery, state=PostState.APPROVED)

        assert seen(floor, first).new == ()

    @pytest.mark.parametrize(
        ("state", "became"),
        [
            (DeliveryState.PUBLISHED, "it is published"),
            (DeliveryState.CANCELLED, "it is cancelled and will not be sent"),
            (DeliveryState.SCHEDULED, "it is scheduled again"),
        ],
    )
    def test_the_end_is_told_once_with_what_became_of_it(
        self, floor: Floor, state: DeliveryState, became: str
    ) -> None:
        delivery = floor.post("opening", state=DeliveryState.UNCONFIRMED)
        first = seen(floor)
        floor.step(delivery, state)

        ended = seen(floor, first)

        assert [(o.alarm.cause, o.became) for o in ended.over] == [
            (f"unconfirmed/{delivery}/1", became)
        ]
        assert seen(floor, ended).over == ()

    def test_late_and_then_missed_says_both(self, floor: Floor) -> None:
        delivery = floor.post("opening")
        floor.now = NOON + minutes(3)
        floor.beat()
        first = seen(floor)
        floor.now = NOON + minutes(10)
        floor.beat()
        floor.step(delivery, DeliveryState.MISSED, trouble="its window closed; nobody approved it")

        then = seen(floor, first)

        assert [o.became for o in then.over] == ["it is missed now"]
        assert only(then).why == "its window closed; nobody approved it"


class TestWorkers:
    def test_a_minute_of_silence_is_an_alarm_and_its_end_is_told(self, floor: Floor) -> None:
        floor.now = NOON + minutes(1)
        assert seen(floor).new == ()
        floor.now += SECOND

        first = seen(floor)
        assert only(first).what == "the worker worker on newsroom is silent"
        floor.beat()
        assert [o.became for o in seen(floor, first).over] == ["it is in order again"]

    def test_a_worker_that_was_stopped_or_given_up_is_not_missed(self, floor: Floor) -> None:
        floor.beat(stopped_at=NOON)
        floor.beat("second", lost_at=NOON)
        floor.now = NOON + minutes(60)

        assert seen(floor).new == ()

    def test_without_a_worker_what_is_approved_and_due_within_a_quarter_alarms(
        self, floor: Floor
    ) -> None:
        floor.beat(stopped_at=NOON)
        floor.post("opening", due=NOON + minutes(15) + SECOND)
        assert seen(floor).new == ()
        floor.now += SECOND

        alarm = only(seen(floor))

        assert alarm.cause == "no-worker"
        assert alarm.why == "week/opening to x-en is due 2027-01-11 12:15 UTC"
        assert alarm.remedy == "Start it: social-scheduler work."

    def test_without_a_worker_what_nobody_approved_is_no_alarm(self, floor: Floor) -> None:
        floor.beat(stopped_at=NOON)
        floor.post("opening", due=NOON + minutes(5), post=PostState.IN_REVIEW)

        assert seen(floor).new == ()

    def test_one_silent_worker_of_two_does_not_mean_that_nobody_publishes(
        self, floor: Floor
    ) -> None:
        floor.post("opening", due=NOON + minutes(5))
        floor.now = NOON + minutes(2)
        floor.beat("second")

        assert [a.cause.split("/")[0] for a in seen(floor).new] == ["worker"]


class TestAccounts:
    def test_a_suspended_account_alarms_only_with_approved_posts_within_a_day(
        self, floor: Floor
    ) -> None:
        floor.change(Account, 1, state=AccountState.SUSPENDED)
        floor.post("unapproved", due=NOON + minutes(60), post=PostState.IN_REVIEW)
        floor.post("tomorrow", due=NOON + minutes(24 * 60) + SECOND)
        assert seen(floor).new == ()
        floor.post("soon", due=NOON + minutes(60))

        alarm = only(seen(floor))

        assert "x-en is suspended and has 1 approved post" in alarm.what
        assert alarm.why == "the first is due 2027-01-11 13:00 UTC"
        assert "accounts connect x-en" in alarm.remedy


class TestClocks:
    @pytest.mark.parametrize(("seconds", "alarms"), [(5, 0), (6, 1)])
    def test_a_worker_from_the_future_means_that_a_clock_is_wrong(
        self, floor: Floor, seconds: int, alarms: int
    ) -> None:
        floor.beat(at=NOON + seconds * SECOND)

        found = seen(floor).new

        assert len(found) == alarms
        assert all("6 s ahead of this machine's" in a.what for a in found)

    def test_the_databases_clock_is_compared_and_judges_the_heartbeats(self, floor: Floor) -> None:
        ahead = replace(looked(floor), database_ahead=minutes(10))

        told = [alarm.what for alarm in judge(ahead, floor.now, {}).new]

        assert told == [
            "the worker worker on newsroom is silent",
            "a clock is wrong: the database's clock is 600 s ahead of this machine's",
        ]

    def test_postgresql_has_a_clock_to_compare_and_sqlite_has_none(self, floor: Floor) -> None:
        database = floor.read_only()
        right = look(database, lambda: datetime.now(UTC), {}).database_ahead
        wrong = look(database, lambda: datetime.now(UTC) - minutes(1), {}).database_ahead
        database.close()

        if not database.is_postgresql:
            assert (right, wrong) == (None, None)
            return
        assert right is not None
        assert abs(right) < 5 * SECOND
        assert wrong is not None
        assert abs(wrong - minutes(1)) < 5 * SECOND

    def test_a_jump_of_this_machines_clock_alarms(self, floor: Floor) -> None:
        alarm = only(seen(floor, gained=timedelta(hours=-1)))

        assert "set back by 3600 s" in alarm.what

    def test_a_jump_is_noticed_against_the_clock_nobody_can_set_and_lasts_ten_minutes(
        self,
    ) -> None:
        guard = StepGuard()
        assert guard.gained(NOON, 100) == timedelta()
        assert guard.gained(NOON + 10 * SECOND, 110) == timedelta()
        hour = timedelta(hours=1)
        assert guard.gained(NOON + hour + 20 * SECOND, 120) == hour
        assert guard.gained(NOON + hour + 618 * SECOND, 718) == hour
        assert guard.gained(NOON + hour + 620 * SECOND, 720) == timedelta()

    def test_a_clock_that_is_set_right_again_is_in_order_at_once(self) -> None:
        guard = StepGuard()
        guard.gained(NOON, 0)
        guard.gained(NOON + minutes(60), 10)

        assert guard.gained(NOON + 20 * SECOND, 20) == timedelta()


class TestUnreadable:
    def test_a_database_that_cannot_be_read_is_an_alarm_and_ends_nothing(
        self, floor: Floor
    ) -> None:
        floor.post("opening", state=DeliveryState.FAILED)
        first = seen(floor)
        gone = Unreadable("The database cannot be used: disk I/O error.", "Check the disk.")

        blind = judge(gone, floor.now, first.standing)

        assert only(blind).cause == "database"
        assert only(blind).remedy == "Check the disk."
        assert blind.over == ()
        assert len(blind.standing) == 2
        assert judge(gone, floor.now, blind.standing).new == ()
        assert [o.alarm.cause for o in seen(floor, blind).over] == ["database"]


class TestReadsOnly:
    def test_a_check_changes_nothing_in_the_database(self, floor: Floor) -> None:
        floor.post("opening", state=DeliveryState.FAILED)
        floor.post("late")
        floor.hold(HoldScope.EVERYTHING)
        floor.now = NOON + minutes(3)
        before = everything(floor)

        assert seen(floor).new

        assert everything(floor) == before

    def test_holds_that_stand_are_told_and_released_ones_are_not(self, floor: Floor) -> None:
        floor.hold(HoldScope.EVERYTHING)
        floor.hold(HoldScope.LANGUAGE, "ar", released_by="dima", released_at=NOON)

        assert looked(floor).holds == ("dima holds everything: attack reported",)
        with floor.database.read() as tx:
            assert tx.query(Hold).count() == 2

"""One table: what an answer means for the part, the delivery and the account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from social_scheduler.errors import WorkspaceError
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import Recovery, RecoveryKind
from social_scheduler.services import settle
from social_scheduler.services.outcome import apply_outcomes
from social_scheduler.store import publishing as store
from social_scheduler.store.steps import step_delivery, step_part
from social_scheduler.store.tables import AccountState, Attempt
from tests.services.desk import Desk

URL = "https://wire.example/9"


def sending(desk: Desk, parts: int = 1) -> int:
    """A delivery whose first part's call is under way; answers its id."""
    desk.ready(desk.post(words={"wire-en": [f"part {n}" for n in range(1, parts + 1)]}))
    claim = desk.claimed()
    begin(desk, claim.delivery_id, 1)
    return claim.delivery_id


def begin(desk: Desk, delivery: int, part: int) -> None:
    with desk.context.database.write() as tx:
        if desk.looked().delivery.state is D.LEASED:
            assert step_delivery(tx, delivery, "begin", desk.by())
        assert step_part(tx, delivery, part, "begin", desk.by())
        call = {"delivery_id": delivery, "number": 1, "part": part, "worker": "w"}
        call |= {"revision": 1, "digest": "d", "started_at": desk.clock()}
        store.begin_attempts(tx, [call])


def apply(desk: Desk, delivery: int, outcome: str, part: int = 1, **values: object) -> bool:
    told = Outcome(delivery, int(str(values.pop("attempt", 1))), part, outcome, **values)  # type: ignore[arg-type]
    with desk.context.database.write() as tx:
        return apply_outcomes(tx, desk.context, [told], desk.by())[0]


def attempt(desk: Desk, delivery: int) -> Attempt:
    with desk.context.database.read() as tx:
        return store.attempts_of(tx, delivery)[-1]


@pytest.mark.parametrize(
    ("outcome", "part", "state", "account"),
    [
        ("published", "live", D.PUBLISHED, AccountState.CONNECTED),
        ("not_sent", "waiting", D.SCHEDULED, AccountState.CONNECTED),
        ("rate_limited", "waiting", D.SCHEDULED, AccountState.CONNECTED),
        ("unauthorized", "waiting", D.SCHEDULED, AccountState.SUSPENDED),
        ("refused", "refused", D.FAILED, AccountState.CONNECTED),
        ("unconfirmed", "unconfirmed", D.UNCONFIRMED, AccountState.CONNECTED),
        ("a word of a later release", "unconfirmed", D.UNCONFIRMED, AccountState.CONNECTED),
    ],
)
def test_each_answer_has_its_row(
    desk: Desk, outcome: str, part: str, state: D, account: AccountState
) -> None:
    delivery = sending(desk)

    assert apply(desk, delivery, outcome, remote_id="9", url=URL) is False

    looked = desk.looked()
    assert (desk.parts(), looked.delivery.state, looked.account.state) == ([part], state, account)
    assert (looked.delivery.worker, looked.delivery.lease_until) == (None, None)
    assert attempt(desk, delivery).outcome == outcome
    assert attempt(desk, delivery).finished_at == desk.clock()


def test_a_part_that_is_live_lets_the_thread_go_on(desk: Desk) -> None:
    delivery = sending(desk, parts=2)

    assert apply(desk, delivery, "published", remote_id="9", url=URL) is True
    assert (desk.state(), desk.parts()) == (D.SENDING, ["live", "waiting"])

    begin(desk, delivery, 2)
    assert apply(desk, delivery, "refused", part=2, evidence="no") is False
    assert (desk.state(), desk.parts()) == (D.PARTIAL, ["live", "refused"])


def test_a_rate_limit_says_until_when(desk: Desk) -> None:
    delivery = sending(desk)
    until = desk.clock() + timedelta(minutes=4)

    apply(desk, delivery, "rate_limited", until=until.timestamp())

    assert desk.looked().account.limited_until == until
    assert desk.looked().delivery.ready_at == until


def test_a_lost_answer_is_looked_for_where_the_network_lets_us(desk: Desk) -> None:
    delivery = sending(desk)

    apply(desk, delivery, "unconfirmed")

    assert desk.looked().delivery.next_look_at == desk.clock() + timedelta(seconds=10)


def test_where_nothing_can_be_found_a_person_is_asked_at_once(desk: Desk) -> None:
    desk.wire.recovery = Recovery(RecoveryKind.NONE, (10,))
    delivery = sending(desk)

    apply(desk, delivery, "unconfirmed")

    assert desk.looked().delivery.next_look_at is None


def test_an_answer_that_comes_late_still_tells_that_it_is_live(desk: Desk) -> None:
    delivery = sending(desk)
    apply(desk, delivery, "unconfirmed")

    apply(desk, delivery, "published", remote_id="9", url=URL)

    assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live"])
    assert desk.looked().delivery.next_look_at is None
    assert desk.looked().parts[0].url == URL


def test_a_late_answer_in_a_thread_lets_it_go_on(desk: Desk) -> None:
    delivery = sending(desk, parts=2)
    apply(desk, delivery, "unconfirmed")

    apply(desk, delivery, "published", remote_id="9", url=URL)
    assert (desk.state(), desk.parts()) == (D.SCHEDULED, ["live", "waiting"])

    desk.tick()
    assert desk.wire.texts == ["part 2"]
    assert desk.wire.ledger[0].reply_to == "9"


def test_a_worker_that_stood_still_and_knows_that_it_sent_nothing_is_believed(desk: Desk) -> None:
    delivery = sending(desk)
    apply(desk, delivery, "unconfirmed")

    apply(desk, delivery, "not_sent")

    assert (desk.state(), desk.parts()) == (D.SCHEDULED, ["waiting"])
    desk.tick()
    assert len(desk.wire.texts) == 1


@pytest.mark.parametrize("outcome", ["refused", "rate_limited", "unauthorized"])
def test_no_other_late_answer_undoes_what_is_unconfirmed(desk: Desk, outcome: str) -> None:
    delivery = sending(desk)
    apply(desk, delivery, "unconfirmed")

    apply(desk, delivery, outcome)

    assert (desk.state(), desk.parts()) == (D.UNCONFIRMED, ["unconfirmed"])


def sent_again(desk: Desk) -> int:
    """A delivery that a person sends again while the first call's answer is still to come."""
    delivery = sending(desk)
    apply(desk, delivery, "unconfirmed")
    settle.send_again(desk.context, desk.actor("dima"), "week/opening", "wire-en")
    return delivery


def test_an_answer_to_an_earlier_call_is_remembered(desk: Desk) -> None:
    delivery = sent_again(desk)

    apply(desk, delivery, "refused")

    assert (desk.state(), desk.parts()) == (D.SCHEDULED, ["waiting"])
    assert desk.history()[-1].why == "late answer: refused"


def test_what_turns_out_to_be_live_is_not_said_again_while_it_can_be_helped(desk: Desk) -> None:
    delivery = sent_again(desk)

    apply(desk, delivery, "published", remote_id="9", url=URL)
    desk.tick()

    assert (desk.state(), desk.wire.texts) == (D.MISSED, [])
    assert desk.trouble() == f"not said again: an earlier call is live after all, at {URL}"


def test_an_answer_to_a_call_that_the_database_does_not_know_stops_the_worker(desk: Desk) -> None:
    """It is an older copy of itself: what was said since it would be said twice."""
    delivery = sending(desk)

    with pytest.raises(WorkspaceError, match="does not know attempt 2"):
        apply(desk, delivery, "published", attempt=2, remote_id="9", url=URL)


def test_an_answer_applied_twice_is_applied_once(desk: Desk) -> None:
    delivery = sending(desk)
    for _ in range(2):
        apply(desk, delivery, "published", remote_id="9", url=URL)

    assert desk.steps().count("confirm") == 2  # one for the part, one for the delivery
    assert desk.state() is D.PUBLISHED

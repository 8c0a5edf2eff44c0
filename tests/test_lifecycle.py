"""The table of states and steps: whole, reachable, and explained."""

from __future__ import annotations

from enum import StrEnum

import pytest

from social_scheduler.lifecycle import (
    FINAL,
    INBOX,
    OPEN,
    RULES,
    STATES,
    DeliveryState,
    PartState,
    PostState,
    Thing,
    Who,
    meaning,
    rule,
    steps_from,
)

STARTS: dict[Thing, StrEnum] = {
    Thing.POST: PostState.DRAFT,
    Thing.DELIVERY: DeliveryState.SCHEDULED,
    Thing.PART: PartState.WAITING,
}


@pytest.mark.parametrize("thing", list(Thing))
def test_every_state_can_be_reached_from_the_first(thing: Thing) -> None:
    reached = {STARTS[thing]}
    while new := {r.target for s in reached for r in steps_from(thing, s)} - reached:
        reached |= new

    assert reached == set(STATES[thing])


@pytest.mark.parametrize("thing", list(Thing))
def test_only_states_of_the_same_thing_follow_one_another(thing: Thing) -> None:
    for row in RULES:
        if row.thing is thing:
            assert {*row.sources, row.target} <= set(STATES[thing]), row.step


def test_every_state_and_every_step_says_what_it_means_and_who_takes_it() -> None:
    told = [meaning(thing, state) for thing, states in STATES.items() for state in states]
    assert all(text.endswith(".") for text in told)
    assert len(set(told)) == len(told)
    assert all(row.meaning.endswith(".") and row.who for row in RULES)


def test_a_step_is_looked_up_by_its_name() -> None:
    assert rule(Thing.DELIVERY, "claim").target is DeliveryState.LEASED
    with pytest.raises(KeyError):
        rule(Thing.DELIVERY, "publish")


def test_nothing_but_a_person_or_proof_leaves_unconfirmed() -> None:
    steps = steps_from(Thing.DELIVERY, DeliveryState.UNCONFIRMED)

    assert steps
    assert all(Who.WORKER not in row.who for row in steps)
    again = [r for r in steps if r.target is DeliveryState.SCHEDULED]
    assert {r.step for r in again} == {"resume", "absent", "send_again"}


def test_sending_is_reached_by_a_lease_only() -> None:
    into = [r for r in RULES if r.target is DeliveryState.SENDING and r.step != "proceed"]

    assert [(r.step, r.sources) for r in into] == [("begin", (DeliveryState.LEASED,))]


def test_a_withdrawn_post_and_a_cancelled_delivery_stay_so() -> None:
    assert steps_from(Thing.POST, PostState.WITHDRAWN) == []
    assert steps_from(Thing.DELIVERY, DeliveryState.CANCELLED) == []
    assert steps_from(Thing.DELIVERY, DeliveryState.REMOVED) == []


def test_what_waits_for_a_person_has_a_step_for_people_and_is_not_final() -> None:
    for state in INBOX:
        rows = steps_from(Thing.DELIVERY, DeliveryState(state))
        assert any(Who.DUTY in row.who for row in rows), state
    assert not INBOX & (FINAL | OPEN)

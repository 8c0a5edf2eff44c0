"""Every change of state is one conditional update and one row of history, or nothing at all."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from social_scheduler.lifecycle import RULES, DeliveryState, PartState, PostState, Rule, Thing
from social_scheduler.store import steps
from social_scheduler.store.database import Transaction
from tests.services.desk import Desk

STATES: dict[Thing, type[StrEnum]] = {
    Thing.POST: PostState,
    Thing.DELIVERY: DeliveryState,
    Thing.PART: PartState,
}


class NotKept(Exception):
    """The transaction is thrown away."""


def put(tx: Transaction, thing: Thing, state: str) -> None:
    """Put the only thing of its kind into a state, past every rule."""
    tx.execute(text(f"UPDATE {thing.value} SET state = :state"), {"state": state})


def state(tx: Transaction, thing: Thing) -> str:
    return str(tx.execute(text(f"SELECT state FROM {thing.value}")).scalar_one())


def take(tx: Transaction, row: Rule, by: steps.By) -> bool:
    match row.thing:
        case Thing.POST:
            return steps.step_post(tx, 1, row.step, by)
        case Thing.DELIVERY:
            return steps.step_delivery(tx, 1, row.step, by)
        case _:
            return steps.step_part(tx, 1, 1, row.step, by)


def rows(tx: Transaction) -> list[tuple[str, str, str, str, str]]:
    found = tx.execute(text("SELECT who, step, source, target, why FROM history ORDER BY id"))
    return [tuple(row) for row in found]


def test_every_step_from_every_state_does_what_the_table_says_and_nothing_else(desk: Desk) -> None:
    """All of step x state: in the table it is taken and written down, else nothing happens."""
    desk.queue(desk.post())
    by = desk.by().because("because")
    for row in RULES:
        for source in STATES[row.thing]:
            with suppress(NotKept), desk.context.database.write() as tx:
                put(tx, row.thing, source)
                before = rows(tx)

                done = take(tx, row, by)

                told = (row.step, source.value)
                assert done is (source in row.sources), told
                assert state(tx, row.thing) == (row.target if done else source), told
                new = (by.who, row.step, source.value, row.target.value, "because")
                assert rows(tx) == before + ([new] if done else []), told
                raise NotKept


def test_a_step_that_is_not_in_the_table_is_a_programming_mistake(desk: Desk) -> None:
    desk.queue(desk.post())
    with desk.context.database.write() as tx, pytest.raises(KeyError):
        steps.step_delivery(tx, 1, "publish", desk.by())


def test_a_fence_lets_only_its_own_attempt_through(desk: Desk) -> None:
    desk.ready(desk.post())
    claim = desk.claimed()

    with desk.context.database.write() as tx:
        for fence in (claim.fence - 1, claim.fence + 1):
            assert not steps.step_delivery(tx, claim.delivery_id, "begin", desk.by(), fence=fence)
        assert steps.step_delivery(tx, claim.delivery_id, "begin", desk.by(), fence=claim.fence)


def test_a_step_sets_its_columns_together_with_the_state_or_not_at_all(desk: Desk) -> None:
    desk.queue(desk.post())
    with desk.context.database.write() as tx:
        assert not steps.step_delivery(tx, 1, "confirm", desk.by(), trouble="set")
        assert steps.step_delivery(tx, 1, "claim", desk.by(), worker="w")
    assert (desk.looked().delivery.worker, desk.looked().delivery.trouble) == ("w", None)


def test_a_transaction_that_fails_leaves_neither_state_nor_history(desk: Desk) -> None:
    desk.queue(desk.post())
    before = len(desk.history())
    with pytest.raises(KeyError), desk.context.database.write() as tx:  # noqa: PT012
        steps.step_delivery(tx, 1, "claim", desk.by())
        steps.step_post(tx, 1, "no such step", desk.by())

    assert desk.state() is DeliveryState.SCHEDULED
    assert len(desk.history()) == before


@pytest.mark.parametrize("thing", list(Thing))
def test_the_database_itself_refuses_a_state_that_does_not_exist(desk: Desk, thing: Thing) -> None:
    desk.queue(desk.post())
    with pytest.raises(IntegrityError), desk.context.database.write() as tx:
        put(tx, thing, "tweeted")

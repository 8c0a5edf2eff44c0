"""Many rows in one statement: the same on both databases, whatever the columns hold."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from social_scheduler.store.bulk import insert_many, update_many
from social_scheduler.store.tables import Attempt, Delivery, Proof, Verdict
from tests.services.desk import MONDAY, Desk


def three(desk: Desk) -> list[int]:
    desk.queue(*(desk.post(f"p{n}") for n in range(3)))
    return [desk.looked(f"week/p{n}").delivery.id for n in range(3)]


def test_rows_that_still_match_are_set_and_counted(desk: Desk) -> None:
    first, second, third = three(desk)
    later = MONDAY + timedelta(microseconds=1)

    with desk.context.database.work() as tx:
        done = update_many(
            tx,
            "delivery",
            [
                (
                    {"id": first, "attempt": 0},
                    {"trouble": "a 'word' — كلمة %s ?", "lease_until": later},
                ),
                ({"id": second, "attempt": 7}, {"trouble": "not the fence", "lease_until": None}),
                ({"id": third, "attempt": 0}, {"trouble": None, "lease_until": None}),
            ],
        )
    assert done == 2
    with desk.context.database.read() as tx:
        rows = tx.execute(
            select(Delivery.trouble, Delivery.lease_until).order_by(Delivery.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("a 'word' — كلمة %s ?", later),
        (None, None),
        (None, None),
    ]


def test_new_rows_keep_instants_states_and_lists(desk: Desk) -> None:
    first, *_ = three(desk)
    row = {
        "delivery_id": first,
        "part": 1,
        "verdict": Verdict.DIFFERS,
        "fields": ["text", "links"],
        "seen": {"text": "سلام"},
        "looks": 1,
        "checked_at": MONDAY,
        "next_look_at": None,
    }

    with desk.context.database.work() as tx:
        insert_many(tx, "proof", [row], replace=("delivery_id", "part"))
        again = {**row, "verdict": None, "fields": [], "seen": None, "looks": 2}
        insert_many(tx, "proof", [again], replace=("delivery_id", "part"))

    with desk.context.database.read() as tx:
        found = tx.scalars(select(Proof)).one()
        assert (found.verdict, found.fields, found.seen, found.looks) == (None, [], None, 2)
        assert found.checked_at == MONDAY


def test_values_are_bound_and_never_part_of_the_statement(desk: Desk) -> None:
    first, *_ = three(desk)
    evil = "'); DELETE FROM delivery; --"

    with desk.context.database.work() as tx:
        call = {"delivery_id": first, "number": 1, "part": 1, "worker": evil, "revision": 1}
        rest = {"digest": evil, "started_at": MONDAY, "outcome": None}
        insert_many(tx, "attempt", [{**call, **rest}])

    with desk.context.database.read() as tx:
        assert tx.scalars(select(Attempt.digest)).one() == evil
        assert len(tx.scalars(select(Delivery.id)).all()) == 3

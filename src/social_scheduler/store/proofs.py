"""Live parts that are to be read back, and what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from social_scheduler.store.bulk import update_many
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import By, history_row, remember_all
from social_scheduler.store.tables import Base, Verdict

PROOF = Base.metadata.tables["proof"]


class Taken(NamedTuple):
    """One part that a worker is about to read back."""

    delivery_id: int
    part: int
    verdict: Verdict | None
    """Of the look before."""
    looks: int


def take(tx: Transaction, now: datetime, until: datetime, limit: int) -> list[Taken]:
    """Parts that are to be read back now; nobody else takes them before `until`."""
    connection = tx.connection()
    due = (
        select(PROOF.c.delivery_id, PROOF.c.part, PROOF.c.verdict, PROOF.c.looks)
        .where(PROOF.c.next_look_at <= now)
        .order_by(PROOF.c.next_look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [Taken._make(row) for row in connection.execute(due)]
    if found:
        update_many(tx, "proof", [(_key(t), {"next_look_at": until}) for t in found])
    return found


def keep(
    tx: Transaction,
    reads: Sequence[tuple[Taken, Mapping[str, Any]]],
    told: Sequence[tuple[Taken, str]],
    by: By,
) -> None:
    """What reading back showed; `told` is what is news."""
    if reads:
        rows = [(_key(one), values) for one, values in reads]
        update_many(tx, "proof", rows)
    remember_all(
        tx,
        [
            history_row(
                by.because(why), "prove", None, None, delivery_id=t.delivery_id, part=t.part
            )
            for t, why in told
        ],
    )


def no_more(tx: Transaction, parts: Sequence[Taken]) -> None:
    """Parts that are not live any more need no proof."""
    if parts:
        update_many(tx, "proof", [(_key(t), {"next_look_at": None}) for t in parts])


def _key(one: Taken) -> dict[str, int]:
    return {"delivery_id": one.delivery_id, "part": one.part}

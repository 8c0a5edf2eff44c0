"""Every change of state: one conditional UPDATE and one history row, checked against the table.

No other code writes a state. A step whose conditions no longer hold changes nothing and
answers False: somebody else was quicker, and the caller decides what that means. Steps of
many at once hold for all of them or raise, and the caller takes them one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import insert, select, update

from social_scheduler.errors import Conflict
from social_scheduler.lifecycle import DeliveryState, PartState, PostState, Thing, rule
from social_scheduler.store.bulk import Change, Inserts, Updates, change_many, insert_many
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Delivery, History, Part, Post


@dataclass(frozen=True, slots=True)
class By:
    """Who takes a step, when, and why (for the history)."""

    who: str
    at: datetime
    why: str | None = None

    def because(self, why: str) -> By:
        """The same person and moment with another reason."""
        return By(self.who, self.at, why)


def step_post(tx: Transaction, post_id: int, step: str, by: By, **values: Any) -> bool:
    """Take `step` on a post, setting other columns along with the state."""
    row = rule(Thing.POST, step)
    source = tx.execute(select(Post.state).where(Post.id == post_id)).scalar_one()
    if source not in row.sources:
        return False
    done = tx.execute(
        update(Post)
        .where(Post.id == post_id, Post.state == source)
        .values(state=row.target, **values)
    )
    if _changed(done) != 1:
        return False
    _remember(tx, by, step, source, row.target, post_id=post_id)
    return True


def step_delivery(
    tx: Transaction,
    delivery_id: int,
    step: str,
    by: By,
    *,
    fence: int | None = None,
    **values: Any,
) -> bool:
    """Take `step` on a delivery; with `fence`, only while its attempt number is still that one."""
    row = rule(Thing.DELIVERY, step)
    found = tx.execute(
        select(Delivery.state, Delivery.attempt, Delivery.post_id).where(Delivery.id == delivery_id)
    ).one()
    if found.state not in row.sources or (fence is not None and found.attempt != fence):
        return False
    done = tx.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.state == found.state,
            Delivery.attempt == found.attempt,
        )
        .values(state=row.target, **values)
    )
    if _changed(done) != 1:
        return False
    _remember(tx, by, step, found.state, row.target, post_id=found.post_id, delivery_id=delivery_id)
    return True


def step_part(
    tx: Transaction, delivery_id: int, number: int, step: str, by: By, **values: Any
) -> bool:
    """Take `step` on one part of a delivery."""
    row = rule(Thing.PART, step)
    where = (Part.delivery_id == delivery_id, Part.number == number)
    source = tx.execute(select(Part.state).where(*where)).scalar_one()
    if source not in row.sources:
        return False
    done = tx.execute(
        update(Part).where(*where, Part.state == source).values(state=row.target, **values)
    )
    if _changed(done) != 1:
        return False
    _remember(tx, by, step, source, row.target, delivery_id=delivery_id, part=number)
    return True


@dataclass(frozen=True, slots=True)
class DeliveryStep:
    """One delivery's place in steps of many: where it was seen, and what else is set."""

    thing: ClassVar[Thing] = Thing.DELIVERY
    id: int
    post_id: int
    source: DeliveryState
    fence: int
    values: Mapping[str, Any]
    why: str | None = None

    @property
    def keys(self) -> dict[str, Any]:
        """What must still hold of its row."""
        return {"id": self.id, "state": self.source, "attempt": self.fence}

    @property
    def names(self) -> dict[str, int]:
        """What the history calls it by."""
        return {"post_id": self.post_id, "delivery_id": self.id}


@dataclass(frozen=True, slots=True)
class PartStep:
    """One part's place in steps of many."""

    thing: ClassVar[Thing] = Thing.PART
    delivery_id: int
    number: int
    source: PartState
    values: Mapping[str, Any]
    why: str | None = None

    @property
    def keys(self) -> dict[str, Any]:
        """What must still hold of its row."""
        return {"delivery_id": self.delivery_id, "number": self.number, "state": self.source}

    @property
    def names(self) -> dict[str, int]:
        """What the history calls it by."""
        return {"delivery_id": self.delivery_id, "part": self.number}


def step_many(
    tx: Transaction,
    by: By,
    *steps: tuple[str, Sequence[DeliveryStep | PartStep]],
    also: Sequence[Change] = (),
) -> None:
    """Steps of many things, each with the things that take it: all of them, or Conflict.

    Those of one step are of one kind and set the same columns; no thing takes two of the steps.
    `also` is what else is written with them.
    """
    told: list[dict[str, Any]] = []
    updates: list[Updates] = []
    taken = [(step, rows) for step, rows in steps if rows]
    for step, rows in taken:
        row = rule(rows[0].thing, step)
        if any(each.source not in row.sources for each in rows):
            raise Conflict(f"Somebody was quicker: some cannot {step} any more.")
        changes = [(each.keys, {"state": row.target, **each.values}) for each in rows]
        updates.append(Updates(rows[0].thing.value, changes))
        told += [
            history_row(
                by if each.why is None else by.because(each.why),
                step,
                each.source,
                row.target,
                **each.names,
            )
            for each in rows
        ]
    history = [Inserts("history", told)] if told else []
    written = [*updates, *history, *(change for change in also if change.rows)]
    reached = change_many(tx, *written) if written else []
    for (step, rows), count in zip(taken, reached, strict=False):
        if count != len(rows):
            raise Conflict(f"Somebody was quicker: some cannot {step} any more.")


def remember_all(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Many history rows at once."""
    if rows:
        insert_many(tx, "history", rows)


def create_posts(tx: Transaction, rows: Sequence[Mapping[str, Any]], by: By) -> list[int]:
    """New posts, submitted for review as they are written. Answers their ids in order."""
    ids = list(
        tx.scalars(
            insert(Post).returning(Post.id, sort_by_parameter_order=True),
            [{**row, "state": PostState.IN_REVIEW} for row in rows],
        )
    )
    tx.execute(
        insert(History),
        [
            history_row(by, "submit", PostState.DRAFT, PostState.IN_REVIEW, post_id=post_id)
            for post_id in ids
        ],
    )
    return ids


def create_deliveries(
    tx: Transaction, rows: Sequence[Mapping[str, Any]], keys: Sequence[Sequence[str]]
) -> list[int]:
    """New deliveries with their parts; `keys` are the parts' digests, one list a delivery."""
    ids = list(
        tx.scalars(
            insert(Delivery).returning(Delivery.id, sort_by_parameter_order=True),
            [{**row, "state": DeliveryState.SCHEDULED} for row in rows],
        )
    )
    create_parts(tx, dict(zip(ids, keys, strict=True)))
    return ids


def create_parts(tx: Transaction, keys: Mapping[int, Sequence[str]]) -> None:
    """The parts of deliveries, waiting."""
    tx.execute(
        insert(Part),
        [
            {"delivery_id": d, "number": n, "digest": digest, "state": PartState.WAITING}
            for d, digests in keys.items()
            for n, digest in enumerate(digests, start=1)
        ],
    )


def remember(
    tx: Transaction,
    by: By,
    step: str,
    *,
    post_id: int | None = None,
    delivery_id: int | None = None,
    part: int | None = None,
) -> None:
    """Write down something that happened without a change of state (a hold, a sign-in, a look)."""
    tx.execute(
        insert(History),
        [history_row(by, step, None, None, post_id=post_id, delivery_id=delivery_id, part=part)],
    )


def _remember(
    tx: Transaction, by: By, step: str, source: str, target: str, **ids: int | None
) -> None:
    tx.execute(insert(History), [history_row(by, step, source, target, **ids)])


def history_row(
    by: By, step: str, source: str | None, target: str | None, **ids: int | None
) -> dict[str, Any]:
    return {
        "at": by.at,
        "who": by.who,
        "why": by.why,
        "step": step,
        "source": source,
        "target": target,
        "post_id": ids.get("post_id"),
        "delivery_id": ids.get("delivery_id"),
        "part": ids.get("part"),
    }


def _changed(result: Any) -> int:
    return int(result.rowcount)

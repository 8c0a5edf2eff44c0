"""Calls that a journal knows and the database does not, and the words that must not be repeated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update

from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Base, Gap

GAP = Base.metadata.tables["gap"]
SENT_NOTHING = ("not_sent", "rate_limited", "unauthorized", "refused")
"""Outcomes after which nothing can be live; such calls are no gap."""

Key = tuple[str, int, int, int, str]
"""(worker, delivery, attempt, part, digest)."""


def unsettled(
    tx: Transaction, digests: Collection[str], posts: Collection[str] = ()
) -> dict[str, Gap]:
    """Unsettled gaps that say one of these part digests, by digest; or of these posts, by post."""
    found = tx.scalars(
        select(Gap)
        .where(Gap.settled_at.is_(None), or_(Gap.digest.in_(digests), Gap.post.in_(posts)))
        .order_by(Gap.id)
    )
    by: dict[str, Gap] = {}
    for gap in found:
        by.setdefault(gap.digest, gap)
        by.setdefault(gap.post, gap)
    wanted = {*digests, *posts}
    return {key: gap for key, gap in by.items() if key in wanted}


def every(tx: Transaction, *, settled: bool = False) -> list[Gap]:
    """Gaps that wait for a person, oldest first; with `settled` the others too."""
    rows = select(Gap).order_by(Gap.id)
    return list(tx.scalars(rows if settled else rows.where(Gap.settled_at.is_(None))))


def keys(tx: Transaction, deliveries: Collection[int]) -> frozenset[tuple[int, int, int, str]]:
    """Every gap of these deliveries as (delivery, attempt, part, digest)."""
    rows = tx.execute(
        select(Gap.delivery, Gap.attempt, Gap.part, Gap.digest).where(Gap.delivery.in_(deliveries))
    )
    return frozenset((row[0], row[1], row[2], row[3]) for row in rows)


def add(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """New gaps, unsettled."""
    if rows:
        tx.execute(insert(Gap), [{"settled_by": None, "settled_at": None, **row} for row in rows])


def by_id(tx: Transaction, gap_id: int) -> Gap | None:
    """One gap."""
    return tx.get(Gap, gap_id)


def settle(tx: Transaction, gap_id: int, who: str, at: datetime, **values: Any) -> bool:
    """A person decided. False when somebody did already."""
    done = tx.execute(
        update(Gap)
        .where(Gap.id == gap_id, Gap.settled_at.is_(None))
        .values(settled_by=who, settled_at=at, **values)
    )
    return bool(getattr(done, "rowcount", 0))

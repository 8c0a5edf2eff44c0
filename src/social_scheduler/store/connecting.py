"""Attempts to connect accounts: begun by a person, ended by a worker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update

from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Connecting, ConnectingState

OPEN = (ConnectingState.BEGUN, ConnectingState.WAITING, ConnectingState.ASKING)
FORGOTTEN: dict[str, Any] = {"ours": None, "theirs": None, "state_digest": None}


def add(tx: Transaction, row: Connecting) -> Connecting:
    """Keep a new attempt; it has a number afterwards."""
    tx.add(row)
    tx.flush()
    return row


def numbered(tx: Transaction, number: int) -> Connecting | None:
    """One attempt."""
    return tx.get(Connecting, number, populate_existing=True)


def by_state(tx: Transaction, digest: str) -> Connecting | None:
    """The attempt of which the network gives the state back."""
    return tx.scalars(select(Connecting).where(Connecting.state_digest == digest)).one_or_none()


def newest(tx: Transaction) -> dict[str, Connecting]:
    """The last attempt of every account."""
    rows = tx.scalars(select(Connecting).order_by(Connecting.id))
    return {row.account: row for row in rows}


def waiting(tx: Transaction) -> list[int]:
    """Attempts that a worker is to go on with, the oldest first."""
    query = select(Connecting.id).where(Connecting.state == ConnectingState.WAITING)
    return list(tx.scalars(query.order_by(Connecting.id)))


def lapsed(tx: Transaction, now: datetime) -> list[Connecting]:
    """Open attempts that took too long."""
    query = select(Connecting).where(Connecting.state.in_(OPEN), Connecting.ends_at <= now)
    return list(tx.scalars(query))


def move(
    tx: Transaction, number: int, source: ConnectingState, target: ConnectingState, **values: Any
) -> bool:
    """Take an attempt on, if it is still where it was; False: somebody was quicker."""
    done: Any = tx.execute(
        update(Connecting)
        .where(Connecting.id == number, Connecting.state == source)
        .values(state=target, **values)
    )
    return bool(done.rowcount == 1)


def end_open(tx: Transaction, why: str, now: datetime, account: str | None = None) -> None:
    """End what is open, of one account or of all, and forget what it holds."""
    query = update(Connecting).where(Connecting.state.in_(OPEN))
    if account is not None:
        query = query.where(Connecting.account == account)
    tx.execute(
        query.values(
            state=ConnectingState.FAILED, outcome=why, remedy="", finished_at=now, **FORGOTTEN
        )
    )


def sealed(tx: Transaction) -> list[Connecting]:
    """Attempts that hold something sealed."""
    query = select(Connecting).where(
        or_(Connecting.ours.is_not(None), Connecting.theirs.is_not(None))
    )
    return list(tx.scalars(query))


def reseal(tx: Transaction, boxes: Iterable[tuple[int, bytes | None, bytes | None]]) -> None:
    """The same secrets, sealed to another key."""
    for number, ours, theirs in boxes:
        tx.execute(
            update(Connecting).where(Connecting.id == number).values(ours=ours, theirs=theirs)
        )


def forget(tx: Transaction, before: datetime) -> None:
    """Drop attempts that ended long ago."""
    tx.execute(delete(Connecting).where(Connecting.finished_at < before))

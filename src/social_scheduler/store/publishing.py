"""What the worker reads and writes between due and proved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.message import Window
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Attempt,
    Campaign,
    Delivery,
    History,
    Part,
    Post,
    Proof,
    Upload,
    Worker,
)

STOPS = ("hold", "cancel", "withdraw", "request_changes")
"""Decisions to stop something; the journal repeats them outside the database."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything the last look judges, read in one transaction."""

    delivery: Delivery
    post: Post
    campaign: str
    account: Account
    parts: tuple[Part, ...]

    @property
    def window(self) -> Window:
        """When this delivery may be sent."""
        return Window(self.delivery.due_at, self.delivery.not_before, self.delivery.not_after)

    @property
    def live(self) -> bool:
        """Whether a part of it is live."""
        return any(p.state is PartState.LIVE for p in self.parts)

    @property
    def next_part(self) -> Part | None:
        """The first part that has not been said."""
        return next((p for p in self.parts if p.state is not PartState.LIVE), None)


def look(tx: Transaction, delivery_id: int) -> Looked:
    """Everything about one delivery."""
    delivery, post, account, campaign = tx.execute(
        select(Delivery, Post, Account, Campaign.name)
        .join(Post, Post.id == Delivery.post_id)
        .join(Account, Account.id == Delivery.account_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .where(Delivery.id == delivery_id)
    ).one()
    parts = tx.scalars(
        select(Part).where(Part.delivery_id == delivery_id).order_by(Part.number)
    ).all()
    return Looked(delivery, post, campaign, account, tuple(parts))


def set_delivery(tx: Transaction, delivery_id: int, fence: int | None, **values: Any) -> bool:
    """Set columns other than the state, only while the fence is still that one."""
    statement = update(Delivery).where(Delivery.id == delivery_id)
    if fence is not None:
        statement = statement.where(Delivery.attempt == fence)
    return bool(getattr(tx.execute(statement.values(**values)), "rowcount", 0))


def begin_attempt(tx: Transaction, **values: Any) -> None:
    """The intent: durable before the call."""
    tx.execute(insert(Attempt).values(finished_at=None, outcome=None, evidence=None, **values))


def end_attempt(
    tx: Transaction,
    delivery_id: int,
    number: int,
    part: int,
    at: datetime,
    outcome: str,
    evidence: str,
) -> None:
    """What came of the call."""
    tx.execute(
        update(Attempt)
        .where(Attempt.delivery_id == delivery_id, Attempt.number == number, Attempt.part == part)
        .values(finished_at=at, outcome=outcome, evidence=evidence or None)
    )


def attempts_of(tx: Transaction, delivery_id: int) -> list[Attempt]:
    """Every call of a delivery, in order."""
    return list(
        tx.scalars(
            select(Attempt)
            .where(Attempt.delivery_id == delivery_id)
            .order_by(Attempt.number, Attempt.part)
        )
    )


def attempt_keys(tx: Transaction) -> frozenset[tuple[int, int, int, str]]:
    """Every call there was, as (delivery, attempt, part, digest)."""
    rows = tx.execute(
        select(Attempt.delivery_id, Attempt.number, Attempt.part, Attempt.digest)
    ).all()
    return frozenset((row[0], row[1], row[2], row[3]) for row in rows)


def uploads_of(tx: Transaction, delivery_id: int, now: datetime) -> list[Upload]:
    """Pictures the network still holds for a delivery."""
    return list(
        tx.scalars(select(Upload).where(Upload.delivery_id == delivery_id, Upload.expires_at > now))
    )


def keep_upload(tx: Transaction, upload: Upload) -> None:
    """Remember a picture the network holds."""
    tx.merge(upload)


def known_remote_ids(tx: Transaction, account_id: int) -> frozenset[str]:
    """Every id the network gave us for this account: none of them can be a lost one."""
    ids = tx.scalars(
        select(Part.remote_id)
        .join(Delivery, Delivery.id == Part.delivery_id)
        .where(Delivery.account_id == account_id, Part.remote_id.is_not(None))
    )
    return frozenset(found for found in ids if found is not None)


def is_speaking(tx: Transaction, account_id: int) -> bool:
    """Whether a call of this account is under way."""
    sending = select(Delivery.id).where(
        Delivery.account_id == account_id, Delivery.state == DeliveryState.SENDING
    )
    return tx.execute(sending.limit(1)).first() is not None


def suspend_account(tx: Transaction, account_id: int, why: str) -> None:
    """Nothing goes out through it until an admin connects it again."""
    tx.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(state=AccountState.SUSPENDED, trouble=why)
    )


def limit_account(tx: Transaction, account_id: int, until: datetime) -> None:
    """The network takes nothing more from this account until then."""
    tx.execute(update(Account).where(Account.id == account_id).values(limited_until=until))


def await_proof(tx: Transaction, delivery_id: int, part: int, at: datetime) -> None:
    """A part is live; it is to be read back at `at`."""
    tx.merge(
        Proof(
            delivery_id=delivery_id,
            part=part,
            verdict=None,
            fields=[],
            seen=None,
            looks=0,
            checked_at=None,
            next_look_at=at,
        )
    )


def set_proof(tx: Transaction, delivery_id: int, part: int, **values: Any) -> None:
    """What reading back showed."""
    tx.execute(
        update(Proof).where(Proof.delivery_id == delivery_id, Proof.part == part).values(**values)
    )


def last_change(tx: Transaction) -> int:
    """The database's change number: the id of its newest history row."""
    return tx.scalar(select(func.max(History.id))) or 0


def mark_of(tx: Transaction, change: int) -> str | None:
    """The digest of one history row; None when there is none of that number."""
    row = tx.get(History, change)
    if row is None:
        return None
    said = f"{row.id}|{row.at.isoformat()}|{row.who}|{row.step}|{row.target}|{row.why}"
    return hashlib.sha256(said.encode()).hexdigest()


def stops_since(tx: Transaction, change: int) -> list[History]:
    """Decisions to stop something, after a change number."""
    return list(
        tx.scalars(
            select(History).where(History.id > change, History.step.in_(STOPS)).order_by(History.id)
        )
    )


def keep_worker(tx: Transaction, worker: Worker) -> None:
    """A worker started, or was heard of."""
    tx.merge(worker)


def workers(tx: Transaction) -> list[Worker]:
    """Every worker, the last heard of first."""
    return list(tx.scalars(select(Worker).order_by(Worker.heartbeat_at.desc())))


def count_by_state(tx: Transaction) -> dict[DeliveryState, int]:
    """How many deliveries are in each state."""
    rows = tx.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {row[0]: row[1] for row in rows}

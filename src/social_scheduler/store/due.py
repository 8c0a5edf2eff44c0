"""What the clock asks for: what is due, what has lapsed, what is to be prepared or looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.store.database import Transaction
from social_scheduler.store.holds import matches
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Campaign,
    Delivery,
    Hold,
    Post,
    Proof,
    Upload,
)


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that may be claimed, with what holds look at."""

    id: int
    attempt: int
    account_id: int
    account: str
    language: str
    kind: str
    tags: tuple[str, ...]
    campaign: str


def _ready(now: datetime) -> ColumnElement[bool]:
    return and_(
        Delivery.state == DeliveryState.SCHEDULED,
        Delivery.due_at <= now,
        Delivery.not_before <= now,
        Delivery.not_after > now,
        or_(Delivery.next_try_at.is_(None), Delivery.next_try_at <= now),
        Post.state == PostState.APPROVED,
        Account.state == AccountState.CONNECTED,
        or_(Account.limited_until.is_(None), Account.limited_until <= now),
    )


def due(tx: Transaction, now: datetime, holds: Collection[Hold], limit: int) -> list[DueDelivery]:
    """Deliveries that may be claimed now, the longest due first, without what is held."""
    rows = tx.execute(
        select(
            Delivery.id,
            Delivery.attempt,
            Delivery.account_id,
            Account.name,
            Delivery.language,
            Delivery.kind,
            Delivery.tags,
            Campaign.name.label("campaign"),
        )
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(_ready(now))
        .order_by(Delivery.due_at, Delivery.id)
    )
    found: list[DueDelivery] = []
    for row in rows:  # no LIMIT: many held ones in front must not keep the others waiting
        one = DueDelivery(*row[:6], tuple(row.tags), row.campaign)
        if not any(
            matches(
                hold,
                campaign=one.campaign,
                account=one.account,
                language=one.language,
                kind=one.kind,
                tags=one.tags,
            )
            for hold in holds
        ):
            found.append(one)
            if len(found) == limit:
                break
    return found


@dataclass(frozen=True, slots=True)
class WaitingDelivery:
    """A delivery whose window is open and which nobody has begun, with what may be in its way."""

    due: DueDelivery
    reference: str
    revision: int
    post: PostState
    account: AccountState
    trouble: str | None


def waiting(tx: Transaction, now: datetime, limit: int = 200) -> list[WaitingDelivery]:
    """Deliveries that should have been said by now and were not begun, the longest due first."""
    rows = tx.execute(
        select(Delivery, Post.state, Post.key, Campaign.name, Account)
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(
            Delivery.state == DeliveryState.SCHEDULED,
            Delivery.due_at <= now,
            Delivery.not_before <= now,
            Delivery.not_after > now,
        )
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    )
    return [
        WaitingDelivery(
            DueDelivery(d.id, d.attempt, a.id, a.name, d.language, d.kind, tuple(d.tags), campaign),
            f"{campaign}/{key}",
            d.revision,
            state,
            a.state,
            a.trouble,
        )
        for d, state, key, campaign, a in rows
    ]


def next_due(tx: Transaction) -> datetime | None:
    """The earliest moment at which an approved delivery may become due."""
    return tx.scalar(
        select(func.min(func.coalesce(Delivery.next_try_at, Delivery.not_before)))
        .join(Post, Post.id == Delivery.post_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(
            Delivery.state == DeliveryState.SCHEDULED,
            Post.state == PostState.APPROVED,
            Account.state == AccountState.CONNECTED,
        )
    )


def next_look(tx: Transaction) -> datetime | None:
    """The earliest moment at which something unconfirmed or unproved is to be looked at."""
    looks = [
        tx.scalar(
            select(func.min(Delivery.next_look_at)).where(
                Delivery.state == DeliveryState.UNCONFIRMED
            )
        ),
        tx.scalar(select(func.min(Proof.next_look_at))),
    ]
    return min((at for at in looks if at is not None), default=None)


def to_prepare(tx: Transaction, now: datetime, until: datetime, limit: int) -> list[int]:
    """Approved deliveries due before `until` with pictures that may not be uploaded yet."""
    return list(
        tx.scalars(
            select(Delivery.id)
            .join(Post, Post.id == Delivery.post_id)
            .join(Account, Account.id == Delivery.account_id)
            .where(
                Delivery.state == DeliveryState.SCHEDULED,
                Delivery.pictures > 0,
                Delivery.due_at <= until,
                Delivery.not_after > now,
                or_(Delivery.next_try_at.is_(None), Delivery.next_try_at <= now),
                Post.state == PostState.APPROVED,
                Account.state == AccountState.CONNECTED,
                ~select(Upload.delivery_id).where(Upload.delivery_id == Delivery.id).exists(),
            )
            .order_by(Delivery.due_at)
            .limit(limit)
        )
    )


def lapsed(tx: Transaction, now: datetime, limit: int) -> list[int]:
    """Deliveries whose window has closed."""
    return list(
        tx.scalars(
            select(Delivery.id)
            .where(Delivery.state == DeliveryState.SCHEDULED, Delivery.not_after <= now)
            .order_by(Delivery.not_after)
            .limit(limit)
        )
    )


def ended_leases(tx: Transaction, now: datetime) -> list[int]:
    """Deliveries that somebody leased and did not begin in time."""
    return list(
        tx.scalars(
            select(Delivery.id).where(
                Delivery.state == DeliveryState.LEASED, Delivery.lease_until <= now
            )
        )
    )


def in_state(tx: Transaction, state: DeliveryState) -> list[int]:
    """Deliveries in a state, oldest due first."""
    return list(
        tx.scalars(select(Delivery.id).where(Delivery.state == state).order_by(Delivery.due_at))
    )


def to_look_for(tx: Transaction, now: datetime) -> list[int]:
    """Unconfirmed deliveries that are worth looking for now."""
    return list(
        tx.scalars(
            select(Delivery.id)
            .where(Delivery.state == DeliveryState.UNCONFIRMED, Delivery.next_look_at <= now)
            .order_by(Delivery.next_look_at)
        )
    )


def to_prove(tx: Transaction, now: datetime) -> list[Proof]:
    """Live parts that are to be read back now."""
    return list(
        tx.scalars(select(Proof).where(Proof.next_look_at <= now).order_by(Proof.next_look_at))
    )

"""What the clock asks for: what is due, what has lapsed, what is to be prepared or looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, or_, select, text
from sqlalchemy.orm import aliased

from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.store.database import Transaction
from social_scheduler.store.holds import matches
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Campaign,
    Delivery,
    History,
    Hold,
    Post,
    Proof,
    Upload,
)

BURSTS = 0x6275727374
"""The advisory lock under which workers count what begins."""


def in_state(*states: DeliveryState, of: type[Delivery] = Delivery) -> ColumnElement[bool]:
    """The states as literals: an index over few rows is recognised by the very same words."""
    words = [bindparam(None, s, Delivery.state.type, literal_execute=True) for s in states]
    return of.state == words[0] if len(words) == 1 else of.state.in_(words)


SCHEDULED = in_state(DeliveryState.SCHEDULED)
TAKEN = in_state(DeliveryState.LEASED, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery whose time has come, with what decides whether it may be taken."""

    id: int
    post_id: int
    revision: int
    attempt: int
    account_id: int
    account: str
    language: str
    kind: str
    tags: tuple[str, ...]
    campaign: str
    key: str
    due_at: datetime
    ready_at: datetime
    not_after: datetime
    together: bool
    pictures: int
    platform: str
    server: str
    spacing: int
    spoke_at: datetime | None
    keys: int
    """The version of its account's keys."""

    @property
    def may_speak_at(self) -> datetime:
        """When its account's spacing lets it be said, and it is ready."""
        if not self.spacing or self.spoke_at is None:
            return self.ready_at
        return max(self.ready_at, self.spoke_at + timedelta(seconds=self.spacing))

    @property
    def reference(self) -> str:
        """The post, as people name it."""
        return f"{self.campaign}/{self.key}"

    def held_by(self, holds: Collection[Hold]) -> Hold | None:
        """The first hold that stops it."""
        for hold in holds:
            if matches(
                hold,
                campaign=self.campaign,
                key=self.key,
                account=self.account,
                language=self.language,
                kind=self.kind,
                tags=self.tags,
            ):
                return hold
        return None


_DUE = (
    select(
        Delivery.id,
        Delivery.post_id,
        Delivery.revision,
        Delivery.attempt,
        Delivery.account_id,
        Account.name,
        Delivery.language,
        Delivery.kind,
        Delivery.tags,
        Campaign.name.label("campaign"),
        Post.key,
        Delivery.due_at,
        Delivery.ready_at,
        Delivery.not_after,
        Delivery.together,
        Delivery.pictures,
        Account.platform,
        Account.server,
        Account.spacing,
        Account.spoke_at,
        Account.keys_version,
    )
    .join(Post, Post.id == Delivery.post_id)
    .join(Campaign, Campaign.id == Post.campaign_id)
    .join(Account, Account.id == Delivery.account_id)
)


# Not by the index of the posts' states: most posts are approved, few deliveries are ready.
_APPROVED = func.coalesce(Post.state, "") == PostState.APPROVED


def due(
    tx: Transaction,
    now: datetime,
    until: datetime,
    limit: int,
    *,
    worker: str | None = None,
    offset: int = 0,
) -> list[DueDelivery]:
    """Approved deliveries that are ready by `until`, the longest ready first.

    With `worker`, they are locked for it, and those that others are taking this moment, or
    whose account another worker speaks through, are left to them.
    """
    query = _DUE.where(
        SCHEDULED,
        Delivery.ready_at <= until,
        Delivery.not_after > now,
        _APPROVED,
        Account.state == AccountState.CONNECTED,
        or_(Account.limited_until.is_(None), Account.limited_until <= until),
    ).order_by(Delivery.ready_at, Delivery.id)
    if worker is not None:
        other = aliased(Delivery)
        elsewhere = select(other.id).where(
            other.account_id == Delivery.account_id,
            in_state(DeliveryState.LEASED, DeliveryState.SENDING, of=other),
            other.worker != worker,
        )
        query = query.where(~elsewhere.exists()).with_for_update(
            of=Delivery, skip_locked=True, key_share=True
        )
    return [_due(row) for row in tx.execute(query.limit(limit).offset(offset))]


def siblings(tx: Transaction, post_ids: Collection[int]) -> list[tuple[DueDelivery, DeliveryState]]:
    """Every delivery of some posts, with where it stands: for what is released together."""
    rows = tx.execute(
        _DUE.add_columns(Delivery.state).where(Delivery.post_id.in_(post_ids)).order_by(Delivery.id)
    )
    return [(_due(row[:-1]), row[-1]) for row in rows]


def lock_accounts(tx: Transaction, ids: Collection[int]) -> set[int]:
    """Lock accounts for a claim; those that another worker is claiming for are left out."""
    return set(
        tx.scalars(
            select(Account.id)
            .where(Account.id.in_(ids))
            .order_by(Account.id)
            .with_for_update(skip_locked=True, key_share=True)
        )
    )


def taken_accounts(tx: Transaction, ids: Collection[int], *, others_than: str | None) -> set[int]:
    """Those of the accounts that a worker (another than the named one) speaks through now."""
    query = select(Delivery.account_id).where(Delivery.account_id.in_(ids), TAKEN)
    if others_than is not None:
        query = query.where(Delivery.worker != others_than)
    return set(tx.scalars(query))


def lock_bursts(tx: Transaction) -> None:
    """Count what begins in all with no other worker counting at the same time."""
    if tx.connection().dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": BURSTS})


def leased_by_account(tx: Transaction) -> list[tuple[int, int]]:
    """(account, how many of its deliveries are leased and not begun)."""
    rows = tx.execute(
        select(Delivery.account_id, func.count())
        .where(TAKEN, Delivery.state == DeliveryState.LEASED)
        .group_by(Delivery.account_id)
    )
    return [(row[0], row[1]) for row in rows]


def _due(row: Any) -> DueDelivery:
    values = list(row)
    values[8] = tuple(values[8])
    return DueDelivery(*values)


@dataclass(frozen=True, slots=True)
class Pulse:
    """The few moments from which a worker sees whether there is anything to do."""

    change: int
    """The newest history row's number."""
    ready: datetime | None
    """The earliest moment at which something scheduled may be taken."""
    lapses: datetime | None
    """The earliest moment at which the window of something scheduled closes."""
    lease_ends: datetime | None
    look: datetime | None
    """The earliest moment at which something unconfirmed is to be looked for."""
    proof: datetime | None
    """The earliest moment at which something live is to be read back."""


def pulse(tx: Transaction) -> Pulse:
    """One query, whatever the length of the queue: every moment comes from an index's end."""
    row = tx.execute(
        select(
            select(func.max(History.id)).scalar_subquery(),
            _earliest(Delivery.ready_at, SCHEDULED),
            _earliest(Delivery.not_after, SCHEDULED),
            _earliest(Delivery.lease_until, TAKEN),
            _earliest(Delivery.next_look_at, in_state(DeliveryState.UNCONFIRMED)),
            _earliest(Proof.next_look_at, Proof.next_look_at.is_not(None)),
        )
    ).one()
    return Pulse(row[0] or 0, *row[1:])


def _earliest(moment: Any, condition: ColumnElement[bool]) -> ScalarSelect[datetime]:
    return select(func.min(moment)).where(condition).scalar_subquery()


def next_ready(tx: Transaction, after: datetime) -> datetime | None:
    """The earliest moment after one at which something scheduled may be taken."""
    return tx.scalar(
        select(func.min(Delivery.ready_at)).where(SCHEDULED, Delivery.ready_at > after)
    )


@dataclass(frozen=True, slots=True)
class WaitingDelivery:
    """A delivery whose window is open and which nobody has begun, with what may be in its way."""

    due: DueDelivery
    post: PostState
    account: AccountState
    trouble: str | None


def waiting(tx: Transaction, now: datetime, limit: int = 200) -> list[WaitingDelivery]:
    """Deliveries that should have been said by now and were not begun, the longest due first."""
    rows = tx.execute(
        _DUE.add_columns(Post.state, Account.state, Account.trouble)
        .where(
            SCHEDULED,
            Delivery.due_at <= now,
            Delivery.not_before <= now,
            Delivery.not_after > now,
        )
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    )
    return [WaitingDelivery(_due(row[:-3]), *row[-3:]) for row in rows]


def count_overdue(tx: Transaction, now: datetime) -> int:
    """How many deliveries are due and were not sent for a reason that is written down."""
    overdue = select(func.count()).where(
        SCHEDULED, Delivery.due_at <= now, Delivery.trouble.is_not(None)
    )
    return tx.scalar(overdue) or 0


def to_prepare(
    tx: Transaction, now: datetime, until: datetime, limit: int, platforms: Collection[str]
) -> list[int]:
    """Approved deliveries due before `until` with pictures that may not be uploaded yet.

    `platforms`: those that take pictures ahead.
    """
    uploads = select(Upload.delivery_id).where(Upload.delivery_id == Delivery.id)
    return list(
        tx.scalars(
            _with_pictures(now)
            .where(
                Delivery.due_at <= until,
                or_(Delivery.tries == 0, Delivery.ready_at <= now),
                Account.platform.in_(platforms),
                or_(~uploads.exists(), uploads.where(~Upload.ready).exists()),
            )
            .order_by(Delivery.due_at)
            .limit(limit)
        )
    )


def is_film_awaited(tx: Transaction, now: datetime) -> bool:
    """Whether something due waits only for its network to be done with what was handed over."""
    unready = select(Upload.delivery_id).where(
        Upload.delivery_id == Delivery.id, ~Upload.ready, Upload.expires_at > now
    )
    query = _with_pictures(now).where(
        Delivery.not_before <= now, Delivery.due_at <= now, unready.exists()
    )
    return tx.scalar(query.limit(1)) is not None


def _with_pictures(now: datetime) -> Select[int]:
    """Approved deliveries with pictures or films that may still be said."""
    return (
        select(Delivery.id)
        .join(Post, Post.id == Delivery.post_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(
            SCHEDULED,
            Delivery.pictures > 0,
            Delivery.not_after > now,
            Post.state == PostState.APPROVED,
            Account.state == AccountState.CONNECTED,
        )
    )


def lapsed(tx: Transaction, now: datetime, limit: int) -> list[int]:
    """Deliveries whose window has closed."""
    return list(
        tx.scalars(
            select(Delivery.id)
            .where(SCHEDULED, Delivery.not_after <= now)
            .order_by(Delivery.not_after)
            .limit(limit)
        )
    )


def ended_leases(tx: Transaction, now: datetime) -> list[int]:
    """Deliveries whose worker has not been heard of in time, and that nobody else takes over."""
    ended = select(Delivery.id).where(TAKEN, Delivery.lease_until <= now)
    return list(tx.scalars(ended.with_for_update(skip_locked=True, key_share=True)))


def taken_by(tx: Transaction, worker: str) -> list[int]:
    """Deliveries that a worker has leased or is sending, oldest due first."""
    return list(
        tx.scalars(
            select(Delivery.id).where(TAKEN, Delivery.worker == worker).order_by(Delivery.due_at)
        )
    )


def unconfirmed(tx: Transaction) -> list[int]:
    """Every unconfirmed delivery."""
    return list(tx.scalars(select(Delivery.id).where(in_state(DeliveryState.UNCONFIRMED))))


def to_look_for(tx: Transaction, now: datetime) -> list[int]:
    """Unconfirmed deliveries that are to be looked for by then."""
    return list(
        tx.scalars(
            select(Delivery.id)
            .where(in_state(DeliveryState.UNCONFIRMED), Delivery.next_look_at <= now)
            .order_by(Delivery.next_look_at)
        )
    )

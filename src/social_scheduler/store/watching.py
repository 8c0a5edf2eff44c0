"""What the watchdog reads: what is late, who publishes, what is due soon; never a write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import URL, Select, func, select, union_all

from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.store.database import Transaction, sqlite_file
from social_scheduler.store.due import SCHEDULED, TAKEN
from social_scheduler.store.engines import parse_address
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Campaign,
    Delivery,
    History,
    Post,
    Worker,
)

LONGEST_POSTPONED = timedelta(hours=24)
"""What a passing trouble puts off for longer than this is past its window before, and missed."""


def read_only(url: str) -> str:
    """The same database's address, opened so that the database itself refuses every write.

    WorkspaceError: it is no address.
    """
    found = parse_address(url)
    if (file := sqlite_file(url)) is not None:
        # SQLite's own URI: it neither writes nor makes an empty database where there is none.
        return URL.create(
            "sqlite",
            database=f"file:{quote(str(file.absolute()))}",
            query={"mode": "ro", "uri": "true"},
        ).render_as_string()
    said = found.query.get("options", ())
    options = [said] if isinstance(said, str) else list(said)
    query = {"options": " ".join([*options, "-c default_transaction_read_only=on"])}
    return found.update_query_dict(query).render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class LateDelivery:
    """A delivery that is past its time and under way still, with what may be in its way."""

    id: int
    reference: str
    campaign: str
    key: str
    account: str
    language: str
    kind: str
    tags: tuple[str, ...]
    state: DeliveryState
    post: PostState
    due_at: datetime
    not_before: datetime
    not_after: datetime
    next_at: datetime | None
    """When a worker tries again after a passing trouble."""
    worker: str | None
    account_state: AccountState
    limited_until: datetime | None


def late(tx: Transaction, before: datetime) -> list[LateDelivery]:
    """Deliveries whose window opened before that moment and that are neither done nor settled."""
    # By their indexes, apart: the queue may be long, and is looked through every few seconds.
    waiting = select(Delivery.id).where(SCHEDULED, Delivery.ready_at <= before + LONGEST_POSTPONED)
    begun = select(Delivery.id).where(TAKEN)
    rows = tx.execute(
        select(Delivery, Post.state, Post.key, Campaign.name, Account)
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(
            Delivery.id.in_(
                union_all(
                    waiting.where(Delivery.due_at <= before, Delivery.not_before <= before),
                    begun.where(Delivery.due_at <= before, Delivery.not_before <= before),
                )
            )
        )
        .order_by(Delivery.due_at, Delivery.id)
    )
    return [
        LateDelivery(
            id=d.id,
            reference=f"{campaign}/{key}",
            campaign=campaign,
            key=key,
            account=account.name,
            language=d.language,
            kind=d.kind,
            tags=tuple(d.tags),
            state=d.state,
            post=post,
            due_at=d.due_at,
            not_before=d.not_before,
            not_after=d.not_after,
            next_at=d.ready_at if d.ready_at > d.not_before else None,
            worker=d.worker,
            account_state=account.state,
            limited_until=account.limited_until,
        )
        for d, post, key, campaign, account in rows
    ]


@dataclass(frozen=True, slots=True)
class Coming:
    """An approved delivery that is due soon."""

    reference: str
    account: str
    due_at: datetime


def next_approved(tx: Transaction, now: datetime, until: datetime) -> Coming | None:
    """The first approved delivery that a worker may take by then, its window not closed."""
    row = tx.execute(
        select(Campaign.name, Post.key, Account.name.label("account"), Delivery.not_before)
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(Delivery.id.in_(_open_by(until, now)), Post.state == PostState.APPROVED)
        .order_by(Delivery.ready_at, Delivery.id)
        .limit(1)
    ).first()
    return Coming(f"{row.name}/{row.key}", row.account, row.not_before) if row else None


def _open_by(until: datetime, now: datetime) -> Select[int]:
    """Deliveries that a worker may take by then and whose window has not closed."""
    return select(Delivery.id).where(
        SCHEDULED, Delivery.ready_at <= until, Delivery.not_after > now
    )


@dataclass(frozen=True, slots=True)
class Silenced:
    """A suspended account with approved posts to say."""

    account: str
    posts: int
    first_due: datetime


def suspended(tx: Transaction, now: datetime, until: datetime) -> list[Silenced]:
    """Suspended accounts that approved posts are to go out through by then."""
    silent = select(Account.id).where(Account.state == AccountState.SUSPENDED)
    accounts = tx.scalars(silent).all()
    if not accounts:
        return []
    rows = tx.execute(
        select(Account.name, func.count(), func.min(Delivery.not_before))
        .join(Delivery, Delivery.account_id == Account.id)
        .join(Post, Post.id == Delivery.post_id)
        .where(
            Delivery.id.in_(_open_by(until, now).where(Delivery.account_id.in_(accounts))),
            Post.state == PostState.APPROVED,
        )
        .group_by(Account.name)
        .order_by(Account.name)
    )
    return [Silenced(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class KeysEnd:
    """An account whose keys end, and what is queued for it after that."""

    account: str
    ends_at: datetime
    beyond: int
    first_beyond: datetime | None


def keys_end(tx: Transaction) -> list[KeysEnd]:
    """Every account whose network told when its keys end, the soonest first."""
    # First which: of most accounts there is none, and the queue may be long.
    having = select(Account.id, Account.ends_at).where(
        Account.ends_at.is_not(None), Account.keys_version > 0
    )
    ends = {row.id: row.ends_at for row in tx.execute(having) if row.ends_at is not None}
    if not ends:
        return []
    rows = tx.execute(
        select(Account.id, Account.name, func.count(Delivery.id), func.min(Delivery.due_at))
        .outerjoin(
            Delivery,
            (Delivery.account_id == Account.id) & (Delivery.due_at >= Account.ends_at) & SCHEDULED,
        )
        .where(Account.id.in_(ends))
        .group_by(Account.id, Account.name, Account.ends_at)
        .order_by(Account.ends_at, Account.name)
    )
    return [KeysEnd(row[1], ends[row[0]], row[2], row[3]) for row in rows]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A worker that has not been stopped, and when it was last heard of."""

    worker: str
    host: str
    started_at: datetime
    heard_at: datetime


def heartbeats(tx: Transaction) -> list[Heartbeat]:
    """Workers that were started, and neither stopped nor given up for lost."""
    rows = tx.execute(
        select(Worker.id, Worker.host, Worker.started_at, Worker.heartbeat_at)
        .where(
            Worker.stopped_at.is_(None),
            Worker.lost_at.is_(None),
            Worker.pid > 0,
        )
        .order_by(Worker.id)
    )
    return [Heartbeat(*row) for row in rows]


def states(tx: Transaction, ids: Sequence[int]) -> dict[int, DeliveryState]:
    """Where some deliveries stand."""
    query = select(Delivery.id, Delivery.state)
    return {
        row.id: row.state
        for some in _chunks(ids)
        for row in tx.execute(query.where(Delivery.id.in_(some)))
    }


def since(tx: Transaction, ids: Sequence[int]) -> dict[int, datetime]:
    """When each of some deliveries came to the state it is in."""
    query = (
        select(Delivery.id, func.max(History.at).label("at"))
        .join(History, History.delivery_id == Delivery.id)
        .where(History.target == Delivery.state, History.part.is_(None))
        .group_by(Delivery.id)
    )
    return {
        row.id: row.at
        for some in _chunks(ids)
        for row in tx.execute(query.where(Delivery.id.in_(some)))
    }


def _chunks(ids: Sequence[int], size: int = 1000) -> Iterator[Sequence[int]]:
    """A statement takes only so many values."""
    return (ids[start : start + size] for start in range(0, len(ids), size))

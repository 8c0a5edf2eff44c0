"""Holds: rows with a scope, a reason and an end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select, update

from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Account, Campaign, Hold, HoldScope, Post, Revision


def active(tx: Transaction, now: datetime) -> list[Hold]:
    """The holds that stand now, oldest first."""
    return list(
        tx.scalars(
            select(Hold)
            .where(Hold.released_at.is_(None), or_(Hold.until.is_(None), Hold.until > now))
            .order_by(Hold.id)
        )
    )


def stood(tx: Transaction, since: datetime, now: datetime) -> list[Hold]:
    """The holds that stand now or stood at some moment since, oldest first."""
    return list(
        tx.scalars(
            select(Hold)
            .where(
                Hold.placed_at <= now,
                or_(Hold.released_at.is_(None), Hold.released_at > since),
                or_(Hold.until.is_(None), Hold.until > since),
            )
            .order_by(Hold.id)
        )
    )


def stands(hold: Hold, now: datetime, since: datetime) -> bool:
    """Whether a hold stands now, or stood at some moment after `since`."""
    ends = [end for end in (hold.released_at, hold.until) if end is not None]
    return hold.placed_at <= now and all(end > since for end in ends)


def every(tx: Transaction) -> list[Hold]:
    """Every hold there ever was, newest first."""
    return list(tx.scalars(select(Hold).order_by(Hold.id.desc())))


def new(
    scope: HoldScope,
    value: str,
    reason: str,
    placed_by: str,
    placed_at: datetime,
    until: datetime | None = None,
) -> Hold:
    """A hold that stands, to be placed."""
    return Hold(
        scope=scope,
        value=value,
        reason=reason,
        placed_by=placed_by,
        placed_at=placed_at,
        until=until,
        released_by=None,
        released_at=None,
    )


def add(tx: Transaction, hold: Hold) -> Hold:
    """Place a hold."""
    tx.add(hold)
    tx.flush()
    return hold


def by_id(tx: Transaction, hold_id: int) -> Hold | None:
    """One hold."""
    return tx.get(Hold, hold_id)


def release(tx: Transaction, hold_id: int, who: str, at: datetime) -> None:
    """End a hold."""
    tx.execute(update(Hold).where(Hold.id == hold_id).values(released_by=who, released_at=at))


def choices(tx: Transaction, scope: HoldScope) -> list[str]:
    """What a hold of this scope can name, in order: what is connected or queued."""
    match scope:
        case HoldScope.CAMPAIGN:
            found = set(tx.scalars(select(Campaign.name)))
        case HoldScope.POST:
            posts = tx.execute(select(Campaign.name, Post.key).join(Post))
            found = {f"{campaign}/{key}" for campaign, key in posts}
        case HoldScope.ACCOUNT:
            found = set(tx.scalars(select(Account.name)))
        case HoldScope.LANGUAGE:
            found = set(tx.scalars(select(Account.language)))
        case _:
            tags = tx.scalars(select(Revision.tags))
            found = {tag for several in tags for tag in several}
    return sorted(found)


def matches(
    hold: Hold,
    *,
    campaign: str,
    key: str,
    account: str,
    language: str,
    kind: str,
    tags: Collection[str],
) -> bool:
    """Whether a hold stops such a delivery. An unknown scope stops everything."""
    match hold.scope:
        case HoldScope.CAMPAIGN:
            return hold.value == campaign
        case HoldScope.POST:
            return hold.value == f"{campaign}/{key}"
        case HoldScope.ACCOUNT:
            return hold.value == account
        case HoldScope.LANGUAGE:
            return hold.value == language
        case HoldScope.TAG:
            return hold.value in tags
        case HoldScope.KIND:
            return hold.value == kind
        case _:
            return True

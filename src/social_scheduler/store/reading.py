"""Queries for pages and lists: few, and each for a whole page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select

from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import (
    Account,
    Campaign,
    Delivery,
    History,
    Part,
    Post,
    Proof,
    Revision,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class PostLine:
    """One post in a list."""

    id: int
    reference: str
    title: str
    kind: str
    state: PostState
    revision: int
    due_at: datetime
    not_after: datetime
    zone: str
    wall: str
    owner: str
    authors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One delivery in a list, with its first address."""

    id: int
    reference: str
    account: str
    platform: str
    handle: str
    language: str
    state: DeliveryState
    due_at: datetime
    trouble: str | None
    url: str | None
    live_at: datetime | None
    parts: int
    verdict: Verdict | None
    fields: tuple[str, ...]


def post_lines(tx: Transaction, states: Sequence[PostState] | None = None) -> list[PostLine]:
    """Posts in any of these states (all of them without), the earliest due first."""
    query = (
        select(Post, Revision, Campaign.name, Campaign.title)
        .join(Revision, (Revision.post_id == Post.id) & (Revision.number == Post.revision))
        .join(Campaign, Campaign.id == Post.campaign_id)
        .order_by(Revision.due_at, Post.id)
    )
    if states is not None:
        query = query.where(Post.state.in_(states))
    return [
        PostLine(
            post.id,
            f"{name}/{post.key}",
            title,
            revision.kind,
            post.state,
            post.revision,
            revision.due_at,
            revision.not_after,
            revision.zone,
            revision.wall,
            revision.owner,
            tuple(revision.authors),
        )
        for post, revision, name, title in tx.execute(query)
    ]


def delivery_lines(
    tx: Transaction,
    *,
    states: Sequence[DeliveryState] | None = None,
    post_id: int | None = None,
    newest_first: bool = False,
    limit: int | None = None,
) -> list[DeliveryLine]:
    """Deliveries, with the first address and the worst proof of their parts."""
    where: list[ColumnElement[bool]] = []
    if states is not None:
        where.append(Delivery.state.in_(states))
    if post_id is not None:
        where.append(Delivery.post_id == post_id)
    return _delivery_lines(tx, where, newest_first, limit)


def alarms(tx: Transaction) -> list[DeliveryLine]:
    """What waits for a person: not confirmed, partial, failed, missed, or live but not as approved."""
    stuck = [
        DeliveryState.UNCONFIRMED,
        DeliveryState.PARTIAL,
        DeliveryState.FAILED,
        DeliveryState.MISSED,
    ]
    unproved = (
        select(Proof.delivery_id)
        .where(
            Proof.delivery_id == Delivery.id,
            Proof.verdict.is_not(None),
            Proof.verdict != Verdict.EQUAL,
            Proof.next_look_at.is_(None),
        )
        .exists()
    )
    live = Delivery.state == DeliveryState.PUBLISHED
    return _delivery_lines(tx, [or_(Delivery.state.in_(stuck), live & unproved)], False, None)


def _delivery_lines(
    tx: Transaction, where: list[ColumnElement[bool]], newest_first: bool, limit: int | None
) -> list[DeliveryLine]:
    first = (
        select(
            Part.delivery_id,
            func.min(Part.live_at).label("live_at"),
            func.count().label("parts"),
        )
        .group_by(Part.delivery_id)
        .subquery()
    )
    url = (
        select(Part.url)
        .where(Part.delivery_id == Delivery.id, Part.url.is_not(None))
        .order_by(Part.number)
        .limit(1)
        .correlate(Delivery)
        .scalar_subquery()
    )
    order = first.c.live_at.desc() if newest_first else Delivery.due_at
    query = (
        select(
            Delivery.id,
            Campaign.name,
            Post.key,
            Account.name,
            Account.platform,
            Account.handle,
            Delivery.language,
            Delivery.state,
            Delivery.due_at,
            Delivery.trouble,
            url,
            first.c.live_at,
            first.c.parts,
        )
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .join(first, first.c.delivery_id == Delivery.id)
        .where(*where)
        .order_by(order, Delivery.id)
        .limit(limit)
    )
    rows = tx.execute(query).all()
    proofs = _proofs(tx, [row[0] for row in rows])
    return [_delivery_line(row, *proofs.get(row[0], (None, ()))) for row in rows]


def _delivery_line(row: Row[Any], verdict: Verdict | None, fields: tuple[str, ...]) -> DeliveryLine:
    delivery_id, campaign, key, *rest = row
    return DeliveryLine(delivery_id, f"{campaign}/{key}", *rest, verdict, fields)


def _proofs(
    tx: Transaction, ids: Sequence[int]
) -> dict[int, tuple[Verdict | None, tuple[str, ...]]]:
    """The worst proof of each delivery."""
    order = [Verdict.EQUAL, None, Verdict.NOT_READABLE, Verdict.DIFFERS, Verdict.GONE]
    found: dict[int, tuple[Verdict | None, tuple[str, ...]]] = {}
    for proof in tx.scalars(select(Proof).where(Proof.delivery_id.in_(ids))):
        old = found.get(proof.delivery_id)
        if old is None or order.index(proof.verdict) > order.index(old[0]):
            found[proof.delivery_id] = (proof.verdict, tuple(proof.fields))
    return found


def parts_of(tx: Transaction, delivery_ids: Sequence[int]) -> dict[int, list[Part]]:
    """The parts of several deliveries."""
    found: dict[int, list[Part]] = {}
    for part in tx.scalars(
        select(Part).where(Part.delivery_id.in_(delivery_ids)).order_by(Part.number)
    ):
        found.setdefault(part.delivery_id, []).append(part)
    return found


def history(
    tx: Transaction, *, post_id: int | None = None, limit: int = 200
) -> list[tuple[History, str | None, str | None]]:
    """What happened, newest last, with the post and the account each row speaks of."""
    query = (
        select(History, Campaign.name, Post.key, Account.name)
        .outerjoin(Delivery, Delivery.id == History.delivery_id)
        .outerjoin(Post, Post.id == func.coalesce(History.post_id, Delivery.post_id))
        .outerjoin(Campaign, Campaign.id == Post.campaign_id)
        .outerjoin(Account, Account.id == Delivery.account_id)
    )
    if post_id is not None:
        query = query.where(func.coalesce(History.post_id, Delivery.post_id) == post_id)
    rows = tx.execute(query.order_by(History.id.desc()).limit(limit)).all()
    return [(row[0], f"{row[1]}/{row[2]}" if row[1] else None, row[3]) for row in reversed(rows)]

"""Queries for pages and lists: few, and each for a whole page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from social_scheduler.lifecycle import INBOX, DeliveryState, PostState
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

ACKNOWLEDGE = "acknowledge"
"""The history's word for: somebody has seen it, and nothing more is to be done."""


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
    post_id: int
    reference: str
    revision: int
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
    attempt: int
    """The fence: an act on what was shown is refused once this has changed."""
    verdict: Verdict | None
    fields: tuple[str, ...]


def post_lines(tx: Transaction, states: Sequence[PostState] | None = None) -> list[PostLine]:
    """Posts in any of these states (all of them without), the earliest due first."""
    where = [] if states is None else [Post.state.in_(states)]
    return [line for line, _, _ in _lines(tx, where)]


def lines_in_review(
    tx: Transaction, now: datetime, limit: int | None = None
) -> list[tuple[PostLine, Revision]]:
    """Posts in review whose time has not run out, the earliest due first."""
    where = [Post.state == PostState.IN_REVIEW, _still_to_come(now)]
    return [(line, revision) for line, revision, _ in _lines(tx, where, limit=limit)]


def line_of(tx: Transaction, campaign: str, key: str) -> tuple[PostLine, Revision, Post] | None:
    """One post by its reference, with its current revision."""
    found = _lines(tx, [Campaign.name == campaign, Post.key == key])
    return found[0] if found else None


def page_of_lines(
    tx: Transaction, now: datetime, *, past: bool, limit: int, offset: int
) -> list[PostLine]:
    """Posts still to come, the earliest first; or those that are past, the latest first."""
    where = [not_(_still_to_come(now)) if past else _still_to_come(now)]
    found = _lines(tx, where, latest_first=past, limit=limit, offset=offset)
    return [line for line, _, _ in found]


def heads_of(tx: Transaction, post_ids: Sequence[int]) -> dict[int, tuple[PostLine, Revision]]:
    """Several posts with their current revisions."""
    found = _lines(tx, [Post.id.in_(post_ids)])
    return {line.id: (line, revision) for line, revision, _ in found}


def _still_to_come(now: datetime) -> ColumnElement[bool]:
    """Something of it is being sent, or waits with its window still open."""
    waiting = Delivery.state.in_([DeliveryState.SCHEDULED, DeliveryState.LEASED])
    return (
        select(Delivery.id)
        .where(
            Delivery.post_id == Post.id,
            or_(
                Delivery.state == DeliveryState.SENDING,
                waiting & (Delivery.not_after > now),
            ),
        )
        .exists()
    )


def _lines(
    tx: Transaction,
    where: Sequence[ColumnElement[bool]],
    *,
    latest_first: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[tuple[PostLine, Revision, Post]]:
    order = (Revision.due_at.desc(), Post.id.desc()) if latest_first else (Revision.due_at, Post.id)
    query = (
        select(Post, Revision, Campaign.name, Campaign.title)
        .join(Revision, (Revision.post_id == Post.id) & (Revision.number == Post.revision))
        .join(Campaign, Campaign.id == Post.campaign_id)
        .where(*where)
        .order_by(*order)
        .limit(limit)
        .offset(offset)
    )
    return [
        (_line(post, revision, name, title), revision, post)
        for post, revision, name, title in tx.execute(query)
    ]


def _line(post: Post, revision: Revision, campaign: str, title: str) -> PostLine:
    return PostLine(
        post.id,
        f"{campaign}/{post.key}",
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


def alarms(
    tx: Transaction,
    *,
    seen: bool = False,
    delivery_id: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[DeliveryLine]:
    """What waits for a person: not confirmed, partial, failed, missed, or live but not as approved.

    With `seen`, instead, what somebody has acknowledged; a post's deliveries stand together.
    """
    where = [_troubled(), _acknowledged() if seen else not_(_acknowledged())]
    if delivery_id is not None:
        where.append(Delivery.id == delivery_id)
    return _delivery_lines(tx, where, False, limit, offset)


def alarm_counts(tx: Transaction) -> dict[DeliveryState, int]:
    """How many deliveries wait for a person, by state; `published` ones are not as approved."""
    query = (
        select(Delivery.state, func.count())
        .where(_troubled(), not_(_acknowledged()))
        .group_by(Delivery.state)
    )
    return {row.state: row[1] for row in tx.execute(query)}


def _troubled() -> ColumnElement[bool]:
    """In a state that needs a person, or live and read otherwise than approved.

    Literals, not parameters: so that SQLite sees that an index over few rows will do.
    """
    states: BindParameter[Any] = bindparam(
        "stuck", sorted(INBOX), expanding=True, literal_execute=True
    )
    equal: BindParameter[Verdict] = bindparam("equal", Verdict.EQUAL, literal_execute=True)
    stuck = select(Delivery.id).where(Delivery.state.in_(states))
    unproved = select(Proof.delivery_id).where(Proof.verdict != equal, Proof.next_look_at.is_(None))
    return and_(
        Delivery.id.in_(union_all(stuck, unproved)),
        Delivery.state.in_([*sorted(INBOX), DeliveryState.PUBLISHED]),
    )


def _acknowledged() -> ColumnElement[bool]:
    """The last thing that happened to it is that somebody has seen it: what comes later counts."""
    later = aliased(History)
    since = select(later.id).where(later.delivery_id == History.delivery_id, later.id > History.id)
    return (
        select(History.id)
        .where(
            History.delivery_id == Delivery.id,
            History.step == ACKNOWLEDGE,
            ~since.exists(),
        )
        .exists()
    )


def _delivery_lines(
    tx: Transaction,
    where: list[ColumnElement[bool]],
    newest_first: bool,
    limit: int | None,
    offset: int = 0,
) -> list[DeliveryLine]:
    mine = select(Part.delivery_id).where(Part.delivery_id == Delivery.id).correlate(Delivery)
    live_at = mine.with_only_columns(func.min(Part.live_at)).scalar_subquery()
    parts = mine.with_only_columns(func.count()).scalar_subquery()
    url = (
        select(Part.url)
        .where(Part.delivery_id == Delivery.id, Part.url.is_not(None))
        .order_by(Part.number)
        .limit(1)
        .correlate(Delivery)
        .scalar_subquery()
    )
    order = [live_at.desc()] if newest_first else [Delivery.due_at, Delivery.post_id]
    query = (
        select(Delivery, Account, Campaign.name, Post.key, url, live_at, parts)
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(*where)
        .order_by(*order, Delivery.id)
        .limit(limit)
        .offset(offset)
    )
    rows = tx.execute(query).all()
    proofs = _proofs(tx, [row[0].id for row in rows])
    return [
        delivery_line(
            f"{name}/{key}",
            delivery,
            account,
            url=address,
            live_at=since,
            parts=count,
            proof=proofs.get(delivery.id),
        )
        for delivery, account, name, key, address, since, count in rows
    ]


def delivery_line(
    reference: str,
    delivery: Delivery,
    account: Account,
    *,
    url: str | None,
    live_at: datetime | None,
    parts: int,
    proof: tuple[Verdict | None, tuple[str, ...]] | None,
) -> DeliveryLine:
    """One delivery as lists show it: `url` and `live_at` are its first part's that has them."""
    verdict, fields = proof or (None, ())
    return DeliveryLine(
        id=delivery.id,
        post_id=delivery.post_id,
        reference=reference,
        revision=delivery.revision,
        account=account.name,
        platform=account.platform,
        handle=account.handle,
        language=delivery.language,
        state=delivery.state,
        due_at=delivery.due_at,
        trouble=delivery.trouble,
        url=url,
        live_at=live_at,
        parts=parts,
        attempt=delivery.attempt,
        verdict=verdict,
        fields=fields,
    )


def _proofs(
    tx: Transaction, ids: Sequence[int]
) -> dict[int, tuple[Verdict | None, tuple[str, ...]]]:
    return worst_proofs(tx.scalars(select(Proof).where(Proof.delivery_id.in_(ids))))


def worst_proofs(proofs: Iterable[Proof]) -> dict[int, tuple[Verdict | None, tuple[str, ...]]]:
    """The worst proof of each delivery."""
    order = [Verdict.EQUAL, None, Verdict.NOT_READABLE, Verdict.DIFFERS, Verdict.GONE]
    found: dict[int, tuple[Verdict | None, tuple[str, ...]]] = {}
    for proof in proofs:
        old = found.get(proof.delivery_id)
        if old is None or order.index(proof.verdict) > order.index(old[0]):
            found[proof.delivery_id] = (proof.verdict, tuple(proof.fields))
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

"""Queries that fetch what belongs to a whole page of posts at once, however many they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, case, cast, func, select, true

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.message import Message
from social_scheduler.store.database import Transaction
from social_scheduler.store.reading import DeliveryLine, delivery_line, worst_proofs
from social_scheduler.store.review import (
    StoredApproval,
    StoredMessage,
    stored_approvals,
    stored_messages,
)
from social_scheduler.store.tables import (
    Account,
    Approval,
    Campaign,
    Delivery,
    History,
    HoldScope,
    MessageRow,
    Part,
    Post,
    Proof,
    Revision,
)


def current_messages(tx: Transaction, post_ids: Sequence[int]) -> dict[int, list[StoredMessage]]:
    """What every account says in the current revision of several posts, in the accounts' order."""
    found: dict[int, list[StoredMessage]] = {}
    current = (Post.id == MessageRow.post_id) & (Post.revision == MessageRow.revision)
    for row in tx.execute(stored_messages().join(Post, current).where(Post.id.in_(post_ids))):
        found.setdefault(row[0], []).append(StoredMessage(*row[1:]))
    return found


def current_approvals(tx: Transaction, post_ids: Sequence[int]) -> dict[int, list[StoredApproval]]:
    """Every approval given to the current revision of several posts, ended ones too."""
    found: dict[int, list[StoredApproval]] = {}
    current = (Post.id == Approval.post_id) & (Post.revision == Approval.revision)
    rows = tx.execute(stored_approvals().join(Post, current).where(Post.id.in_(post_ids)))
    for given, person in rows:
        found.setdefault(given.post_id, []).append(StoredApproval.of(given, person))
    return found


def states_of(
    tx: Transaction, post_ids: Sequence[int] | None = None
) -> dict[int, list[tuple[str, str, DeliveryState]]]:
    """(account, language, state) of every delivery, in the accounts' order: of several posts,
    or (without) of all."""
    found: dict[int, list[tuple[str, str, DeliveryState]]] = {}
    query = (
        select(Delivery.post_id, Account.name, Delivery.language, Delivery.state)
        .join(Account, Account.id == Delivery.account_id)
        .where(true() if post_ids is None else Delivery.post_id.in_(post_ids))
        .order_by(Delivery.account_id)
    )
    for post_id, account, language, state in tx.execute(query):
        found.setdefault(post_id, []).append((account, language, state))
    return found


def whole_deliveries(
    tx: Transaction, post_id: int, reference: str
) -> list[tuple[DeliveryLine, list[Part], dict[str, int]]]:
    """A post's deliveries with all their parts, the worst of their proofs, and the limits that
    each account was told, in one query."""
    query = (
        select(Delivery, Account, Part, Proof)
        .join(Account, Account.id == Delivery.account_id)
        .join(Part, Part.delivery_id == Delivery.id)
        .outerjoin(Proof, (Proof.delivery_id == Part.delivery_id) & (Proof.part == Part.number))
        .where(Delivery.post_id == post_id)
        .order_by(Delivery.account_id, Part.number)
    )
    deliveries: dict[int, tuple[Delivery, Account, list[Part]]] = {}
    proofs: list[Proof] = []
    for delivery, account, part, proof in tx.execute(query):
        deliveries.setdefault(delivery.id, (delivery, account, []))[2].append(part)
        if proof is not None:
            proofs.append(proof)
    worst = worst_proofs(proofs)
    return [
        (
            delivery_line(
                reference,
                delivery,
                account,
                url=next((p.url for p in parts if p.url), None),
                live_at=min((p.live_at for p in parts if p.live_at), default=None),
                parts=len(parts),
                proof=worst.get(id_),
            ),
            parts,
            account.told,
        )
        for id_, (delivery, account, parts) in deliveries.items()
    ]


@dataclass(frozen=True, slots=True)
class Last:
    """The last thing that happened to a delivery."""

    change: int
    """Its number in the history: an act on what was shown is refused once this has changed."""
    at: datetime
    who: str
    why: str | None
    taken_down: bool
    """A part of it was removed from its network."""


def last_of(tx: Transaction, delivery_ids: Sequence[int]) -> dict[int, Last]:
    """What happened last to several deliveries."""
    removed = case((History.step == "remove", 1), else_=0)
    newest = (
        select(func.max(History.id).label("id"), func.max(removed).label("removed"))
        .where(History.delivery_id.in_(delivery_ids))
        .group_by(History.delivery_id)
        .subquery()
    )
    rows = tx.execute(select(History, newest.c.removed).join(newest, newest.c.id == History.id))
    return {
        row.delivery_id: Last(row.id, row.at, row.who, row.why, bool(removed))
        for row, removed in rows
        if row.delivery_id is not None
    }


def first_words(tx: Transaction, lines: Sequence[DeliveryLine]) -> dict[int, str]:
    """What several deliveries say first, whole, by the delivery's id."""
    ids = [line.id for line in lines]
    query = select(Delivery.id, MessageRow.body).join(
        MessageRow,
        (MessageRow.post_id == Delivery.post_id)
        & (MessageRow.revision == Delivery.revision)
        & (MessageRow.account_id == Delivery.account_id),
    )
    return {
        id_: Message.from_canonical(body).parts[0].text
        for id_, body in tx.execute(query.where(Delivery.id.in_(ids)))
    }


def held_names(tx: Transaction) -> dict[HoldScope, list[str]]:
    """What a hold can name that still has something to send, and every account and language."""
    waiting = select(Delivery.post_id).where(
        Delivery.state.in_([DeliveryState.SCHEDULED, DeliveryState.LEASED, DeliveryState.SENDING])
    )
    tags = cast(Revision.tags, String)  # PostgreSQL compares no JSON
    posts = (
        select(Campaign.name, tags)
        .join(Post, Post.campaign_id == Campaign.id)
        .join(Revision, (Revision.post_id == Post.id) & (Revision.number == Post.revision))
        .where(Post.id.in_(waiting))
        .distinct()
    )
    campaigns, tagged = set(), set()
    for name, written in tx.execute(posts):
        campaigns.add(name)
        tagged.update(json.loads(written))
    accounts = tx.execute(select(Account.name, Account.language)).all()
    return {
        HoldScope.CAMPAIGN: sorted(campaigns),
        HoldScope.ACCOUNT: sorted(name for name, _ in accounts),
        HoldScope.LANGUAGE: sorted({language for _, language in accounts}),
        HoldScope.TAG: sorted(tagged),
    }

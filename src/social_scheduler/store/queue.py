"""Reading and writing what campaign files queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from social_scheduler.lifecycle import DeliveryState, PartState, PostState
from social_scheduler.message import Window
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import (
    Account,
    Attempt,
    Campaign,
    Delivery,
    MessageRow,
    Part,
    Post,
    Revision,
    Upload,
)


@dataclass(frozen=True, slots=True)
class KnownDelivery:
    """A delivery as it stands."""

    id: int
    account: str
    state: DeliveryState
    digest: str
    """The content digest of what it says now."""
    live_since: datetime | None


@dataclass(frozen=True, slots=True)
class KnownPost:
    """A post as it stands."""

    id: int
    key: str
    state: PostState
    revision: int
    digest: str
    window: Window
    authors: tuple[int, ...]
    deliveries: tuple[KnownDelivery, ...]


def campaign_named(tx: Transaction, name: str) -> Campaign | None:
    """The campaign of that name."""
    return tx.scalars(select(Campaign).where(Campaign.name == name)).one_or_none()


def keep_campaign(tx: Transaction, name: str, **values: Any) -> int:
    """Add or update a campaign; answers its id."""
    found = tx.scalar(select(Campaign.id).where(Campaign.name == name))
    if found is None:
        return tx.execute(
            insert(Campaign).values(name=name, **values).returning(Campaign.id)
        ).scalar_one()
    tx.execute(update(Campaign).where(Campaign.id == found).values(**values))
    return found


def known_keys(tx: Transaction) -> set[tuple[str, str]]:
    """Every post queued so far, as (campaign, post)."""
    return {
        (row.name, row.key)
        for row in tx.execute(
            select(Campaign.name, Post.key).join(Post, Post.campaign_id == Campaign.id)
        )
    }


def known_posts(tx: Transaction, campaign: str) -> dict[str, KnownPost]:
    """The posts of a campaign as they stand, by their id in the file."""
    live_since = (
        select(func.min(Part.live_at))
        .where(Part.delivery_id == Delivery.id, Part.live_at.is_not(None))
        .correlate(Delivery)
        .scalar_subquery()
    )
    deliveries: dict[int, list[KnownDelivery]] = {}
    of_campaign = select(Post.id).join(Campaign).where(Campaign.name == campaign)
    for row in tx.execute(
        select(
            Delivery.id,
            Delivery.post_id,
            Delivery.state,
            Account.name,
            MessageRow.digest,
            live_since.label("live_since"),
        )
        .join(Account, Account.id == Delivery.account_id)
        .join(
            MessageRow,
            (MessageRow.post_id == Delivery.post_id)
            & (MessageRow.revision == Delivery.revision)
            & (MessageRow.account_id == Delivery.account_id),
        )
        .where(Delivery.post_id.in_(of_campaign))
        .order_by(Delivery.id)
    ):
        deliveries.setdefault(row.post_id, []).append(
            KnownDelivery(row.id, row.name, row.state, row.digest, row.live_since)
        )
    rows = tx.execute(
        select(
            Post.id,
            Post.key,
            Post.state,
            Post.revision,
            Revision.digest,
            Revision.due_at,
            Revision.not_before,
            Revision.not_after,
            Revision.authors,
        )
        .join(Revision, (Revision.post_id == Post.id) & (Revision.number == Post.revision))
        .join(Campaign, Campaign.id == Post.campaign_id)
        .where(Campaign.name == campaign)
        .order_by(Post.id)
    )
    return {
        r.key: KnownPost(
            r.id,
            r.key,
            r.state,
            r.revision,
            r.digest,
            Window(r.due_at, r.not_before, r.not_after),
            tuple(r.authors),
            tuple(deliveries.get(r.id, ())),
        )
        for r in rows
    }


def add_revisions(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """New revisions."""
    tx.execute(insert(Revision), rows)


def add_messages(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """The canonical bytes of new revisions; never updated afterwards."""
    tx.execute(insert(MessageRow), rows)


def set_window(
    tx: Transaction, post: KnownPost, window: Window, authors: Sequence[int], **written: Any
) -> None:
    """Another time for the current revision."""
    tx.execute(
        update(Revision)
        .where(Revision.post_id == post.id, Revision.number == post.revision)
        .values(
            due_at=window.due_at,
            not_before=window.not_before,
            not_after=window.not_after,
            authors=list(authors),
            **written,
        )
    )


def repoint_delivery(tx: Transaction, delivery_id: int, window: Window, **values: Any) -> None:
    """Give an open delivery a new window or wording; its fence goes up, so a lease on it ends."""
    tx.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(
            due_at=window.due_at,
            not_before=window.not_before,
            not_after=window.not_after,
            attempt=Delivery.attempt + 1,
            ready_at=window.not_before,
            trouble=None,
            tries=0,
            **values,
        )
    )


def forget_parts(tx: Transaction, delivery_id: int) -> None:
    """Drop the parts and uploads of earlier words; only for deliveries of which nothing is live."""
    live = select(Part.number).where(
        Part.delivery_id == delivery_id, Part.state.in_([PartState.LIVE, PartState.UNCONFIRMED])
    )
    if tx.execute(live).first() is not None:
        raise ValueError(f"delivery {delivery_id} has parts that are or may be live")
    tx.execute(delete(Part).where(Part.delivery_id == delivery_id))
    tx.execute(delete(Upload).where(Upload.delivery_id == delivery_id))


def mark_removed_from_file(tx: Transaction, post_ids: Sequence[int], at: datetime | None) -> None:
    """Note that posts are no longer in their file, or (None) are back."""
    if post_ids:
        tx.execute(update(Post).where(Post.id.in_(post_ids)).values(removed_from_file_at=at))


def set_revision(tx: Transaction, post_id: int, number: int) -> None:
    """The number of a post's current wording."""
    tx.execute(update(Post).where(Post.id == post_id).values(revision=number))


def calls_under_way(tx: Transaction, post_id: int) -> Mapping[str, datetime]:
    """Accounts that are speaking right now for a post, and since when."""
    return {
        row.name: row.started_at
        for row in tx.execute(
            select(Account.name, func.min(Attempt.started_at).label("started_at"))
            .join(Delivery, Delivery.account_id == Account.id)
            .join(
                Attempt, (Attempt.delivery_id == Delivery.id) & (Attempt.number == Delivery.attempt)
            )
            .where(Delivery.post_id == post_id, Delivery.state == DeliveryState.SENDING)
            .group_by(Account.name)
        )
    }

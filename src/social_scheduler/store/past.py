"""What the database knows of the past that a journal tells of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.store.database import Transaction
from social_scheduler.store.gaps import keys as gap_keys
from social_scheduler.store.tables import (
    Account,
    Attempt,
    Campaign,
    Delivery,
    History,
    Hold,
    Part,
    Post,
)

STOPS = ("hold", "release_hold", "cancel", "withdraw", "request_changes")
"""Decisions of people that a journal repeats outside the database."""

BATCH = 500

Call = tuple[int, int, int, str]
"""(delivery, attempt, part, digest)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of the history that stops something, with what it speaks of."""

    id: int
    at: datetime
    who: str
    step: str
    why: str
    post: str | None
    account: str | None


def decisions_after(tx: Transaction, change: int) -> list[Decision]:
    """Decisions to stop something after a change number, oldest first."""
    of_post = func.coalesce(History.post_id, Delivery.post_id) == Post.id
    rows = tx.execute(
        select(History, Campaign.name, Post.key, Account.name)
        .outerjoin(Delivery, Delivery.id == History.delivery_id)
        .outerjoin(Post, of_post)
        .outerjoin(Campaign, Campaign.id == Post.campaign_id)
        .outerjoin(Account, Account.id == Delivery.account_id)
        .where(History.id > change, History.step.in_(STOPS))
        .order_by(History.id)
    )
    return [
        Decision(
            row.id,
            row.at,
            row.who,
            row.step,
            row.why or "",
            f"{campaign}/{key}" if campaign else None,
            account,
        )
        for row, campaign, key, account in rows
    ]


def hold_of(tx: Transaction, decision: Decision) -> list[Hold]:
    """The holds that a decision placed or released; they have its person and moment."""
    if decision.step == "hold":
        where = (Hold.placed_at == decision.at, Hold.placed_by == decision.who)
    else:
        where = (Hold.released_at == decision.at, Hold.released_by == decision.who)
    return list(tx.scalars(select(Hold).where(*where).order_by(Hold.id)))


def standing_holds_of(tx: Transaction, who: str) -> list[Hold]:
    """Holds that somebody placed and nobody released."""
    where = (Hold.placed_by == who, Hold.released_at.is_(None))
    return list(tx.scalars(select(Hold).where(*where).order_by(Hold.id)))


def unknown_calls(tx: Transaction, calls: Sequence[Call]) -> list[Call]:
    """Those of the calls that are neither an attempt nor a gap here, in their order."""
    found: list[Call] = []
    for start in range(0, len(calls), BATCH):
        batch = calls[start : start + BATCH]
        ids = {call[0] for call in batch}
        rows = tx.execute(
            select(Attempt.delivery_id, Attempt.number, Attempt.part, Attempt.digest).where(
                Attempt.delivery_id.in_(ids)
            )
        )
        known = {(row[0], row[1], row[2], row[3]) for row in rows} | gap_keys(tx, ids)
        found += [call for call in batch if call not in known]
    return found


def open_calls(tx: Transaction) -> frozenset[Call]:
    """Attempts of which this database does not know for sure what came of them."""
    rows = tx.execute(
        select(Attempt.delivery_id, Attempt.number, Attempt.part, Attempt.digest)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .where(Delivery.state.in_([DeliveryState.SENDING, DeliveryState.UNCONFIRMED]))
        .where((Attempt.outcome.is_(None)) | (Attempt.outcome == "unconfirmed"))
    )
    return frozenset((row[0], row[1], row[2], row[3]) for row in rows)


def known_decisions(tx: Transaction, changes: Collection[int]) -> dict[int, History]:
    """History rows of these numbers."""
    found: dict[int, History] = {}
    wanted = sorted(changes)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        found |= {h.id: h for h in tx.scalars(select(History).where(History.id.in_(batch)))}
    return found


def newest_moment(tx: Transaction) -> datetime | None:
    """When the last thing happened that this database knows."""
    return tx.scalar(select(History.at).order_by(History.id.desc()).limit(1))


def remembered(tx: Transaction, step: str, why: str) -> bool:
    """Whether the history has a row of this step with these words."""
    rows = select(History.id).where(History.step == step, History.why == why).limit(1)
    return tx.execute(rows).first() is not None


def delivery_of(tx: Transaction, post: str, account: str) -> int | None:
    """The delivery of campaign/key to an account."""
    campaign, _, key = post.partition("/")
    return tx.scalar(
        select(Delivery.id)
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(Campaign.name == campaign, Post.key == key, Account.name == account)
    )


def in_states(tx: Transaction, states: Collection[DeliveryState]) -> list[int]:
    """Deliveries in any of these states."""
    rows = select(Delivery.id).where(Delivery.state.in_(states)).order_by(Delivery.due_at)
    return list(tx.scalars(rows))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that is still to be sent."""

    post: str
    account: str
    due_at: datetime


def parts_with(tx: Transaction, digest: str) -> list[tuple[int, int]]:
    """(delivery, part) of everything that would say these words, the earliest due first."""
    rows = tx.execute(
        select(Part.delivery_id, Part.number)
        .join(Delivery, Delivery.id == Part.delivery_id)
        .where(Part.digest == digest, Part.state == PartState.WAITING)
        .order_by(Delivery.due_at, Delivery.id)
    )
    return [(row[0], row[1]) for row in rows]


MAY_GO_ON = (
    DeliveryState.SCHEDULED,
    DeliveryState.LEASED,
    DeliveryState.SENDING,
    DeliveryState.UNCONFIRMED,
)


def still_to_send(tx: Transaction) -> list[Waiting]:
    """What waits to be sent, or would go on once its unclear part is found; the earliest first."""
    rows = tx.execute(
        select(Campaign.name, Post.key, Account.name, Delivery.due_at)
        .join(Post, Post.id == Delivery.post_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(Delivery.state.in_(MAY_GO_ON))
        .order_by(Delivery.due_at, Delivery.id)
    )
    return [Waiting(f"{c}/{k}", a, due) for c, k, a, due in rows]


def number_after(tx: Transaction, deliveries: int) -> None:
    """Give no new delivery a number up to this one: journals speak of them.

    SQLite takes the number after its highest row, so a journal's numbers may come back there;
    everything that reads them compares digests too.
    """
    if tx.connection().dialect.name == "postgresql":
        tx.execute(
            text(
                "SELECT setval(pg_get_serial_sequence('delivery', 'id'), "
                "greatest(:least, (SELECT coalesce(max(id), 1) FROM delivery)))"
            ),
            {"least": max(1, deliveries)},
        )

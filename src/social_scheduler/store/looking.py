"""Everything about some deliveries as they stand, in two queries however many they are.

This is read thousands of times a second, so it answers with plain rows, and its statements are
made once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, select

from social_scheduler.lifecycle import DeliveryState, PartState, PostState
from social_scheduler.message import Window
from social_scheduler.store.database import Transaction
from social_scheduler.store.holds import matches
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Campaign,
    Delivery,
    Hold,
    Part,
    Post,
)


class DeliveryNow(NamedTuple):
    """A delivery's row."""

    id: int
    post_id: int
    account_id: int
    revision: int
    language: str
    kind: str
    tags: list[str]
    together: bool
    pictures: int
    state: DeliveryState
    due_at: datetime
    not_before: datetime
    not_after: datetime
    ready_at: datetime
    next_look_at: datetime | None
    looks: int
    tries: int
    attempt: int
    worker: str | None
    lease_until: datetime | None
    trouble: str | None


class PostNow(NamedTuple):
    """Of a post's row, what a delivery depends on."""

    id: int
    key: str
    state: PostState
    revision: int


class AccountNow(NamedTuple):
    """An account's row."""

    id: int
    name: str
    platform: str
    server: str
    native_id: str
    state: AccountState
    trouble: str | None
    limited_until: datetime | None
    spacing: int
    keys_version: int


class PartNow(NamedTuple):
    """A part's row."""

    delivery_id: int
    number: int
    digest: str
    state: PartState
    remote_id: str | None
    url: str | None
    live_at: datetime | None


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything the last look judges, read in one transaction."""

    delivery: DeliveryNow
    post: PostNow
    campaign: str
    account: AccountNow
    parts: tuple[PartNow, ...]

    @property
    def window(self) -> Window:
        """When this delivery may be sent."""
        return Window(self.delivery.due_at, self.delivery.not_before, self.delivery.not_after)

    @property
    def live(self) -> bool:
        """Whether a part of it is live."""
        return any(p.state is PartState.LIVE for p in self.parts)

    @property
    def reference(self) -> str:
        """The post, as people name it."""
        return f"{self.campaign}/{self.post.key}"

    @property
    def next_part(self) -> PartNow | None:
        """The first part that has not been said."""
        return next((p for p in self.parts if p.state is not PartState.LIVE), None)

    def held_by(self, holds: Collection[Hold]) -> list[Hold]:
        """Those of the holds that stop it."""
        delivery = self.delivery
        return [
            hold
            for hold in holds
            if matches(
                hold,
                campaign=self.campaign,
                key=self.post.key,
                account=self.account.name,
                language=delivery.language,
                kind=delivery.kind,
                tags=delivery.tags,
            )
        ]


def _columns(table: Any, row: Any) -> list[Any]:
    return [getattr(table, name) for name in row._fields]


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PARTS = (
    select(*_columns(Part, PartNow))
    .where(Part.delivery_id.in_(_IDS))
    .order_by(Part.delivery_id, Part.number)
)
_DELIVERIES = (
    select(
        *_columns(Delivery, DeliveryNow),
        *_columns(Post, PostNow),
        *_columns(Account, AccountNow),
        Campaign.name,
    )
    .select_from(Delivery)
    .join(Post, Post.id == Delivery.post_id)
    .join(Account, Account.id == Delivery.account_id)
    .join(Campaign, Campaign.id == Post.campaign_id)
    .where(Delivery.id.in_(_IDS))
)
_TO_POST = len(DeliveryNow._fields)
_TO_ACCOUNT = _TO_POST + len(PostNow._fields)


def look(tx: Transaction, delivery_id: int) -> Looked:
    """Everything about one delivery."""
    return look_at(tx, [delivery_id])[delivery_id]


def look_at(tx: Transaction, ids: Collection[int]) -> Mapping[int, Looked]:
    """Everything about some deliveries, by id."""
    tx.flush()
    connection, wanted = tx.connection(), {"ids": list(ids)}
    parts: dict[int, list[PartNow]] = {}
    for part in starmap(PartNow, connection.execute(_PARTS, wanted)):
        parts.setdefault(part.delivery_id, []).append(part)
    return {
        row[0]: Looked(
            DeliveryNow._make(row[:_TO_POST]),
            PostNow._make(row[_TO_POST:_TO_ACCOUNT]),
            row[-1],
            AccountNow._make(row[_TO_ACCOUNT:-1]),
            tuple(parts.get(row[0], ())),
        )
        for row in connection.execute(_DELIVERIES, wanted)
    }

"""What the worker reads and writes between due and proved."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.message import Window
from social_scheduler.store.database import Transaction
from social_scheduler.store.due import TAKEN
from social_scheduler.store.holds import matches
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Attempt,
    Base,
    Campaign,
    Delivery,
    History,
    Hold,
    Part,
    Post,
    Proof,
    Upload,
    Worker,
)

DELIVERY, ATTEMPT, PROOF = (Base.metadata.tables[n] for n in ("delivery", "attempt", "proof"))


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything the last look judges, read in one transaction."""

    delivery: Delivery
    post: Post
    campaign: str
    account: Account
    parts: tuple[Part, ...]

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

    @property
    def next_part(self) -> Part | None:
        """The first part that has not been said."""
        return next((p for p in self.parts if p.state is not PartState.LIVE), None)


def look(tx: Transaction, delivery_id: int) -> Looked:
    """Everything about one delivery."""
    return look_at(tx, [delivery_id])[delivery_id]


def look_at(tx: Transaction, ids: Collection[int]) -> dict[int, Looked]:
    """Everything about some deliveries, by id."""
    parts: dict[int, list[Part]] = {}
    mine = select(Part).where(Part.delivery_id.in_(ids)).order_by(Part.delivery_id, Part.number)
    for part in tx.scalars(mine):
        parts.setdefault(part.delivery_id, []).append(part)
    rows = tx.execute(
        select(Delivery, Post, Account, Campaign.name)
        .join(Post, Post.id == Delivery.post_id)
        .join(Account, Account.id == Delivery.account_id)
        .join(Campaign, Campaign.id == Post.campaign_id)
        .where(Delivery.id.in_(ids))
        .execution_options(populate_existing=True)
    )
    return {
        delivery.id: Looked(delivery, post, campaign, account, tuple(parts.get(delivery.id, ())))
        for delivery, post, account, campaign in rows
    }


def set_delivery(tx: Transaction, delivery_id: int, fence: int | None, **values: Any) -> bool:
    """Set columns other than the state, only while the fence is still that one."""
    statement = update(Delivery).where(Delivery.id == delivery_id)
    if fence is not None:
        statement = statement.where(Delivery.attempt == fence)
    return bool(getattr(tx.execute(statement.values(**values)), "rowcount", 0))


def begin_attempts(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """The intents: durable before the calls."""
    unknown = {"finished_at": None, "outcome": None, "evidence": None}
    tx.connection().execute(insert(ATTEMPT), [{**row, **unknown} for row in rows])


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """What came of one call."""

    delivery_id: int
    number: int
    part: int
    outcome: str
    evidence: str


def end_attempts(tx: Transaction, ends: Sequence[AttemptEnd], at: datetime) -> None:
    """What came of the calls."""
    tx.connection().execute(
        update(ATTEMPT)
        .where(
            ATTEMPT.c.delivery_id == bindparam("_delivery"),
            ATTEMPT.c.number == bindparam("_number"),
            ATTEMPT.c.part == bindparam("_part"),
        )
        .values(finished_at=at, outcome=bindparam("_outcome"), evidence=bindparam("_evidence")),
        [
            {
                "_delivery": end.delivery_id,
                "_number": end.number,
                "_part": end.part,
                "_outcome": end.outcome,
                "_evidence": end.evidence or None,
            }
            for end in ends
        ],
    )


def attempts_of(tx: Transaction, delivery_id: int) -> list[Attempt]:
    """Every call of a delivery, in order."""
    return list(
        tx.scalars(
            select(Attempt)
            .where(Attempt.delivery_id == delivery_id)
            .order_by(Attempt.number, Attempt.part)
        )
    )


def begun_since(tx: Transaction, since: datetime) -> list[tuple[int, int]]:
    """(account, how many of its posts were begun) since a moment."""
    rows = tx.execute(
        select(Delivery.account_id, func.count(func.distinct(Attempt.delivery_id)))
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .where(Attempt.started_at > since)
        .group_by(Delivery.account_id)
    )
    return [(row[0], row[1]) for row in rows]


def uploads_of(tx: Transaction, delivery_id: int, now: datetime) -> list[Upload]:
    """Pictures the network still holds for a delivery."""
    return list(
        tx.scalars(select(Upload).where(Upload.delivery_id == delivery_id, Upload.expires_at > now))
    )


def keep_upload(tx: Transaction, upload: Upload) -> None:
    """Remember a picture the network holds."""
    tx.merge(upload)


def known_remote_ids(tx: Transaction, account_id: int) -> frozenset[str]:
    """Every id the network gave us for this account: none of them can be a lost one."""
    ids = tx.scalars(
        select(Part.remote_id)
        .join(Delivery, Delivery.id == Part.delivery_id)
        .where(Delivery.account_id == account_id, Part.remote_id.is_not(None))
    )
    return frozenset(found for found in ids if found is not None)


def is_speaking(tx: Transaction, account_id: int) -> bool:
    """Whether a call of this account is under way."""
    sending = select(Delivery.id).where(
        Delivery.account_id == account_id, Delivery.state == DeliveryState.SENDING
    )
    return tx.execute(sending.limit(1)).first() is not None


def suspend_account(tx: Transaction, account_id: int, why: str) -> None:
    """Nothing goes out through it until an admin connects it again."""
    tx.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(state=AccountState.SUSPENDED, trouble=why)
    )


def limit_account(tx: Transaction, account_id: int, until: datetime) -> None:
    """The network takes nothing more from this account until then."""
    tx.execute(update(Account).where(Account.id == account_id).values(limited_until=until))


def await_proofs(tx: Transaction, parts: Sequence[tuple[int, int]], at: datetime) -> None:
    """Parts, as (delivery, number), are live; each is to be read back at `at`."""
    afresh: dict[str, Any] = {
        "verdict": None,
        "fields": [],
        "seen": None,
        "looks": 0,
        "checked_at": None,
        "next_look_at": at,
    }
    rows = [{"delivery_id": delivery, "part": number, **afresh} for delivery, number in parts]
    dialect = tx.connection().dialect.name
    new = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(PROOF)
    again = new.on_conflict_do_update(index_elements=["delivery_id", "part"], set_=afresh)
    tx.connection().execute(again, rows)


def set_proof(tx: Transaction, delivery_id: int, part: int, **values: Any) -> None:
    """What reading back showed."""
    tx.execute(
        update(Proof).where(Proof.delivery_id == delivery_id, Proof.part == part).values(**values)
    )


def last_change(tx: Transaction) -> int:
    """The database's change number: the id of its newest history row."""
    return tx.scalar(select(func.max(History.id))) or 0


def mark_of(tx: Transaction, change: int) -> str | None:
    """The digest of one history row; None when there is none of that number."""
    row = tx.get(History, change)
    if row is None:
        return None
    said = f"{row.id}|{row.at.isoformat()}|{row.who}|{row.step}|{row.target}|{row.why}"
    return hashlib.sha256(said.encode()).hexdigest()


def keep_beat(tx: Transaction, worker: str, **values: Any) -> None:
    """A worker started, ended, or gave a sign of life."""
    tx.execute(update(Worker).where(Worker.id == worker).values(**values))


def renew_leases(tx: Transaction, worker: str, until: datetime) -> None:
    """The worker is alive: what it has taken stays its own for a while longer."""
    tx.connection().execute(
        update(DELIVERY).where(TAKEN, DELIVERY.c.worker == worker).values(lease_until=until)
    )


def keep_spoken(tx: Transaction, account_ids: Collection[int], at: datetime) -> None:
    """Accounts that keep a distance between their posts have just begun one."""
    tx.execute(update(Account).where(Account.id.in_(account_ids)).values(spoke_at=at))


def workers(tx: Transaction) -> list[Worker]:
    """Every worker, the last heard of first."""
    return list(tx.scalars(select(Worker).order_by(Worker.heartbeat_at.desc())))


def count_by_state(tx: Transaction) -> dict[DeliveryState, int]:
    """How many deliveries are in each state."""
    rows = tx.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {row[0]: row[1] for row in rows}

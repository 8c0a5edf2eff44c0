"""What the worker reads and writes between due and proved."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.store.bulk import Inserts, Updates, change_many, insert_many, update_many
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Attempt,
    Base,
    Delivery,
    History,
    Part,
    Upload,
    Verdict,
    Worker,
)

DELIVERY = Base.metadata.tables["delivery"]


def set_delivery(tx: Transaction, delivery_id: int, fence: int | None, **values: Any) -> bool:
    """Set columns other than the state, only while the fence is still that one."""
    statement = update(Delivery).where(Delivery.id == delivery_id)
    if fence is not None:
        statement = statement.where(Delivery.attempt == fence)
    return bool(getattr(tx.execute(statement.values(**values)), "rowcount", 0))


def intents(rows: Sequence[Mapping[str, Any]]) -> Inserts:
    """Calls that are about to be made: durable before them."""
    unknown = {"finished_at": None, "outcome": None, "evidence": None}
    return Inserts("attempt", [{**row, **unknown} for row in rows])


def begin_attempts(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write intents by themselves."""
    change_many(tx, intents(rows))


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """What came of one call."""

    delivery_id: int
    number: int
    part: int
    outcome: str
    evidence: str


def ends(calls: Sequence[AttemptEnd], at: datetime) -> Updates:
    """What came of calls."""
    return Updates(
        "attempt",
        [
            (
                {"delivery_id": end.delivery_id, "number": end.number, "part": end.part},
                {"finished_at": at, "outcome": end.outcome, "evidence": end.evidence or None},
            )
            for end in calls
        ],
    )


def end_attempts(tx: Transaction, calls: Sequence[AttemptEnd], at: datetime) -> None:
    """Write what came of calls by itself."""
    change_many(tx, ends(calls, at))


def attempts_of(tx: Transaction, delivery_id: int) -> list[Attempt]:
    """Every call of a delivery, in order."""
    return list(
        tx.scalars(
            select(Attempt)
            .where(Attempt.delivery_id == delivery_id)
            .order_by(Attempt.number, Attempt.part)
        )
    )


def take_look(tx: Transaction, delivery_id: int, at: datetime | None, until: datetime) -> bool:
    """Look for an unconfirmed delivery that was to be looked for `at`; nobody else does so soon."""
    done = tx.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.next_look_at == at)
        .values(next_look_at=until)
    )
    return bool(getattr(done, "rowcount", 0))


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


def keep_upload(tx: Transaction, **values: Any) -> None:
    """Remember a picture the network holds; of two workers that handed it over the later one's."""
    insert_many(tx, "upload", [values], replace=("delivery_id", "part", "sha256"))


def forget_upload(tx: Transaction, delivery_id: int, part: int, sha256: str) -> None:
    """What the network could not use is handed over anew next time."""
    tx.execute(
        delete(Upload).where(
            Upload.delivery_id == delivery_id, Upload.part == part, Upload.sha256 == sha256
        )
    )


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


def suspend_account(tx: Transaction, account_id: int, why: str, keys: int | None = None) -> bool:
    """Nothing goes out through it until it is connected again, or its keys were renewed.

    False: those of version `keys`, which the network did not accept, are not its newest any more.
    """
    query = update(Account).where(Account.id == account_id)
    if keys is not None:
        query = query.where(Account.keys_version <= keys)
    done: Any = tx.execute(query.values(state=AccountState.SUSPENDED, trouble=why))
    return bool(done.rowcount == 1)


def limit_account(tx: Transaction, account_id: int, until: datetime) -> None:
    """The network takes nothing more from this account until then."""
    tx.execute(update(Account).where(Account.id == account_id).values(limited_until=until))


_AFRESH: dict[str, Any] = {
    "verdict": None,
    "fields": [],
    "seen": None,
    "looks": 0,
    "checked_at": None,
}


Shown = Mapping[tuple[int, int], Sequence[str]]
"""Parts, as (delivery, number), that an answer showed, and the fields in which they differ."""


def awaited_proofs(parts: Sequence[tuple[int, int]], at: datetime, shown: Shown) -> Inserts:
    """Parts, as (delivery, number), are live; each is to be read back at `at`, or was `shown`."""
    rows = [
        {"delivery_id": d, "part": n, **_AFRESH, "next_look_at": at}
        | (_as_shown(shown[d, n], at) if (d, n) in shown else {})
        for d, n in parts
    ]
    return Inserts("proof", rows, ("delivery_id", "part"))


def _as_shown(fields: Sequence[str], at: datetime) -> dict[str, Any]:
    verdict = Verdict.DIFFERS if fields else Verdict.EQUAL
    seen = {"verdict": verdict, "fields": list(fields), "looks": 1, "checked_at": at}
    return {**seen, "next_look_at": None}


def await_proofs(
    tx: Transaction, parts: Sequence[tuple[int, int]], at: datetime, shown: Shown | None = None
) -> None:
    """Have parts read back, when nothing else is written with it."""
    change_many(tx, awaited_proofs(parts, at, shown or {}))


_NEWEST = select(func.max(History.id))


def last_change(tx: Transaction) -> int:
    """The database's change number: the id of its newest history row."""
    return tx.connection().scalar(_NEWEST) or 0


def mark_of(tx: Transaction, change: int) -> str | None:
    """The digest of one history row; None when there is none of that number."""
    row = tx.get(History, change)
    if row is None:
        return None
    said = f"{row.id}|{row.at.isoformat()}|{row.who}|{row.step}|{row.target}|{row.why}"
    return hashlib.sha256(said.encode()).hexdigest()


def keep_beat(tx: Transaction, worker: str, **values: Any) -> bool:
    """A worker started, ended, or gave a sign of life. False when it may not work any more."""
    mine = update(Worker).where(Worker.id == worker, Worker.lost_at.is_(None))
    return bool(getattr(tx.execute(mine.values(**values)), "rowcount", 0))


def is_lost(tx: Transaction, worker: str) -> bool:
    """Whether somebody declared this worker's journal lost."""
    row = tx.get(Worker, worker)
    return row is not None and row.lost_at is not None


def renew_leases(
    tx: Transaction, worker: str, taken: Sequence[tuple[int, int]], until: datetime
) -> None:
    """What a worker has in hand, as (delivery, fence), stays its own for a while longer.

    Only that: what it has lost sight of must come back.
    """
    if taken:
        lease = {"lease_until": until}
        keys = [{"id": d, "attempt": fence, "worker": worker} for d, fence in taken]
        update_many(tx, "delivery", [(key, lease) for key in keys])


def keep_spoken(tx: Transaction, account_ids: Collection[int], at: datetime) -> None:
    """Accounts that keep a distance between their posts have just begun one."""
    tx.execute(update(Account).where(Account.id.in_(account_ids)).values(spoke_at=at))


def count_by_state(tx: Transaction) -> dict[DeliveryState, int]:
    """How many deliveries are in each state."""
    rows = tx.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {row[0]: row[1] for row in rows}

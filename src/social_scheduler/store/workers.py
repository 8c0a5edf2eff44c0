"""The workers of a workspace: which journals it knows, and which of them were read into it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Worker, Workspace


def worker_named(tx: Transaction, name: str) -> Worker | None:
    """One worker."""
    return tx.get(Worker, name)


def enrolled(tx: Transaction) -> list[Worker]:
    """Every worker there ever was, by name."""
    return list(tx.scalars(select(Worker).order_by(Worker.id)))


def enrol(
    tx: Transaction,
    name: str,
    journal: str,
    at: datetime,
    host: str,
    *,
    reconciled: datetime | None,
) -> Worker:
    """A new worker with its journal; `reconciled` is when there was nothing left to read in it."""
    row = Worker(
        id=name,
        journal=journal,
        enrolled_at=at,
        reconciled_at=reconciled,
        lost_at=None,
        host=host,
        pid=0,
        started_at=at,
        heartbeat_at=at,
        stopped_at=at,
    )
    tx.add(row)
    tx.flush()
    return row


def set_worker(tx: Transaction, name: str, **values: Any) -> None:
    """Set columns of one worker."""
    tx.execute(update(Worker).where(Worker.id == name).values(**values))


def waiting(tx: Transaction) -> list[Worker]:
    """Workers whose journal has not been read into a database that was put back."""
    return list(
        tx.scalars(
            select(Worker)
            .where(Worker.reconciled_at.is_(None), Worker.lost_at.is_(None))
            .order_by(Worker.id)
        )
    )


def restored_to(tx: Transaction) -> datetime | None:
    """From when the backup is that was put back; None when none was."""
    return tx.scalar(select(Workspace.restored_to))


def end_restored(tx: Transaction) -> None:
    """Every journal was read into it, or is lost: it is the database of this workspace again."""
    tx.execute(update(Workspace).values(restored_to=None))


def mark_restored(tx: Transaction, to: datetime) -> None:
    """This database is a backup put back: every worker has to reconcile."""
    tx.execute(update(Workspace).values(restored_to=to))
    tx.execute(update(Worker).values(reconciled_at=None))

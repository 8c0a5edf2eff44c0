"""Workers: enrolled once, each with a journal of its own; a journal that is gone is declared lost."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from social_scheduler.errors import Conflict, InvalidInput, NotFound
from social_scheduler.journal import PEOPLE, Journal
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.relearn import Told, finish
from social_scheduler.store import workers as store
from social_scheduler.store.steps import remember
from social_scheduler.store.tables import Worker

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SILENT = timedelta(minutes=1)
"""A worker that was not heard of for so long does not run any more."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker, for people."""

    name: str
    host: str
    enrolled_at: datetime
    heartbeat_at: datetime
    running: bool
    """As far as the database knows: it has not said that it stopped."""
    must_reconcile: bool
    lost_at: datetime | None
    journal_here: bool


def enrol(context: Context, actor: Actor, name: str = "") -> str:
    """A worker for this machine, with an empty journal. Answers its name."""
    actor.require(Right.ADMIN)
    name = name or re.sub(r"[^a-z0-9_-]", "-", socket.gethostname().lower()).strip("-_")[:40]
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"A worker cannot be called {name!r}.",
            "Use small letters, digits, - and _: 40 at most, a letter or digit first.",
        )
    if name == PEOPLE:
        raise InvalidInput(
            f"{PEOPLE} is the journal of people's decisions.", "Choose another name."
        )
    journal = Journal(context.journal.path.with_name(f"{name}.jsonl"))
    now = context.now()
    with context.database.write() as tx:
        if store.worker_named(tx, name) is not None:
            raise Conflict(
                f"The worker {name} is enrolled already.",
                "If its journal is missing, put it back: it alone knows what that worker said "
                f"last. If it is gone for good, declare it (social-scheduler worker lost {name}) "
                "and enrol a worker with another name.",
            )
        identity = journal.create(context.uid, name)
        try:
            store.enrol(tx, name, identity, now, socket.gethostname(), reconciled=now)
            remember(tx, actor.by(now, name), "enrol_worker")
        except BaseException:
            journal.path.unlink()
            raise
    return name


def declare_lost(context: Context, actor: Actor, name: str) -> Told:
    """An admin says that a journal is gone for good: what it knew, nobody will know.

    Answers what is held now, when it was the last one that was waited for.
    """
    actor.require(Right.ADMIN)
    now = context.now()
    with context.database.write() as tx:
        row = store.worker_named(tx, name)
        if row is None:
            raise NotFound(f"There is no worker {name!r}.", "See social-scheduler worker list.")
        if row.lost_at is not None:
            raise Conflict(f"The journal of {name} was declared lost already.")
        if row.stopped_at is None and now - row.heartbeat_at < SILENT:
            raise Conflict(
                f"The worker {name} on {row.host} runs, as far as is known here.",
                "Stop it first. If its machine is gone, wait until it was silent for a minute.",
            )
        store.set_worker(tx, name, lost_at=now)
        remember(tx, actor.by(now, name), "lose_journal")
        told = Told(restored_to=store.restored_to(tx))
        if told.restored_to is not None:
            finish(tx, context, actor.by(now), told)
    return told


def list_workers(context: Context, actor: Actor) -> list[WorkerView]:
    """Every worker, by name."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        restored = store.restored_to(tx) is not None
        return [_view(context, row, restored) for row in store.enrolled(tx)]


def _view(context: Context, row: Worker, restored: bool) -> WorkerView:
    return WorkerView(
        name=row.id,
        host=row.host,
        enrolled_at=row.enrolled_at,
        heartbeat_at=row.heartbeat_at,
        running=row.stopped_at is None,
        must_reconcile=restored and row.reconciled_at is None and row.lost_at is None,
        lost_at=row.lost_at,
        journal_here=context.journal.path.with_name(f"{row.id}.jsonl").exists(),
    )

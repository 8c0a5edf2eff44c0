"""What a worker must be sure of before it publishes: that the database has its whole past.

A database that was put back from a backup does not know what was said since. Its journal,
which cannot be put back with it, does; so a worker compares the two before it publishes, and
again whenever it writes down how far the database has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from social_scheduler.errors import Conflict, WorkspaceError
from social_scheduler.journal import PEOPLE, Journal, Past, Stop
from social_scheduler.services.context import Context
from social_scheduler.store import past as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.past import Decision
from social_scheduler.store.publishing import last_change, mark_of
from social_scheduler.store.tables import Hold, HoldScope, Worker
from social_scheduler.store.workers import mark_restored, restored_to, waiting, worker_named

REMEDY = (
    "Run social-scheduler reconcile: it reads the journal into the database and lists the gaps."
)


RESTORED = "restored from backup of"
"""How the reason of a hold begins that stands because the database was put back."""


@dataclass(frozen=True, slots=True)
class Noted:
    """How far a worker's journal has come: the newest history row that it saw."""

    change: int = 0
    mark: str = ""

    @classmethod
    def of(cls, past: Past) -> Noted:
        """Where the journal stands when its worker starts."""
        return cls(*past.last_seen) if past.last_seen else cls()


def require_same_past(context: Context, past: Past) -> None:
    """Refuse a database that lacks what the journal saw, or that was put back and not reconciled.

    Change numbers alone do not tell: work that goes on in an older copy overtakes them. A
    database found to be older is closed to every other worker too.
    """
    journal, name = context.journal.require(context.uid), context.journal.name
    with context.database.read() as tx:
        row = worker_named(tx, name)
        older = _what_is_missing(tx, past, row) or _what_people_miss(tx, context)
        restored = restored_to(tx)
        read = bool(older) and store.remembered(
            tx, "reconcile", reading_words(name, past.last_seen)
        )
    if read:
        raise WorkspaceError(
            f"The journal of {name} was read into this database elsewhere, and does not say so.",
            "Run social-scheduler reconcile here, once.",
        )
    if older:
        _close(context)
        raise WorkspaceError(
            f"The database is older than the publishing journal: {older} It seems to be restored "
            "from a backup. Nothing is published, or posts could be sent twice.",
            REMEDY,
        )
    _require_enrolled(row, journal, name)
    if restored is not None and row is not None and row.reconciled_at is None:
        raise WorkspaceError(
            f"The database is a backup of {restored:%Y-%m-%d %H:%M} UTC that was put back, and the "
            f"journal of {row.id} has not been read into it. Nothing is published.",
            REMEDY,
        )


def reading_words(name: str, last_seen: tuple[int, str] | None) -> str:
    """How the history tells that a journal was read into the database, and how far it went."""
    if last_seen is None:
        return f"the journal of {name}, which had seen nothing"
    return f"the journal of {name}, up to change {last_seen[0]} ({last_seen[1][:16]})"


def _what_people_miss(tx: Transaction, context: Context) -> str:
    """The same for people's stops, where a file of them is."""
    journal = Journal(context.journal.path.with_name(f"{PEOPLE}.jsonl"))
    if not journal.path.exists():
        return ""
    journal.require(context.uid)
    seen = journal.read().last_seen
    if seen is None or mark_of(tx, seen[0]) == seen[1]:
        return ""
    return f"it lacks change {seen[0]}, a decision to stop something."


def _what_is_missing(tx: Transaction, past: Past, row: Worker | None) -> str:
    if past.last_seen is not None and mark_of(tx, past.last_seen[0]) != past.last_seen[1]:
        return (
            f"it is at change {last_change(tx)}, and the journal saw change {past.last_seen[0]}, "
            "which is not in it."
        )
    calls = [(i.delivery, i.attempt, i.part, i.digest) for i in past.intents]
    if unknown := store.unknown_calls(tx, calls):
        delivery, attempt, part, _ = unknown[0]
        return f"it lacks attempt {attempt} of delivery {delivery}, part {part}."
    if row is None and past.last_seen is not None:
        return "it does not know this worker, which has worked already."
    return ""


def _require_enrolled(row: Worker | None, journal: str, name: str) -> None:
    if row is None:
        raise WorkspaceError(
            f"The worker {name} is not enrolled in this workspace.",
            f"Run social-scheduler worker enrol {name}",
        )
    if row.lost_at is not None:
        raise WorkspaceError(
            f"The journal of the worker {name} was declared lost.",
            "Run social-scheduler reconcile, to read it after all, and enrol a worker with "
            "another name.",
        )
    if row.journal != journal:
        raise WorkspaceError(
            f"This is not the journal with which the worker {name} was enrolled.",
            f"Put its own journal back. If it is gone for good, an admin says so with "
            f"social-scheduler worker lost {name}, and enrols another.",
        )


def _close(context: Context) -> None:
    """Let no other worker publish from it either: each may have said what it does not know."""
    with context.database.write() as tx:
        if restored_to(tx) is None:
            mark_restored(tx, store.newest_moment(tx) or context.now())


def note_past(context: Context, noted: Noted) -> Noted:
    """Write into the journal how far the database has come and what people have stopped since.

    WorkspaceError when the database went back under the worker's feet.
    """
    with context.database.read() as tx:
        change = last_change(tx)
        if change == noted.change:
            return noted
        if noted.mark and mark_of(tx, noted.change) != noted.mark:
            raise WorkspaceError(
                f"The database was put back while this worker ran: change {noted.change} is not "
                "in it any more.",
                REMEDY,
            )
        stops = stops_since(tx, noted.change)
        mark = mark_of(tx, change) or ""
    context.journal.note(stops, change, mark)
    return Noted(change, mark)


def stops_since(tx: Transaction, change: int) -> list[Stop]:
    """People's decisions after a change number, whole enough to be taken again elsewhere."""
    return [_as_stop(tx, decision) for decision in store.decisions_after(tx, change)]


def _as_stop(tx: Transaction, decision: Decision) -> Stop:
    holds = store.hold_of(tx, decision) if decision.step.endswith("hold") else []
    if decision.step == "hold" and not holds:  # placed again from a journal, with its own moment
        holds = store.standing_holds_of(tx, decision.who)
    # Several of one person at one moment differ by their reasons, which the history repeats.
    named = [h for h in holds if h.reason in decision.why]
    return Stop(
        decision.id,
        decision.step,
        decision.why,
        decision.who,
        decision.at.timestamp(),
        decision.post,
        decision.account,
        _as_fields(named[0]) if named else None,
    )


def _as_fields(hold: Hold) -> dict[str, object]:
    return {
        "id": hold.id,
        "scope": hold.scope.value,
        "value": hold.value,
        "reason": hold.reason,
        "by": hold.placed_by,
        "at": hold.placed_at.timestamp(),
        "until": hold.until.timestamp() if hold.until else None,
    }


def is_restored(hold: Hold) -> bool:
    """Whether it stops everything because the database was put back."""
    return hold.scope is HoldScope.EVERYTHING and hold.reason.startswith(RESTORED)


def require_releasable(tx: Transaction, hold: Hold) -> None:
    """Conflict for the hold that a restore placed, until every journal was read or is lost."""
    if is_restored(hold):
        require_all_reconciled(tx)


def require_all_reconciled(tx: Transaction) -> None:
    """Conflict while a worker's journal may know of things said that this database does not."""
    missing: Sequence[Worker] = waiting(tx) if restored_to(tx) is not None else []
    if missing:
        names = ", ".join(worker.id for worker in missing)
        raise Conflict(
            f"The database is a backup put back, and the journal of {names} has not been read "
            "into it: what that worker said since could be said again.",
            "Run social-scheduler reconcile there, or with --journal FILE here. A journal that is "
            "gone for good is declared so: social-scheduler worker lost NAME",
        )

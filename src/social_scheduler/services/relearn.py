"""Reads journals into a database that was put back, so that it knows what was said since.

What the database lost is applied where its row is still the same; what it cannot place is a
gap, whose words nobody says again until a person has settled it. Stops are taken again. While
a journal is still to be read everything is held; then every post is, until people release it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from social_scheduler.errors import NotAllowed, WorkspaceError
from social_scheduler.journal import PEOPLE, Journal
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.lost import Lost, LostCall, compare
from social_scheduler.services.outcome import FREE, lose
from social_scheduler.services.past import RESTORED, is_restored
from social_scheduler.services.retake import retake_call, retake_stop
from social_scheduler.store import gaps as gap_store
from social_scheduler.store import holds as hold_store
from social_scheduler.store import past as store
from social_scheduler.store import workers as worker_store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import look_at
from social_scheduler.store.past import Waiting
from social_scheduler.store.publishing import (
    AttemptEnd,
    end_attempts,
    last_change,
    mark_of,
)
from social_scheduler.store.steps import By, remember, step_delivery
from social_scheduler.store.tables import Hold, HoldScope


@dataclass
class Told:
    """What reconciling found and did, for people."""

    read: list[str] = field(default_factory=list)
    """Workers whose journals were read."""
    missing: list[str] = field(default_factory=list)
    """Workers whose journals are still to be read."""
    restored_to: datetime | None = None
    learned: list[str] = field(default_factory=list)
    """What was said and is now known here."""
    gaps: list[str] = field(default_factory=list)
    """What was said, or may have been, and has no place here: a person settles each."""
    stopped: list[str] = field(default_factory=list)
    """Stops that were taken again."""
    not_stopped: list[str] = field(default_factory=list)
    """Stops that were found and did not need to be, or could not be, taken again."""
    held: int = 0
    """How many posts are held, each by a hold of its own."""
    overdue: list[Waiting] = field(default_factory=list)
    """What was due before now and was not said, as far as is known."""

    @property
    def nothing(self) -> bool:
        """Whether the database and the journals agreed."""
        return self.restored_to is None


def reconcile(context: Context, actor: Actor, others: Sequence[Journal] = ()) -> Told:
    """Read this machine's journals, and copies of others', into the database."""
    if not actor.roles & {"duty", "admin"}:
        raise NotAllowed(f"{actor.name} may not do this.", "The duty officer or an admin does.")
    actor.require(Right.HOLD)
    folder = context.journal.path.parent
    here = [Journal(path) for path in sorted(folder.glob("*.jsonl"))]
    journals = [*here, *others]
    if not journals:
        raise WorkspaceError(
            f"There is no journal in {folder}.",
            "Name one with --journal FILE, or enrol a worker: social-scheduler worker enrol NAME",
        )
    with ExitStack() as alone:
        for journal in journals:
            alone.callback(journal.close)
            alone.enter_context(journal.alone())
        with context.database.write() as tx:
            told = _reconcile(tx, context, actor, journals)
            change = last_change(tx)
            mark = mark_of(tx, change) or ""
        for journal in here:  # after the commit: until then the database may still forget
            journal.reconciled(change, mark)
    return told


def _reconcile(
    tx: Transaction, context: Context, actor: Actor, journals: Sequence[Journal]
) -> Told:
    now = context.now()
    lost = [compare(tx, journal, context.uid) for journal in journals]
    for one in lost:
        _require_known(tx, one, now)
    if any(one.older for one in lost) and not _is_under_way(tx, lost):
        worker_store.mark_restored(tx, store.newest_moment(tx) or now)
    told = Told(read=[one.worker for one in lost], restored_to=worker_store.restored_to(tx))
    if told.restored_to is None:
        return told
    hold_everything(tx, told.restored_to, actor.by(now))
    _learn(tx, context, lost, actor.by(now), told)
    for one in lost:
        remember(tx, actor.by(now, one.words), "reconcile")
        worker_store.set_worker(tx, one.worker, reconciled_at=now)
    finish(tx, context, actor.by(now), told)
    return told


def _is_under_way(tx: Transaction, lost: Sequence[Lost]) -> bool:
    """Whether the database is known to be put back, and none of these was read into it yet."""
    if worker_store.restored_to(tx) is None:
        return False
    rows = {one.worker: worker_store.worker_named(tx, one.worker) for one in lost if one.older}
    return all(row is None or row.reconciled_at is None for row in rows.values())


def _require_known(tx: Transaction, lost: Lost, now: datetime) -> None:
    if lost.worker == PEOPLE:
        return
    row = worker_store.worker_named(tx, lost.worker)
    if row is None:  # enrolled after the backup was made
        worker_store.enrol(tx, lost.worker, lost.identity, now, "", reconciled=None)
    elif row.journal != lost.identity:
        raise WorkspaceError(
            f"This is not the journal with which the worker {lost.worker} was enrolled.",
            "Put its own journal in its place.",
        )


def hold_everything(tx: Transaction, to: datetime, by: By) -> None:
    """Nothing is sent from a database that was put back."""
    if _restored_holds(tx, by.at):
        return
    reason = f"{RESTORED} {to:%Y-%m-%d %H:%M} UTC"
    hold_store.add(tx, hold_store.new(HoldScope.EVERYTHING, "", reason, by.who, by.at))
    remember(tx, by.because(reason), "restore")


def _restored_holds(tx: Transaction, now: datetime) -> list[Hold]:
    return [hold for hold in hold_store.active(tx, now) if is_restored(hold)]


def _learn(tx: Transaction, context: Context, lost: Sequence[Lost], by: By, told: Told) -> None:
    calls = [call for one in lost for call in one.calls]
    since = told.restored_to or by.at
    # As they were made, whichever worker made them: one may have gone on where another stopped.
    for call in sorted(calls, key=lambda call: call.intent.change):
        _learn_call(tx, context, call, since, by, told)
    store.number_after(tx, max(one.highest for one in lost))
    released = {hold_key(s.hold) for one in lost for s in one.released if s.hold}
    stops = {(s.change, s.who, s.at, s.step): s for one in lost for s in one.stops}
    for _, stop in sorted(stops.items()):
        if stop.hold and hold_key(stop.hold) in released:
            told.not_stopped.append(f"{stop.what}: released since")
            continue
        done, words = retake_stop(tx, stop, by.at)
        (told.stopped if done else told.not_stopped).append(words)


def hold_key(hold: object) -> tuple[object, ...]:
    """What a hold is known by in every copy of the database; its number may be another's there."""
    fields = dict(hold) if isinstance(hold, dict) else {}
    return tuple(fields.get(name) for name in ("scope", "value", "by", "at"))


def _learn_call(
    tx: Transaction, context: Context, call: LostCall, since: datetime, by: By, told: Told
) -> None:
    intent, outcome = call.intent, call.outcome
    came = outcome.outcome.replace("_", " ") if outcome else "not known: it may be live"
    words = f"{intent.post} part {intent.part} to {intent.account}: {came}"
    words += f" {outcome.url}" if outcome and outcome.url else ""
    if retake_call(tx, context, call, since, by):
        told.learned.append(words)
    elif not call.begun and not (outcome and outcome.outcome in gap_store.SENT_NOTHING):
        gap_store.add(
            tx,
            [
                {
                    "worker": call.worker,
                    "delivery": intent.delivery,
                    "attempt": intent.attempt,
                    "part": intent.part,
                    "digest": intent.digest,
                    "post": intent.post,
                    "account": intent.account,
                    "outcome": outcome.outcome if outcome else None,
                    "url": outcome.url if outcome else None,
                    "found_at": by.at,
                }
            ],
        )
        told.gaps.append(words)


def finish(tx: Transaction, context: Context, by: By, told: Told) -> None:
    """When every journal was read or is lost: hold every post by itself, not everything at once."""
    told.missing = [worker.id for worker in worker_store.waiting(tx)]
    told.overdue = [each for each in store.still_to_send(tx) if each.due_at <= by.at]
    if told.missing:
        return
    _settle_what_was_under_way(tx, context, by)
    waiting = store.still_to_send(tx)
    told.overdue = [each for each in waiting if each.due_at <= by.at]
    for old in _restored_holds(tx, by.at):
        posts = list(dict.fromkeys(each.post for each in waiting))
        tx.add_all([hold_store.new(HoldScope.POST, p, old.reason, by.who, by.at) for p in posts])
        told.held = len(posts)
        hold_store.release(tx, old.id, by.who, by.at)
        remember(
            tx, by.because(f"{old.reason}: {len(posts)} posts are held, each by itself"), "restore"
        )
    worker_store.end_restored(tx)


def _settle_what_was_under_way(tx: Transaction, context: Context, by: By) -> None:
    """The backup was made while calls were under way, and no journal tells what came of them."""
    ids = store.in_states(tx, [DeliveryState.LEASED, DeliveryState.SENDING])
    for looked in look_at(tx, ids).values():
        delivery = looked.delivery
        part = next((p for p in looked.parts if p.state is PartState.SENDING), None)
        why = by.because("the backup was made while it was under way")
        fence = delivery.attempt + 1
        if delivery.state is DeliveryState.LEASED:
            step_delivery(tx, delivery.id, "release", why, attempt=fence, **FREE)
        elif part is None:
            step_delivery(tx, delivery.id, "postpone", why, ready_at=by.at, attempt=fence, **FREE)
        else:
            end = AttemptEnd(
                delivery.id, delivery.attempt, part.number, "unconfirmed", why.why or ""
            )
            end_attempts(tx, [end], by.at)
            lose(tx, context, looked, part.number, why)

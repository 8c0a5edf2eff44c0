"""After a crash, a lost answer or a closed window: what became of it, or who must decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from social_scheduler.errors import NotSent, RateLimited, SchedulerError, WorkspaceError
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.message import Message
from social_scheduler.platforms import Call, Published, Seen
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.services.last_look import holding
from social_scheduler.services.outcome import (
    FREE,
    apply_outcome,
    lose,
    part_is_live,
    settle_times,
)
from social_scheduler.services.publish import Publisher
from social_scheduler.services.reach import ask
from social_scheduler.store import due as due_store
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.publishing import Looked
from social_scheduler.store.review import messages_of
from social_scheduler.store.steps import By, remember, step_delivery
from social_scheduler.store.tables import Attempt, Proof, Verdict

CERTAINLY_NOT_SENT = frozenset({"not_sent", "rate_limited", "unauthorized", "refused"})

LOOK_AGAIN = timedelta(seconds=15)
"""When the network could not be asked."""

PROOF_PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))
"""A network shows a new post everywhere only after a while; after the last one people are told."""


def require_same_past(context: Context) -> None:
    """Refuse a database that lacks what the journal saw: it is an older copy, put back.

    Change numbers alone do not tell: work that goes on in the older copy overtakes them.
    """
    with context.database.read() as tx:
        change = store.last_change(tx)
        attempts = store.attempt_keys(tx)
        stops = {(row.id, row.step) for row in store.stops_since(tx, 0)}
        last = context.journal.last_seen()
        same = last is None or store.mark_of(tx, last[0]) == last[1]
    if last is not None and not same:
        raise _older(change, last[0])
    for record in context.journal.records():
        kind, seen = record["is"], record.get("change", 0)
        known = seen <= change
        if kind == "intent":
            key = (record["delivery"], record["attempt"], record["part"], record["digest"])
            known = known and key in attempts
        elif kind == "stop":
            known = known and (seen, record["step"]) in stops
        if not known:
            raise _older(change, seen)


def _older(change: int, seen: int) -> WorkspaceError:
    return WorkspaceError(
        f"The database is older than the publishing journal (change {change}, the "
        f"journal saw change {seen}, which is not in it): it seems to be restored from "
        "a backup. Nothing is published, or posts could be sent twice.",
        "Bring back the newest database of this workspace.",
    )


def recover(context: Context, by: By, *, mine: Callable[[str | None], bool]) -> None:
    """At start: what a dead worker left behind.

    A lease that began nothing goes back. What was being sent is settled by the journal, or
    else may be live. `mine` says whether a worker's name is of one that is still alive.
    """
    answered = context.journal.outcomes()
    with context.database.write() as tx:
        for delivery_id in due_store.in_state(tx, DeliveryState.LEASED):
            looked = store.look(tx, delivery_id)
            if not mine(looked.delivery.worker):
                give_back(tx, looked, by.because("its worker stopped"))
        for delivery_id in due_store.in_state(tx, DeliveryState.SENDING):
            looked = store.look(tx, delivery_id)
            if not mine(looked.delivery.worker):
                _recover_sending(tx, context, looked, answered, by)


def give_back(tx: Transaction, looked: Looked, by: By) -> None:
    """End a lease under which nothing began; the fence keeps whoever had it from beginning."""
    fence = looked.delivery.attempt + 1
    step_delivery(tx, looked.delivery.id, "release", by, attempt=fence, **FREE)


def _recover_sending(
    tx: Transaction,
    context: Context,
    looked: Looked,
    answered: dict[tuple[int, int, int], Outcome],
    by: By,
) -> None:
    delivery = looked.delivery
    part = next((p for p in looked.parts if p.state is PartState.SENDING), None)
    if part is None:  # between two parts of a thread: nothing is under way
        why = by.because("its worker stopped between two parts")
        step_delivery(tx, delivery.id, "postpone", why, next_try_at=by.at, **FREE)
        return
    outcome = answered.get((delivery.id, delivery.attempt, part.number))
    if outcome is not None:
        goes_on = apply_outcome(tx, context, outcome, by.because("from the journal"))
        if goes_on:
            step_delivery(tx, delivery.id, "postpone", by, next_try_at=by.at, **FREE)
        return
    why = by.because("its worker stopped while the call may have been under way")
    store.end_attempt(
        tx, delivery.id, delivery.attempt, part.number, by.at, "unconfirmed", why.why or ""
    )
    lose(tx, context, looked, part.number, why)


def miss_lapsed(context: Context, by: By, limit: int = 500) -> int:
    """Windows that have closed: missed, or partial when a part is live. A person decides."""
    with context.database.read() as tx:
        ids = due_store.lapsed(tx, by.at, limit)
        ended = due_store.ended_leases(tx, by.at)
    if not ids and not ended:
        return 0
    with context.database.write() as tx:
        for delivery_id in ended:
            give_back(tx, store.look(tx, delivery_id), by.because("its lease ran out"))
        for delivery_id in ids:
            looked = store.look(tx, delivery_id)
            why = looked.delivery.trouble or _why_not_sent(tx, looked, by)
            step = "stop" if looked.live else "miss"
            step_delivery(tx, delivery_id, step, by.because(why), trouble=why, **FREE)
    return len(ids)


def _why_not_sent(tx: Transaction, looked: Looked, by: By) -> str:
    held = "; ".join(told(hold) for hold in holding(tx, looked, by.at))
    state = looked.post.state.value.replace("_", " ")
    return f"the window closed; {held or f'the post was {state}'}"


def look_for_lost(publisher: Publisher, by: By) -> None:
    """Ask the networks for what may be live, where they let us and when it is worth it."""
    context = publisher.context
    with context.database.read() as tx:
        ids = due_store.to_look_for(tx, by.at)
    for delivery_id in ids:
        _look_for(publisher, delivery_id, by)


def _look_for(publisher: Publisher, delivery_id: int, by: By) -> None:
    context = publisher.context
    with context.database.read() as tx:
        looked = store.look(tx, delivery_id)
        part = next((p for p in looked.parts if p.state is PartState.UNCONFIRMED), None)
        attempts = [a for a in store.attempts_of(tx, delivery_id) if part and a.part == part.number]
        known = store.known_remote_ids(tx, looked.account.id)
        speaking = store.is_speaking(tx, looked.account.id)
        call = _call_of(tx, looked, part.number) if part else None
    if part is None or call is None or not attempts or speaking:
        return  # what is being said right now has no id yet, and could be taken for the lost one
    platform = context.platforms[looked.account.platform]
    try:
        connection = publisher.reach.connection(looked)
        found = ask(platform.find, connection, call, _first_unclear(attempts).started_at, known)
    except SchedulerError as problem:
        pause = problem.until - by.at if isinstance(problem, RateLimited) else LOOK_AGAIN
        with context.database.write() as tx:
            store.set_delivery(
                tx,
                delivery_id,
                looked.delivery.attempt,
                next_look_at=by.at + max(pause, LOOK_AGAIN),
            )
        return
    with context.database.write() as tx:
        if found and found.remote_id in store.known_remote_ids(tx, looked.account.id):
            return  # it was given to another delivery while we looked: look again
        if found is None:
            _not_there(tx, context, store.look(tx, delivery_id), attempts[-1], by)
        else:
            _there(tx, store.look(tx, delivery_id), part.number, found, by)


def _first_unclear(attempts: Sequence[Attempt]) -> Attempt:
    """The earliest call of a part that may have gone through, not only the last one."""
    unclear = [a for a in attempts if a.outcome not in CERTAINLY_NOT_SENT]
    return unclear[0] if unclear else attempts[-1]


def _there(tx: Transaction, looked: Looked, part: int, found: Published, by: By) -> None:
    if looked.delivery.state is not DeliveryState.UNCONFIRMED:
        return  # a person was quicker
    by = by.because(found.url)
    done = part_is_live(tx, looked, part, "found", by, remote_id=found.remote_id, url=found.url)
    step_delivery(
        tx,
        looked.delivery.id,
        "found" if done else "resume",
        by,
        trouble=None,
        next_look_at=None,
        next_try_at=None if done else by.at,
    )


def _not_there(tx: Transaction, context: Context, looked: Looked, attempt: Attempt, by: By) -> None:
    """Absence is no proof: after the last look a person decides."""
    delivery = looked.delivery
    settle = settle_times(context, looked)
    looks = delivery.looks + 1
    again = None
    if looks < len(settle):
        # After a pause of the worker the looks keep their distance from one another.
        pause = timedelta(seconds=settle[looks] - settle[looks - 1])
        again = max(attempt.started_at + timedelta(seconds=settle[looks]), by.at + pause)
    times = "once" if looks == 1 else f"{looks} times"
    why = f"looked {times}: not on the account's timeline" + (
        "" if again else "; a person has to decide"
    )
    store.set_delivery(
        tx, delivery.id, delivery.attempt, looks=looks, next_look_at=again, trouble=why
    )
    remember(tx, by.because(why), "look", delivery_id=delivery.id)


def prove(publisher: Publisher, by: By) -> None:
    """Read back what is live and compare it with what was approved, field by field."""
    context = publisher.context
    with context.database.read() as tx:
        waiting = due_store.to_prove(tx, by.at)
    for proof in waiting:
        with context.database.read() as tx:
            looked = store.look(tx, proof.delivery_id)
            part = looked.parts[proof.part - 1]
            call = _call_of(tx, looked, proof.part)
        if part.state is not PartState.LIVE or part.remote_id is None or call is None:
            _no_more_looks(context, proof)
            continue
        platform = context.platforms[looked.account.platform]
        expected = platform.as_seen(call)
        try:
            seen = ask(platform.read_back, publisher.reach.connection(looked), part.remote_id)
        except NotSent:
            verdict, fields, shown = Verdict.NOT_READABLE, [], None
        except SchedulerError as problem:
            verdict, fields, shown = Verdict.NOT_READABLE, [problem.problem], None
        else:
            verdict, fields, shown = _compare(seen, expected)
        _keep_proof(context, proof, verdict, fields, shown, by)
        publisher.probe("proved")


def _compare(
    seen: Seen | None, expected: Seen
) -> tuple[Verdict, list[str], dict[str, object] | None]:
    if seen is None:
        return Verdict.GONE, [], None
    fields = seen.differences(expected)
    shown: dict[str, object] = {name: getattr(seen, name) for name in seen.__slots__}
    return (Verdict.DIFFERS if fields else Verdict.EQUAL), fields, shown


def _keep_proof(
    context: Context,
    proof: Proof,
    verdict: Verdict,
    fields: list[str],
    shown: dict[str, object] | None,
    by: By,
) -> None:
    looks = proof.looks + 1
    settled = verdict is Verdict.EQUAL or looks > len(PROOF_PAUSES)
    with context.database.write() as tx:
        store.set_proof(
            tx,
            proof.delivery_id,
            proof.part,
            verdict=verdict,
            fields=fields,
            seen=shown,
            looks=looks,
            checked_at=by.at,
            next_look_at=None if settled else by.at + PROOF_PAUSES[looks - 1],
        )
        if verdict is not proof.verdict:
            told = f"{verdict.value} {', '.join(fields)}".strip()
            remember(tx, by.because(told), "prove", delivery_id=proof.delivery_id, part=proof.part)


def _no_more_looks(context: Context, proof: Proof) -> None:
    with context.database.write() as tx:
        store.set_proof(tx, proof.delivery_id, proof.part, next_look_at=None)


def _call_of(tx: Transaction, looked: Looked, number: int) -> Call | None:
    """The call that part `number` was, or would be."""
    delivery = looked.delivery
    for row in messages_of(tx, delivery.post_id, delivery.revision):
        if row.account_id == delivery.account_id:
            before = [p for p in looked.parts if p.number < number]
            return Call(
                message=Message.from_canonical(row.body),
                number=number,
                key=looked.parts[number - 1].digest,
                reply_to=before[-1].remote_id if before else None,
                uploads=(),
            )
    return None

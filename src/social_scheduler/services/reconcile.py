"""After a crash, a lost answer or a closed window: what became of it, or who must decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from social_scheduler.errors import NotSent, RateLimited, SchedulerError
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.message import Message
from social_scheduler.platforms import Call, Connection, Seen
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.services.outcome import (
    FREE,
    apply_outcomes,
    found_live,
    lose,
    miss,
    settle_times,
)
from social_scheduler.services.publish import Publisher
from social_scheduler.services.reach import ask
from social_scheduler.store import due as due_store
from social_scheduler.store import holds as hold_store
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.publishing import AttemptEnd, Looked
from social_scheduler.store.review import messages_of
from social_scheduler.store.steps import By, remember, step_delivery
from social_scheduler.store.tables import Attempt, Delivery, Hold, Proof, Verdict

CERTAINLY_NOT_SENT = frozenset({"not_sent", "rate_limited", "unauthorized", "refused"})

LOOK_AGAIN = timedelta(seconds=15)
"""When the network could not be asked."""

PROOF_PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))
"""A network shows a new post everywhere only after a while; after the last one people are told."""


def recover(
    context: Context,
    by: By,
    answered: Mapping[tuple[int, int, int], Outcome],
    *,
    worker: str,
) -> None:
    """At its start: what this worker left behind when it was last stopped.

    A lease that began nothing goes back. What was being sent is settled by its journal
    (`answered`), or else may be live.
    """
    with context.database.work() as tx:
        taken = due_store.taken_by(tx, worker)
        for looked in store.look_at(tx, taken).values():
            if looked.delivery.state is DeliveryState.LEASED:
                give_back(tx, looked, by.because("its worker stopped"))
            else:
                _recover_sending(tx, context, looked, answered, by)


def recover_silent(context: Context, by: By) -> int:
    """What workers had taken who were not heard of while their lease lasted.

    Only they know what came of their calls: until they say so, these may be live.
    """
    with context.database.work() as tx:
        ended = due_store.ended_leases(tx, context.database.now(tx) or by.at)
        for looked in store.look_at(tx, ended).values():
            if looked.delivery.state is DeliveryState.LEASED:
                give_back(tx, looked, by.because("its lease ran out"))
            else:
                _recover_sending(tx, context, looked, {}, by)
    return len(ended)


def give_back(tx: Transaction, looked: Looked, by: By) -> None:
    """End a lease under which nothing began; the fence keeps whoever had it from beginning."""
    fence = looked.delivery.attempt + 1
    step_delivery(tx, looked.delivery.id, "release", by, attempt=fence, **FREE)


def _recover_sending(
    tx: Transaction,
    context: Context,
    looked: Looked,
    answered: Mapping[tuple[int, int, int], Outcome],
    by: By,
) -> None:
    delivery = looked.delivery
    part = next((p for p in looked.parts if p.state is PartState.SENDING), None)
    if part is None:  # between two parts of a thread: nothing is under way
        why = by.because("its worker stopped between two parts")
        _go_on_later(tx, delivery, why)
        return
    outcome = answered.get((delivery.id, delivery.attempt, part.number))
    if outcome is not None:
        by = by.because("from the journal")
        if apply_outcomes(tx, context, [outcome], by)[0]:
            _go_on_later(tx, delivery, by)
        return
    why = by.because("its worker stopped while the call may have been under way")
    end = AttemptEnd(delivery.id, delivery.attempt, part.number, "unconfirmed", why.why or "")
    store.end_attempts(tx, [end], by.at)
    lose(tx, context, looked, part.number, why)


def _go_on_later(tx: Transaction, delivery: Delivery, by: By) -> None:
    # With another fence: a worker that was only slow must not go on with it as well.
    fence = delivery.attempt + 1
    step_delivery(tx, delivery.id, "postpone", by, ready_at=by.at, attempt=fence, **FREE)


def miss_lapsed(context: Context, by: By, limit: int = 500) -> int:
    """Windows that have closed: missed, or partial when a part is live. A person decides."""
    with context.database.work() as tx:
        ids = due_store.lapsed(tx, by.at, limit)
        holds = hold_store.active(tx, by.at)
        for looked in store.look_at(tx, ids).values():
            why = looked.delivery.trouble or _why_not_sent(looked, holds)
            miss(tx, looked, why, by)
    return len(ids)


def _why_not_sent(looked: Looked, holds: Sequence[Hold]) -> str:
    held = "; ".join(told(hold) for hold in looked.held_by(holds))
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
        connection = _connection(publisher, looked)
        found = ask(platform.find, connection, call, _first_unclear(attempts).started_at, known)
    except SchedulerError as problem:
        pause = problem.until - by.at if isinstance(problem, RateLimited) else LOOK_AGAIN
        with context.database.work() as tx:
            store.set_delivery(
                tx,
                delivery_id,
                looked.delivery.attempt,
                next_look_at=by.at + max(pause, LOOK_AGAIN),
            )
        return
    with context.database.work() as tx:
        if found and found.remote_id in store.known_remote_ids(tx, looked.account.id):
            return  # it was given to another delivery while we looked: look again
        looked = store.look(tx, delivery_id)
        if found is None:
            _not_there(tx, context, looked, attempts[-1], by)
        elif looked.delivery.state is DeliveryState.UNCONFIRMED:  # or a person was quicker
            found_live(
                tx,
                looked,
                part.number,
                by.because(found.url),
                remote_id=found.remote_id,
                url=found.url,
            )


def _first_unclear(attempts: Sequence[Attempt]) -> Attempt:
    """The earliest call of a part that may have gone through, not only the last one."""
    unclear = [a for a in attempts if a.outcome not in CERTAINLY_NOT_SENT]
    return unclear[0] if unclear else attempts[-1]


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
            seen = ask(platform.read_back, _connection(publisher, looked), part.remote_id)
        except NotSent:
            verdict, fields, shown = Verdict.NOT_READABLE, [], None
        except SchedulerError as problem:
            verdict, fields, shown = Verdict.NOT_READABLE, [problem.problem], None
        else:
            verdict, fields, shown = _compare(seen, expected)
        _keep_proof(context, proof, verdict, fields, shown, by)
        publisher.probe("proved")


def _connection(publisher: Publisher, looked: Looked) -> Connection:
    account = looked.account
    return publisher.reach.connection(account.name, account.platform, account.server)


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
    with context.database.work() as tx:
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
    with context.database.work() as tx:
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

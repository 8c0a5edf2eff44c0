"""After a crash, a lost answer or a closed window: what became of it, or who must decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from social_scheduler.errors import RateLimited, SchedulerError
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.services.asking import ask
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.services.outcome import (
    FREE,
    apply_outcomes,
    found_live,
    known_live,
    lose,
    miss,
    settle_times,
)
from social_scheduler.services.prove import call_of
from social_scheduler.services.publish import Publisher
from social_scheduler.services.repeat import repeat
from social_scheduler.store import due as due_store
from social_scheduler.store import holds as hold_store
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.gaps import SENT_NOTHING
from social_scheduler.store.looking import DeliveryNow, Looked, look, look_at
from social_scheduler.store.publishing import AttemptEnd
from social_scheduler.store.review import wordings
from social_scheduler.store.steps import (
    By,
    DeliveryStep,
    remember,
    step_delivery,
    step_many,
)
from social_scheduler.store.tables import Attempt, Hold

ASKING = timedelta(seconds=30)
"""How long nobody else asks for what this worker is asking for."""
LOOK_AGAIN = timedelta(seconds=15)
"""When the network could not be asked."""


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
        _recover(tx, context, due_store.taken_by(tx, worker), answered, by, "its worker stopped")
        _answer_unclear(tx, context, answered, by.because("from the journal"))


def _answer_unclear(
    tx: Transaction, context: Context, answered: Mapping[tuple[int, int, int], Outcome], by: By
) -> None:
    """What others gave up as unclear while this worker was away, and it knows to be live."""
    unclear = look_at(tx, due_store.unconfirmed(tx))
    for delivery_id, looked in unclear.items():
        for part in looked.parts:
            outcome = answered.get((delivery_id, looked.delivery.attempt, part.number))
            if part.state is PartState.UNCONFIRMED and outcome is not None:
                apply_outcomes(tx, context, [outcome], by)


def recover_silent(context: Context, by: By) -> int:
    """What workers had taken who were not heard of while their lease lasted.

    Only they know what came of their calls: until they say so, these may be live.
    """
    with context.database.work() as tx:
        ended = due_store.ended_leases(tx, context.database.now(tx) or by.at)
        _recover(tx, context, ended, {}, by, "its lease ran out")
    return len(ended)


def _recover(
    tx: Transaction,
    context: Context,
    ids: Sequence[int],
    answered: Mapping[tuple[int, int, int], Outcome],
    by: By,
    why: str,
) -> None:
    found = look_at(tx, ids).values()
    leased = [one.delivery for one in found if one.delivery.state is DeliveryState.LEASED]
    if leased:
        give_back(tx, leased, by.because(why))
    for looked in found:
        if looked.delivery.state is DeliveryState.SENDING:
            _recover_sending(tx, context, looked, answered, by)


def give_back(tx: Transaction, leased: Sequence[DeliveryNow], by: By) -> None:
    """End leases under which nothing began; the fence keeps whoever had them from beginning."""
    rows = [
        DeliveryStep(d.id, d.post_id, d.state, d.attempt, {"attempt": d.attempt + 1, **FREE})
        for d in leased
    ]
    step_many(tx, by, ("release", rows))


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


def _go_on_later(tx: Transaction, delivery: DeliveryNow, by: By) -> None:
    # With another fence: a worker that was only slow must not go on with it as well.
    fence = delivery.attempt + 1
    step_delivery(tx, delivery.id, "postpone", by, ready_at=by.at, attempt=fence, **FREE)


def miss_lapsed(context: Context, by: By, limit: int = 500) -> int:
    """Windows that have closed: missed, or partial when a part is live. A person decides."""
    with context.database.work() as tx:
        ids = due_store.lapsed(tx, by.at, limit)
        holds = hold_store.active(tx, by.at)
        for looked in look_at(tx, ids).values():
            why = looked.delivery.trouble or _why_not_sent(looked, holds)
            miss(tx, looked, why, by)
    return len(ids)


def _why_not_sent(looked: Looked, holds: Sequence[Hold]) -> str:
    held = "; ".join(told(hold) for hold in looked.held_by(holds))
    state = looked.post.state.value.replace("_", " ")
    return f"the window closed; {held or f'the post was {state}'}"


def look_for_lost(publisher: Publisher, by: By) -> dict[int, bool]:
    """Ask the networks for what may be live, where they let us and when it is worth it.

    Answers by delivery whether its network could be asked.
    """
    with publisher.context.database.read() as tx:
        ids = due_store.to_look_for(tx, by.at)
    return {delivery_id: _look_for(publisher, delivery_id, by) for delivery_id in ids}


def _look_for(publisher: Publisher, delivery_id: int, by: By) -> bool:
    """Look for one; False when its network could not be asked."""
    context = publisher.context
    with context.database.read() as tx:
        looked = look(tx, delivery_id)
        part = next((p for p in looked.parts if p.state is PartState.UNCONFIRMED), None)
        attempts = [a for a in store.attempts_of(tx, delivery_id) if part and a.part == part.number]
        known = store.known_remote_ids(tx, looked.account.id)
        speaking = store.is_speaking(tx, looked.account.id)
        key = (looked.delivery.post_id, looked.delivery.revision)
        call = call_of(looked, wordings(tx, {key}).get(key), part.number) if part else None
    if part is None or call is None or not attempts or speaking:
        return True  # what is being said now has no id yet, and could be taken for the lost one
    if not _take_look(context, looked, by):
        return True  # another worker is asking
    asked_of = looked.delivery.attempt
    platform = context.platforms[looked.account.platform]
    try:
        connection = publisher.reach.connection_of(looked)
        first = _first_unclear(attempts)
        found = ask(platform.find, connection, call, first.started_at, known)
        if found is None and looked.delivery.looks + 1 >= len(settle_times(context, looked)):
            found = repeat(publisher, looked, call, first, by)
    except SchedulerError as problem:
        pause = problem.until - by.at if isinstance(problem, RateLimited) else LOOK_AGAIN
        with context.database.work() as tx:
            store.set_delivery(
                tx,
                delivery_id,
                looked.delivery.attempt,
                next_look_at=by.at + max(pause, LOOK_AGAIN),
            )
        return False
    about = f"{looked.reference} to {looked.account.name}"
    with context.database.work() as tx:
        if found and found.remote_id in store.known_remote_ids(tx, looked.account.id):
            return True  # it was given to another delivery while we looked: look again
        looked = look(tx, delivery_id)
        if looked.delivery.attempt != asked_of:
            if found is not None:
                known_live(tx, looked, found.url, by)
            return True
        if looked.delivery.state is not DeliveryState.UNCONFIRMED:
            return True  # a person was quicker
        if found is None:
            told = f"unconfirmed — {_not_there(tx, context, looked, attempts, by)}"
        else:
            told = f"found — {found.url}"
            found_live(
                tx,
                looked,
                part.number,
                by.because(found.url),
                remote_id=found.remote_id,
                url=found.url,
                rest=[(p.remote_id, p.url) for p in found.rest],
            )
    publisher.told(f"{about}: {told}")
    return True


def _take_look(context: Context, looked: Looked, by: By) -> bool:
    with context.database.work() as tx:
        return store.take_look(tx, looked.delivery.id, looked.delivery.next_look_at, by.at + ASKING)


def _first_unclear(attempts: Sequence[Attempt]) -> Attempt:
    """The earliest call of a part that may have gone through, not only the last one."""
    unclear = [a for a in attempts if a.outcome not in SENT_NOTHING]
    return unclear[0] if unclear else attempts[-1]


def _not_there(
    tx: Transaction, context: Context, looked: Looked, attempts: Sequence[Attempt], by: By
) -> str:
    """Absence is no proof: after the last look a person decides. Answers how it stands."""
    delivery, attempt = looked.delivery, attempts[-1]
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
    return why

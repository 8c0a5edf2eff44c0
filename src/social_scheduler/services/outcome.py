"""What an answer means for the part, the delivery and the account: one table, one place.

============= =============================== ========================================
outcome       part                            delivery
============= =============================== ========================================
published     live                            published, or goes on with the next part
not_sent      waiting                         scheduled again, a little later
rate_limited  waiting                         scheduled again; the account rests until then
unauthorized  waiting                         scheduled again; the account is suspended
refused       refused                         failed, or partial when a part is live
unconfirmed   unconfirmed                     unconfirmed; nothing repeats it
============= =============================== ========================================
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.platforms import RecoveryKind
from social_scheduler.services.context import Context
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.publishing import Looked
from social_scheduler.store.steps import By, remember, step_delivery, step_part

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=2)
FREE: dict[str, Any] = {"worker": None, "lease_until": None}


def apply_outcome(tx: Transaction, context: Context, outcome: Outcome, by: By) -> bool:
    """Write down what came of one call. True when the next part may be sent at once.

    Fenced by the attempt number; an answer that comes after the call was given up as
    unconfirmed still settles it when the answer is that it is live.
    """
    looked = store.look(tx, outcome.delivery)
    evidence = outcome.url or outcome.evidence or ""
    store.end_attempt(
        tx, outcome.delivery, outcome.attempt, outcome.part, by.at, outcome.outcome, evidence
    )
    if looked.delivery.attempt != outcome.attempt:
        remember(
            tx,
            by.because(f"late answer: {outcome.outcome}"),
            "late_answer",
            delivery_id=outcome.delivery,
            part=outcome.part,
        )
        return False
    if outcome.outcome == "published":
        return _published(tx, looked, outcome, by)
    if looked.delivery.state is not DeliveryState.SENDING:
        return False
    by = by.because(outcome.evidence or outcome.outcome)
    match outcome.outcome:
        case "not_sent":
            _postpone(tx, looked, outcome, by, None)
        case "rate_limited":
            until = datetime.fromtimestamp(outcome.until or by.at.timestamp(), UTC)
            store.limit_account(tx, looked.account.id, until)
            _postpone(tx, looked, outcome, by, until)
        case "unauthorized":
            store.suspend_account(tx, looked.account.id, outcome.evidence or "not accepted")
            remember(tx, by, "suspend_account", delivery_id=outcome.delivery)
            _postpone(tx, looked, outcome, by, None)
        case "refused":
            step_part(tx, outcome.delivery, outcome.part, "refuse", by)
            step = "stop" if looked.live else "refuse"
            step_delivery(
                tx, outcome.delivery, step, by, fence=outcome.attempt, trouble=by.why, **FREE
            )
        case _:
            lose(tx, context, looked, outcome.part, by)
    return False


def settle_times(context: Context, looked: Looked) -> tuple[float, ...]:
    """Seconds after a lost call at which to look for it; none where the network cannot be asked."""
    recovery = context.platforms[looked.account.platform].recovery
    if recovery.kind is RecoveryKind.NONE:
        return ()
    return context.settle_seconds or recovery.settle


def pause_after(tries: int) -> timedelta:
    """How long to wait after the n-th call in a row that certainly sent nothing."""
    return min(FIRST_PAUSE * (1 << min(tries, 10)), LONGEST_PAUSE)


def lose(tx: Transaction, context: Context, looked: Looked, part: int, by: By) -> None:
    """The answer is lost: it may be live. Looked for later where the network lets us."""
    settle = settle_times(context, looked)
    look = by.at + timedelta(seconds=settle[0]) if settle else None
    step_part(tx, looked.delivery.id, part, "lose", by)
    step_delivery(
        tx,
        looked.delivery.id,
        "lose",
        by,
        fence=looked.delivery.attempt,
        trouble=by.why,
        next_look_at=look,
        looks=0,
        **FREE,
    )


def part_is_live(
    tx: Transaction,
    looked: Looked,
    number: int,
    step: str,
    by: By,
    *,
    remote_id: str | None,
    url: str,
) -> bool:
    """Write down that one part is live. True when every part is."""
    delivery_id = looked.delivery.id
    step_part(tx, delivery_id, number, step, by, remote_id=remote_id, url=url, live_at=by.at)
    if remote_id is not None:
        store.await_proof(tx, delivery_id, number, by.at)
    return all(p.state is PartState.LIVE or p.number == number for p in looked.parts)


def _published(tx: Transaction, looked: Looked, outcome: Outcome, by: By) -> bool:
    late = looked.delivery.state is DeliveryState.UNCONFIRMED
    by = by.because(outcome.url or "")
    done = part_is_live(
        tx,
        looked,
        outcome.part,
        "found" if late else "confirm",
        by,
        remote_id=outcome.remote_id,
        url=outcome.url or "",
    )
    last, between = ("found", "resume") if late else ("confirm", "proceed")
    step = last if done else between
    values: dict[str, Any] = {"trouble": None, "next_look_at": None, "tries": 0}
    if step != "proceed":
        values |= FREE
    moved = step_delivery(tx, looked.delivery.id, step, by, fence=outcome.attempt, **values)
    return moved and step == "proceed"


def _postpone(
    tx: Transaction, looked: Looked, outcome: Outcome, by: By, until: datetime | None
) -> None:
    delivery = looked.delivery
    again = max(until or by.at, by.at + pause_after(delivery.tries))
    step_part(tx, delivery.id, outcome.part, "postpone", by)
    step_delivery(
        tx,
        delivery.id,
        "postpone",
        by,
        fence=outcome.attempt,
        next_try_at=again,
        tries=delivery.tries + 1,
        trouble=by.why,
        **FREE,
    )
    give_up_if_late(tx, looked, again, by)


def give_up_if_late(tx: Transaction, looked: Looked, again: datetime, by: By) -> None:
    """It cannot be said in time any more: people are told now, not when the window closes."""
    if again >= looked.delivery.not_after:
        step = "stop" if looked.live else "miss"
        why = f"not before {again:%H:%M:%S} UTC: {by.why}"
        step_delivery(tx, looked.delivery.id, step, by.because(why))

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from social_scheduler.errors import WorkspaceError
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import OPEN, DeliveryState, PartState
from social_scheduler.platforms import RecoveryKind
from social_scheduler.services.context import Context
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked, look_at
from social_scheduler.store.publishing import AttemptEnd
from social_scheduler.store.steps import (
    By,
    DeliveryStep,
    PartStep,
    remember,
    step_delivery,
    step_many,
    step_part,
)

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=2)
FREE: dict[str, Any] = {"worker": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Under:
    """What the one who made a call knows of its delivery, so that it need not be read again."""

    post_id: int
    parts: int
    keys: int | None = None
    """The version of the account's keys that the call was made with; None: not known any more."""


def apply_outcomes(
    tx: Transaction,
    context: Context,
    outcomes: Sequence[Outcome],
    by: By,
    under_way: Mapping[int, Under] | None = None,
) -> list[bool]:
    """Write down what came of calls; True for each whose next part may be sent at once.

    Fenced by the attempt number; an answer that comes after the call was given up as
    unconfirmed still settles it when the answer is that it is live. Raises Conflict, with
    nothing written that may be kept, when a delivery changed hands in between.
    `under_way` are deliveries that are being sent as far as the caller knows.
    """
    known = under_way or {}
    live = {o.delivery for o in outcomes if o.outcome == "published" and o.delivery in known}
    rest = {o.delivery for o in outcomes} - live
    found = look_at(tx, rest) if rest else {}
    plain: dict[int, Under] = {delivery: known[delivery] for delivery in live}
    for o in outcomes:
        if o.delivery in found and _is_plain(found[o.delivery], o):
            looked = found[o.delivery]
            plain[o.delivery] = Under(looked.delivery.post_id, len(looked.parts))
    other = [o for o in outcomes if o.delivery not in plain]
    _live(tx, [(plain[o.delivery], o) for o in outcomes if o.delivery in plain], by)
    if other:
        store.end_attempts(tx, [_end(o) for o in other], by.at)
    return [
        o.last < plain[o.delivery].parts
        if o.delivery in plain
        else _apply_other(tx, context, found[o.delivery], o, by, known.get(o.delivery))
        for o in outcomes
    ]


def _end(outcome: Outcome) -> AttemptEnd:
    told = outcome.url or outcome.evidence or ""
    return AttemptEnd(outcome.delivery, outcome.attempt, outcome.part, outcome.outcome, told)


def _is_plain(looked: Looked, outcome: Outcome) -> bool:
    """Published, by the one who began it: the way of nearly every call."""
    return (
        outcome.outcome == "published"
        and looked.delivery.attempt == outcome.attempt
        and looked.delivery.state is DeliveryState.SENDING
        and looked.parts[outcome.part - 1].state is PartState.SENDING
        and outcome.last <= len(looked.parts)
    )


def _live(tx: Transaction, calls: Sequence[tuple[Under, Outcome]], by: By) -> None:
    """Parts went live as they should: each with its delivery, one call of each."""
    if not calls:
        return
    parts = [
        PartStep(
            o.delivery,
            o.part,
            PartState.SENDING,
            {"remote_id": o.remote_id, "url": o.url or "", "live_at": by.at},
            o.url or "",
        )
        for _, o in calls
    ]
    rest = [
        PartStep(
            o.delivery,
            number,
            PartState.WAITING,
            {"remote_id": remote_id, "url": url, "live_at": by.at},
            url,
        )
        for _, o in calls
        for number, (remote_id, url) in enumerate(o.rest, start=o.part + 1)
    ]
    going_on = [_next(under, o, {}) for under, o in calls if o.last < under.parts]
    done = [_next(under, o, FREE) for under, o in calls if o.last == under.parts]
    live = [(o.delivery, n) for _, o in calls if o.remote_id for n in range(o.part, o.last + 1)]
    shown = {(o.delivery, o.part): o.differs for _, o in calls if o.differs is not None}
    proofs = store.awaited_proofs(live, by.at, shown)
    step_many(
        tx,
        by,
        ("confirm", parts),
        ("follow", rest),
        ("proceed", going_on),
        ("confirm", done),
        also=[store.ends([_end(o) for _, o in calls], by.at), proofs],
    )
    _tell_shown(tx, shown, by)


def _tell_shown(tx: Transaction, shown: store.Shown, by: By) -> None:
    """The network's own answer is the proof, where nothing can be read back."""
    for (delivery, part), fields in shown.items():
        why = f"as answered: {', '.join(fields) or 'equal'}"
        remember(tx, by.because(why), "prove", delivery_id=delivery, part=part)


def _next(under: Under, outcome: Outcome, values: dict[str, Any]) -> DeliveryStep:
    return DeliveryStep(
        outcome.delivery,
        under.post_id,
        DeliveryState.SENDING,
        outcome.attempt,
        {"trouble": None, "next_look_at": None, "tries": 0, **values},
        outcome.url or "",
    )


def _apply_other(
    tx: Transaction,
    context: Context,
    looked: Looked,
    outcome: Outcome,
    by: By,
    under: Under | None,
) -> bool:
    if looked.delivery.attempt < outcome.attempt:
        raise WorkspaceError(
            f"The database does not know attempt {outcome.attempt} of {looked.reference} to "
            f"{looked.account.name} any more, which this worker has made: it seems to have been "
            "put back.",
            "Run social-scheduler reconcile: it reads the journal into the database.",
        )
    if looked.delivery.attempt != outcome.attempt:
        _answered_late(tx, looked, outcome, by)
        return False
    if outcome.outcome == "published":
        if looked.delivery.state is DeliveryState.UNCONFIRMED:
            found_live(
                tx,
                looked,
                outcome.part,
                by.because(outcome.url or ""),
                remote_id=outcome.remote_id,
                url=outcome.url or "",
                rest=outcome.rest,
            )
            if outcome.differs is not None:
                shown = {(outcome.delivery, outcome.part): outcome.differs}
                store.await_proofs(tx, list(shown), by.at, shown)
                _tell_shown(tx, shown, by)
        return False
    by = by.because(outcome.evidence or outcome.outcome)
    if looked.delivery.state is DeliveryState.UNCONFIRMED and outcome.outcome == "not_sent":
        # Given up as unclear while its worker stood still: it knows that no byte left.
        step_part(tx, outcome.delivery, outcome.part, "absent", by)
        step_delivery(
            tx,
            outcome.delivery,
            "absent",
            by,
            fence=outcome.attempt,
            ready_at=by.at,
            next_look_at=None,
            trouble=by.why,
            **FREE,
        )
    if looked.delivery.state is not DeliveryState.SENDING:
        return False
    match outcome.outcome:
        case "not_sent":
            _postpone(tx, looked, outcome, by, None)
        case "rate_limited":
            until = datetime.fromtimestamp(outcome.until or by.at.timestamp(), UTC)
            store.limit_account(tx, looked.account.id, until)
            _postpone(tx, looked, outcome, by, until)
        case "unauthorized":
            why, keys = outcome.evidence or "not accepted", under.keys if under else None
            if store.suspend_account(tx, looked.account.id, why, keys):
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


def _answered_late(tx: Transaction, looked: Looked, outcome: Outcome, by: By) -> None:
    """An answer to an earlier call, after somebody has sent it again."""
    why = by.because(f"late answer: {outcome.outcome}")
    remember(tx, why, "late_answer", delivery_id=outcome.delivery, part=outcome.part)
    if outcome.outcome == "published":
        known_live(tx, looked, outcome.url or "", by)


def known_live(tx: Transaction, looked: Looked, url: str, by: By) -> None:
    """An earlier call turns out to be live: while it can be helped, it is not said once more."""
    if looked.delivery.state in OPEN:
        miss(tx, looked, f"not said again: an earlier call is live after all, at {url}", by)


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


def found_live(
    tx: Transaction,
    looked: Looked,
    number: int,
    by: By,
    *,
    remote_id: str | None,
    url: str,
    rest: Sequence[tuple[str, str]] = (),
) -> None:
    """The unclear part is live after all, and `rest` with it: published, or goes on after it."""
    done = part_is_live(tx, looked, number, "found", by, remote_id=remote_id, url=url)
    for more, (its_id, its_url) in enumerate(rest, start=number + 1):
        part_is_live(tx, looked, more, "follow", by, remote_id=its_id, url=its_url)
    done = done or number + len(rest) == len(looked.parts)
    values: dict[str, Any] = {"trouble": None, "next_look_at": None, **FREE}
    if done:
        step_delivery(tx, looked.delivery.id, "found", by, **values)
    else:
        step_delivery(tx, looked.delivery.id, "resume", by, ready_at=by.at, **values)


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
        store.await_proofs(tx, [(delivery_id, number)], by.at)
    return all(p.state is PartState.LIVE or p.number == number for p in looked.parts)


def miss(tx: Transaction, looked: Looked, why: str, by: By) -> None:
    """It is not said in time: missed, or partial when a part is live. A person decides."""
    step = "stop" if looked.live else "miss"
    step_delivery(tx, looked.delivery.id, step, by.because(why), trouble=why, **FREE)


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
        ready_at=again,
        tries=delivery.tries + 1,
        trouble=by.why,
        **FREE,
    )
    give_up_if_late(tx, looked, again, by)


def give_up_if_late(tx: Transaction, looked: Looked, again: datetime, by: By) -> None:
    """It cannot be said in time any more: people are told now, not when the window closes."""
    if again >= looked.delivery.not_after:
        miss(tx, looked, f"not before {again:%H:%M:%S} UTC: {by.why}", by)

"""Takes a lost call or a lost stop again, in a database that was put back, by its lifecycle."""

from __future__ import annotations

from datetime import UTC, datetime

from social_scheduler.errors import Conflict, InvalidInput
from social_scheduler.journal import Intent, Outcome, Stop
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.services.context import Context
from social_scheduler.services.enqueue import withdraw_post
from social_scheduler.services.lost import LostCall
from social_scheduler.services.outcome import FREE, apply_outcomes, lose, part_is_live
from social_scheduler.store import holds as hold_store
from social_scheduler.store import past as store
from social_scheduler.store import publishing
from social_scheduler.store import review as review_store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked, look, look_at
from social_scheduler.store.publishing import AttemptEnd
from social_scheduler.store.steps import By, remember, step_delivery, step_part, step_post
from social_scheduler.store.tables import HoldScope, Post


def retake_call(tx: Transaction, context: Context, call: LostCall, since: datetime, by: By) -> bool:
    """Whether the call has its place here; then what came of it is applied.

    `since` is when it was made at the earliest, where the journal does not tell.
    """
    intent, outcome = call.intent, call.outcome
    by = By(call.worker, by.at, "from the journal")
    looked = look_at(tx, [intent.delivery]).get(intent.delivery)
    if looked is None:
        return False
    if not call.begun and not begin_again(tx, looked, intent, call.worker, since, by):
        return False
    if outcome is not None:
        apply_outcomes(tx, context, [outcome], by)
        return True
    end = AttemptEnd(intent.delivery, intent.attempt, intent.part, "unconfirmed", by.why or "")
    publishing.end_attempts(tx, [end], by.at)
    fresh = look(tx, intent.delivery)
    lose(tx, context, fresh, intent.part, by.because("the database was put back; it may be live"))
    return True


def begin_again(
    tx: Transaction, looked: Looked, intent: Intent, worker: str, since: datetime, by: By
) -> bool:
    """Bring a delivery to where it was when this call began, if it is the same one and can be."""
    if not _is_the_same(looked, intent):
        return False
    delivery = looked.delivery
    state, fence = delivery.state, delivery.attempt
    if state is DeliveryState.LEASED and fence < intent.attempt:
        step_delivery(tx, delivery.id, "release", by, fence=fence, **FREE)
        state = DeliveryState.SCHEDULED
    if state is DeliveryState.SCHEDULED and fence < intent.attempt:
        values = {"attempt": intent.attempt, "worker": worker, "lease_until": by.at}
        step_delivery(tx, delivery.id, "claim", by, fence=fence, **values)
        state, fence = DeliveryState.LEASED, intent.attempt
    if fence != intent.attempt:
        return False
    if state is DeliveryState.LEASED:
        step_delivery(tx, delivery.id, "begin", by, fence=fence, trouble=None)
    elif state is not DeliveryState.SENDING:
        return False
    if not step_part(tx, delivery.id, intent.part, "begin", by):
        raise Conflict(f"Part {intent.part} of delivery {delivery.id} began already.")
    attempt = {
        "delivery_id": delivery.id,
        "number": intent.attempt,
        "part": intent.part,
        "worker": worker,
        "revision": delivery.revision,
        "digest": intent.digest,
        "started_at": datetime.fromtimestamp(intent.at, UTC) if intent.at else since,
    }
    publishing.begin_attempts(tx, [attempt])
    return True


def _is_the_same(looked: Looked, intent: Intent) -> bool:
    """The same words of the same delivery, and every part before them is live."""
    if intent.post and (looked.reference, looked.account.name) != (intent.post, intent.account):
        return False
    mine = next((p for p in looked.parts if p.number == intent.part), None)
    return (
        mine is not None
        and mine.digest == intent.digest
        and mine.state is PartState.WAITING
        and all(p.state is PartState.LIVE for p in looked.parts if p.number < intent.part)
    )


def publish_by_hand(
    tx: Transaction, context: Context, looked: Looked, part: int, url: str, by: By
) -> bool:
    """A person says that a part that waits here was said before the database was put back."""
    remote_id = context.platforms[looked.account.platform].id_in(url)
    if remote_id is None:
        raise InvalidInput(
            f"{url} is not the address of a post there.", "Open the post and copy its address."
        )
    delivery = looked.delivery
    mine = looked.parts[part - 1]
    attempt = delivery.attempt + 1
    intent = Intent(
        delivery.id, attempt, part, mine.digest, 0, looked.reference, looked.account.name
    )
    if not begin_again(tx, looked, intent, by.who, by.at, by):
        return False
    outcome = Outcome(delivery.id, attempt, part, "published", remote_id=remote_id, url=url)
    if apply_outcomes(tx, context, [outcome], by)[0]:
        step_delivery(tx, delivery.id, "postpone", by, ready_at=by.at, attempt=attempt + 1, **FREE)
    return True


NOT_SENT_ANY_MORE = (DeliveryState.MISSED, DeliveryState.FAILED, DeliveryState.PARTIAL)


def live_after_all(
    tx: Transaction, context: Context, looked: Looked, part: int, url: str, by: By
) -> bool:
    """The same of what is not sent any more: it was missed here, for it was said there.

    A thread counts as published when the last of its parts is known to be live.
    """
    if looked.delivery.state not in NOT_SENT_ANY_MORE:
        return False
    if looked.parts[part - 1].state is PartState.LIVE:
        return False
    remote_id = context.platforms[looked.account.platform].id_in(url)
    if part_is_live(tx, looked, part, "it_is_live", by, remote_id=remote_id, url=url):
        step_delivery(tx, looked.delivery.id, "it_is_live", by, trouble=None)
    return True


def retake_stop(tx: Transaction, stop: Stop, now: datetime) -> tuple[bool, str]:
    """Take a lost decision again, in the name of who took it. (Whether it was, and words.)"""
    why = f"{stop.what} (from the journal, change {stop.change})".strip()
    about = " to ".join(x for x in (stop.post, stop.account) if x)
    words = f"{stop.who or 'somebody'}: {stop.step.replace('_', ' ')} {about}".rstrip()
    words += f" — {stop.what}" if stop.what else ""
    if store.remembered(tx, stop.step, why):
        return False, f"{words}: taken again before"
    by = By(stop.who or "somebody", now, why)
    if stop.step == "hold":
        problem = _hold_again(tx, stop, by)
    elif stop.step == "cancel":
        problem = _cancel_again(tx, stop, by)
    else:
        problem = _stop_post_again(tx, stop, by)
    return not problem, f"{words}: {problem}" if problem else words


def _hold_again(tx: Transaction, stop: Stop, by: By) -> str:
    hold = stop.hold
    if hold is None:
        return "the journal does not tell what it held: place it again"
    until = datetime.fromtimestamp(hold["until"], UTC) if hold.get("until") else None
    if until is not None and until <= by.at:
        return "it would have ended since"
    hold_store.add(
        tx,
        hold_store.new(
            HoldScope(hold["scope"]),
            hold["value"],
            hold["reason"],
            hold["by"],
            datetime.fromtimestamp(hold["at"], UTC),
            until,
        ),
    )
    remember(tx, by, "hold")
    return ""


def _cancel_again(tx: Transaction, stop: Stop, by: By) -> str:
    found = stop.post and stop.account and store.delivery_of(tx, stop.post, stop.account)
    if not found:
        return "it is not in this database"
    looked = look(tx, found)
    if looked.delivery.state is DeliveryState.CANCELLED:
        return "it is cancelled"
    if looked.live or not step_delivery(
        tx, found, "cancel", by, attempt=looked.delivery.attempt + 1
    ):
        return f"it is {looked.delivery.state.value}: look at it"
    return ""


def _stop_post_again(tx: Transaction, stop: Stop, by: By) -> str:
    post = _post(tx, stop.post)
    if post is None:
        return "it is not in this database"
    try:
        if stop.step == "withdraw":
            withdraw_post(tx, post.id, by)
        elif not step_post(tx, post.id, stop.step, by):
            return f"it is {post.state.value.replace('_', ' ')}: look at it"
    except Conflict as problem:
        return problem.problem
    standing = review_store.standing_approvals_of_post(tx, post.id)
    review_store.end_approvals(tx, standing, by.at, by.why or stop.step)
    return ""


def _post(tx: Transaction, reference: str | None) -> Post | None:
    campaign, _, key = (reference or "").partition("/")
    return review_store.post_by_reference(tx, campaign, key)

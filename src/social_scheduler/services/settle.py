"""What only a person can decide: it is live, send it again, let it be, or: I have seen it.

Each is written down with their name. `send_again` is also the approval of a new window: the
words must be approved by reviewers all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from social_scheduler.errors import Conflict, InvalidInput, NotFound, Stale
from social_scheduler.lifecycle import INBOX, DeliveryState, PartState, PostState, Thing, rule
from social_scheduler.message import Window, approval_digest, content_digest, window_digest
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.services.outcome import part_is_live
from social_scheduler.services.review import find_post, may_approve
from social_scheduler.store import batches
from social_scheduler.store import holds as hold_store
from social_scheduler.store import publishing as store
from social_scheduler.store import reading as reading_store
from social_scheduler.store import review as review_store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked, PartNow, look
from social_scheduler.store.steps import By, remember, step_delivery, step_part
from social_scheduler.store.tables import AccountState, Hold, Revision

LONGEST_WAIT = timedelta(days=366)


def it_is_live(context: Context, actor: Actor, reference: str, account: str, url: str) -> None:
    """A person looked and gives the address of the part that was unclear, or is live after all."""
    actor.require(Right.SETTLE)
    if not url.startswith(("https://", "http://")):
        raise InvalidInput(f"{url!r} is no address.", "Paste the post's address, with https://.")
    now = context.now()
    with context.database.write() as tx:
        looked = find_delivery(tx, reference, account)
        part = _part_in_question(looked)
        if part is None:
            raise _not_now(looked, reference, account)
        by = actor.by(now, url)
        platform = context.platforms[looked.account.platform]
        remote_id = platform.id_in(url)
        if remote_id is None:
            raise InvalidInput(
                f"{url} is not the address of a post there.", "Open the post and copy its address."
            )
        if remote_id in store.known_remote_ids(tx, looked.account.id):
            raise Conflict(f"{url} is another post of ours.", "Paste the address of this one.")
        done = part_is_live(tx, looked, part.number, "it_is_live", by, remote_id=remote_id, url=url)
        if not done and platform.whole_thread and part.number == 1:
            for following in looked.parts[1:]:  # its parts go live in one call, or none of them
                part_is_live(tx, looked, following.number, "follow", by, remote_id=None, url="")
            done = True
        step = "it_is_live" if done else "resume"
        step_delivery(tx, looked.delivery.id, step, by, trouble=None, next_look_at=None)


def _part_in_question(looked: Looked) -> PartNow | None:
    """The unclear part; or, of what was missed or refused, the one part that is not live."""
    state, waits = looked.delivery.state, looked.next_part
    if state is DeliveryState.UNCONFIRMED:
        return next((p for p in looked.parts if p.state is PartState.UNCONFIRMED), None)
    if state in INBOX and waits is looked.parts[-1]:
        return waits
    return None


def send_again(
    context: Context,
    actor: Actor,
    reference: str,
    account: str,
    *,
    at: datetime | None = None,
    shown: int | None = None,
) -> Window:
    """A new window, in this person's name; the same words. What is live already stays.

    `shown` is the attempt that the person was shown: somebody may have sent it again since.
    """
    return send_rest_again(context, actor, reference, {account: shown}, at=at)


def send_rest_again(
    context: Context,
    actor: Actor,
    reference: str,
    accounts: Mapping[str, int | None],
    *,
    at: datetime | None = None,
) -> Window:
    """Several deliveries of one post again, in one window that opens for all of them: or for none.

    `accounts` gives the attempt that was shown for each; None trusts what is there now.
    """
    actor.require(Right.SETTLE)
    if not accounts:
        raise InvalidInput("Nothing is named to be sent again.", "Name an account.")
    now = context.now()
    due = at or now
    if due < now - timedelta(minutes=1):
        raise InvalidInput(
            f"{due:%Y-%m-%d %H:%M} UTC is past.", "Give a later time, or none for now."
        )
    if due > now + LONGEST_WAIT:
        raise InvalidInput(
            f"{due:%Y-%m-%d %H:%M} UTC is more than a year away.", "Give an earlier time."
        )
    with context.database.write() as tx:
        found = {account: find_delivery(tx, reference, account) for account in accounts}
        holds = hold_store.active(tx, now)
        for account, looked in found.items():
            _may_be_sent_again(tx, actor, looked, reference, shown=accounts[account])
            _may_be_due(tx, looked, reference, due, now, holds)
        late = min(x.window.not_after - x.window.not_before for x in found.values())
        ends = [e for x in found.values() if (e := _revision(tx, x).expires_at) is not None]
        window = Window(due, due, min([due + late, *ends]))
        for looked in found.values():
            _send_again(tx, actor, looked, window, now)
    return window


def _send_again(
    tx: Transaction, actor: Actor, looked: Looked, window: Window, now: datetime
) -> None:
    delivery = looked.delivery
    by = actor.by(now, f"due {window.due_at:%Y-%m-%d %H:%M} UTC")
    for part in looked.parts:
        if part.state in (PartState.UNCONFIRMED, PartState.REFUSED):
            step_part(tx, delivery.id, part.number, "send_again", by)
    step_delivery(
        tx,
        delivery.id,
        "send_again",
        by,
        attempt=delivery.attempt + 1,
        due_at=window.due_at,
        not_before=window.not_before,
        not_after=window.not_after,
        ready_at=window.not_before,
        next_look_at=None,
        trouble=None,
        tries=0,
    )
    _approve_window(tx, actor, looked, window, now)


def _may_be_sent_again(
    tx: Transaction, actor: Actor, looked: Looked, reference: str, *, shown: int | None
) -> None:
    delivery, state = looked.delivery, looked.post.state
    if shown is not None and shown != delivery.attempt:
        raise Stale(
            f"{reference} to {looked.account.name} was tried again since you looked.", "Look again."
        )
    if delivery.state not in rule(Thing.DELIVERY, "send_again").sources:
        raise _not_now(looked, reference, looked.account.name)
    if state not in (PostState.APPROVED, PostState.IN_REVIEW):
        raise Conflict(
            f"{reference} is {state.value.replace('_', ' ')}; it is not sent again.",
            "Its author edits it, or writes a new post.",
        )
    if delivery.revision != looked.post.revision and not looked.live:
        raise Conflict(
            f"{reference} was edited since; these are its earlier words.",
            "Drop it; queue the file again to say the new ones.",
        )
    if any(p.state is PartState.REMOVED for p in looked.parts):
        raise Conflict(
            f"A part of {reference} was taken down; the thread cannot go on.",
            "Finish with social-scheduler settle remove, or write a new post.",
        )
    revision = review_store.revision_of(tx, delivery.post_id, delivery.revision)
    may_approve(actor, revision, reference)


def _may_be_due(
    tx: Transaction,
    looked: Looked,
    reference: str,
    due: datetime,
    now: datetime,
    holds: Sequence[Hold],
) -> None:
    """Refuse a time at which it would not go out: it would only come back here as missed."""
    revision = _revision(tx, looked)
    if revision.expires_at is not None and due >= revision.expires_at:
        raise InvalidInput(
            f"{reference} expires at {revision.expires_at:%Y-%m-%d %H:%M} UTC; nothing of it goes "
            "out after.",
            "Its author gives it another end, or lets it be.",
        )
    if due < revision.not_before and revision.not_before > revision.due_at:
        raise InvalidInput(
            f"{reference} is under embargo until {revision.not_before:%Y-%m-%d %H:%M} UTC.",
            "Give a later time.",
        )
    if due > now + timedelta(minutes=1):
        return
    if looked.account.state is not AccountState.CONNECTED:
        raise Conflict(
            f"The account {looked.account.name} is suspended: {looked.account.trouble}.",
            "An admin connects it again first: social-scheduler accounts connect.",
        )
    for hold in looked.held_by(holds):
        raise Conflict(
            f"It is held, and would be missed again: {told(hold)}.",
            "Release the hold first, or give a later time.",
        )


def _revision(tx: Transaction, looked: Looked) -> Revision:
    return review_store.revision_of(tx, looked.delivery.post_id, looked.delivery.revision)


def drop(context: Context, actor: Actor, reference: str, account: str, reason: str) -> None:
    """Let it be: nothing more is sent of it."""
    actor.require(Right.SETTLE)
    with context.database.write() as tx:
        looked = find_delivery(tx, reference, account)
        by: By = actor.by(context.now(), reason or None)
        # What is live in part stays in sight: it can still be taken down, or gone on with.
        step = "leave" if looked.live else "drop"
        if not step_delivery(tx, looked.delivery.id, step, by, next_look_at=None):
            raise _not_now(looked, reference, account)


def acknowledge(
    context: Context,
    actor: Actor,
    reference: str,
    account: str,
    reason: str,
    *,
    shown: int | None = None,
) -> None:
    """Seen, and left as it is: it leaves the inbox until something else happens to it.

    For what no step can mend: a thread that stays in part, a post that is live and reads otherwise
    than approved. No state changes. `shown` is the number of the last change that was shown.
    """
    actor.require(Right.SETTLE)
    if not reason.strip():
        raise InvalidInput("Say what you saw.", "Colleagues will read it.")
    with context.database.write() as tx:
        looked = find_delivery(tx, reference, account)
        delivery = looked.delivery
        if delivery.state not in (DeliveryState.PARTIAL, DeliveryState.PUBLISHED):
            raise _not_now(looked, reference, account)
        if not reading_store.alarms(tx, delivery_id=delivery.id):
            raise Conflict(
                f"{reference} to {account} does not wait for anybody.",
                "See social-scheduler history for what happened.",
            )
        last = batches.last_of(tx, [delivery.id])[delivery.id]
        if shown is not None and shown != last.change:
            raise Stale(
                f"Something happened to {reference} on {account} since you looked.", "Look again."
            )
        by = actor.by(context.now(), reason.strip())
        remember(tx, by, reading_store.ACKNOWLEDGE, delivery_id=delivery.id)


def _approve_window(
    tx: Transaction, actor: Actor, looked: Looked, window: Window, now: datetime
) -> None:
    delivery = looked.delivery
    messages = review_store.messages_of(tx, delivery.post_id, delivery.revision)
    words = approval_digest(
        (m.account, content_digest(m.body)) for m in messages if m.language == delivery.language
    )
    review_store.add_approvals(
        tx,
        [
            {
                "post_id": delivery.post_id,
                "revision": delivery.revision,
                "language": delivery.language,
                "content_digest": words,
                "window_digest": window_digest(window),
                "window_only": True,
                "person_id": actor.id,
                "given_at": now,
            }
        ],
    )


def find_delivery(tx: Transaction, reference: str, account: str) -> Looked:
    """The delivery of a post to an account."""
    post, _ = find_post(tx, reference)
    for delivery in review_store.deliveries_of(tx, post.id):
        looked = look(tx, delivery.id)
        if looked.account.name == account:
            return looked
    raise NotFound(f"{reference} does not go to {account}.", "See social-scheduler review show.")


def _not_now(looked: Looked, reference: str, account: str) -> Conflict:
    return Conflict(
        f"{reference} to {account} is {looked.delivery.state.value}; this cannot be done now.",
        "See social-scheduler history for what happened.",
    )

"""What only a person can decide: it is live, send it again, or let it be.

Each is written down with their name. `send_again` is also the approval of a new window: the
words must be approved by reviewers all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from social_scheduler.errors import Conflict, InvalidInput, NotFound, Stale
from social_scheduler.lifecycle import DeliveryState, PartState, PostState
from social_scheduler.message import Window, approval_digest, content_digest, window_digest
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.outcome import part_is_live
from social_scheduler.services.review import find_post, may_approve
from social_scheduler.store import publishing as store
from social_scheduler.store import review as review_store
from social_scheduler.store.database import Transaction
from social_scheduler.store.publishing import Looked
from social_scheduler.store.steps import By, step_delivery, step_part


def it_is_live(context: Context, actor: Actor, reference: str, account: str, url: str) -> None:
    """A person looked and gives the address of the part that was unclear."""
    actor.require(Right.SETTLE)
    if not url.startswith(("https://", "http://")):
        raise InvalidInput(f"{url!r} is no address.", "Paste the post's address, with https://.")
    now = context.now()
    with context.database.write() as tx:
        looked = find_delivery(tx, reference, account)
        part = next((p for p in looked.parts if p.state is PartState.UNCONFIRMED), None)
        if looked.delivery.state is not DeliveryState.UNCONFIRMED or part is None:
            raise _not_now(looked, reference, account)
        by = actor.by(now, url)
        remote_id = context.platforms[looked.account.platform].id_in(url)
        if remote_id is None:
            raise InvalidInput(
                f"{url} is not the address of a post there.", "Open the post and copy its address."
            )
        if remote_id in store.known_remote_ids(tx, looked.account.id):
            raise Conflict(f"{url} is another post of ours.", "Paste the address of this one.")
        done = part_is_live(tx, looked, part.number, "it_is_live", by, remote_id=remote_id, url=url)
        step = "it_is_live" if done else "resume"
        step_delivery(tx, looked.delivery.id, step, by, trouble=None, next_look_at=None)


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
    actor.require(Right.SETTLE)
    now = context.now()
    due = at or now
    if due < now - timedelta(minutes=1):
        raise InvalidInput(
            f"{due:%Y-%m-%d %H:%M} UTC is past.", "Give a later time, or none for now."
        )
    with context.database.write() as tx:
        looked = find_delivery(tx, reference, account)
        if shown is not None and shown != looked.delivery.attempt:
            raise Stale(
                f"{reference} to {account} was tried again since you looked.", "Look again."
            )
        _may_be_sent_again(tx, actor, looked, reference)
        old = looked.window
        window = Window(due, due, due + (old.not_after - old.not_before))
        by = actor.by(now, f"due {due:%Y-%m-%d %H:%M} UTC")
        for part in looked.parts:
            if part.state in (PartState.UNCONFIRMED, PartState.REFUSED):
                step_part(tx, looked.delivery.id, part.number, "send_again", by)
        if not step_delivery(
            tx,
            looked.delivery.id,
            "send_again",
            by,
            attempt=looked.delivery.attempt + 1,
            due_at=window.due_at,
            not_before=window.not_before,
            not_after=window.not_after,
            next_try_at=None,
            next_look_at=None,
            trouble=None,
            tries=0,
        ):
            raise _not_now(looked, reference, account)
        _approve_window(tx, actor, looked, window, now)
    return window


def _may_be_sent_again(tx: Transaction, actor: Actor, looked: Looked, reference: str) -> None:
    state = looked.post.state
    if state not in (PostState.APPROVED, PostState.IN_REVIEW):
        raise Conflict(
            f"{reference} is {state.value.replace('_', ' ')}; it is not sent again.",
            "Its author edits it, or writes a new post.",
        )
    if any(p.state is PartState.REMOVED for p in looked.parts):
        raise Conflict(
            f"A part of {reference} was taken down; the thread cannot go on.",
            "Finish with social-scheduler settle remove, or write a new post.",
        )
    revision = review_store.revision_of(tx, looked.delivery.post_id, looked.delivery.revision)
    may_approve(actor, revision, reference)


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
        looked = store.look(tx, delivery.id)
        if looked.account.name == account:
            return looked
    raise NotFound(f"{reference} does not go to {account}.", "See social-scheduler review show.")


def _not_now(looked: Looked, reference: str, account: str) -> Conflict:
    return Conflict(
        f"{reference} to {account} is {looked.delivery.state.value}; this cannot be done now.",
        "See social-scheduler history for what happened.",
    )

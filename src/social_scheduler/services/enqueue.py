"""Queue campaign files: what compare.py finds is done, file by file.

Queueing the same files twice changes nothing. Changed words are a new revision, which nobody
has approved; a changed time keeps the approvals of the words and needs one for the new
window. What is live stays as it was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from social_scheduler.errors import Conflict, NotFound
from social_scheduler.lifecycle import OPEN, DeliveryState
from social_scheduler.message import part_digest
from social_scheduler.planning import PlannedMessage, PlannedPost
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.compare import (
    REFUSED,
    REWORDABLE,
    Change,
    ChangeKind,
    compare_in,
    no_longer_wanted,
    reached_by,
)
from social_scheduler.services.context import Context
from social_scheduler.services.decisions import note_decisions
from social_scheduler.store import queue as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import look
from social_scheduler.store.queue import KnownDelivery, KnownPost
from social_scheduler.store.review import deliveries_of
from social_scheduler.store.steps import (
    By,
    create_deliveries,
    create_parts,
    create_posts,
    step_delivery,
    step_post,
)


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What is kept of a campaign beside its posts."""

    name: str
    kind: str
    title: str
    path: str


def enqueue(
    context: Context,
    actor: Actor,
    facts: CampaignFacts,
    planned: Sequence[PlannedPost],
    *,
    cancel_removed: bool = False,
    resubmit: bool = False,
) -> list[Change]:
    """Queue one campaign file: all of it, or (with an error) nothing."""
    actor.require(Right.QUEUE)
    now = context.now()
    by = actor.by(now)
    with context.database.write() as tx:
        _require_one_home(tx, context, facts)
        changes = compare_in(tx, facts.name, planned, now, resubmit=resubmit)
        _refuse(changes, cancel_removed)
        campaign_id = store.keep_campaign(
            tx, facts.name, home="file", path=facts.path, kind=facts.kind, title=facts.title
        )
        _add(
            tx,
            campaign_id,
            [c.planned for c in changes if c.kind is ChangeKind.NEW and c.planned],
            actor,
            by,
        )
        _note_removed(tx, changes, now)
        for change in changes:
            known, post = change.known, change.planned
            if known is None:
                continue
            if change.kind is ChangeKind.MOVED and post:
                _move(tx, known, post, actor, by)
            elif change.kind is ChangeKind.EDITED and post:
                _edit(tx, known, post, actor, by)
            elif change.kind is ChangeKind.REMOVED and cancel_removed:
                withdraw_post(tx, known.id, by.because("removed from its file"))
    note_decisions(context)
    return changes


def withdraw_post(tx: Transaction, post_id: int, by: By) -> None:
    """Never to be said: ends the post, and cancels every delivery that has not begun."""
    if not step_post(tx, post_id, "withdraw", by):
        raise Conflict("The post is withdrawn already.")
    for delivery in deliveries_of(tx, post_id):
        if delivery.state in OPEN:
            # A thread that has begun is not cancelled: people must see that a part is live.
            step = "stop" if look(tx, delivery.id).live else "cancel"
            step_delivery(tx, delivery.id, step, by, attempt=delivery.attempt + 1)


def _refuse(changes: Sequence[Change], cancel_removed: bool) -> None:
    for change in changes:
        if change.kind is ChangeKind.RENAMED and cancel_removed:
            continue
        if change.kind in REFUSED:
            raise Conflict(f"{change.reference}: {change.note}", "Nothing of this file was queued.")


def _require_one_home(tx: Transaction, context: Context, facts: CampaignFacts) -> None:
    known = store.campaign_named(tx, facts.name)
    if known is None or known.path == facts.path:
        return
    if known.home != "file":
        raise Conflict(
            f"The campaign {facts.name} is edited on the web, not in files.",
            "Give this file another campaign name.",
        )
    other = context.root / known.path
    if other.exists() and f"campaign: {facts.name}" in other.read_text("utf-8", "replace"):
        raise Conflict(
            f"{facts.path} and {known.path} both say `campaign: {facts.name}`.",
            "Give one of them another name; a campaign is known by its name for ever.",
        )


def _add(
    tx: Transaction, campaign_id: int, posts: Sequence[PlannedPost], actor: Actor, by: By
) -> None:
    if not posts:
        return
    ids = create_posts(
        tx,
        [
            {"campaign_id": campaign_id, "key": p.key, "revision": 1, "removed_from_file_at": None}
            for p in posts
        ],
        by,
    )
    numbered = list(zip(ids, posts, strict=True))
    _write_revisions(tx, [(i, 1, p, p.messages, [actor.id]) for i, p in numbered], by)
    create_deliveries(
        tx,
        [_delivery_row(i, 1, p, m) for i, p in numbered for m in p.messages],
        [_keys(m) for p in posts for m in p.messages],
    )


def _write_revisions(
    tx: Transaction,
    rows: Sequence[tuple[int, int, PlannedPost, Sequence[PlannedMessage], list[int]]],
    by: By,
) -> None:
    store.add_revisions(
        tx,
        [
            {
                "post_id": post_id,
                "number": number,
                "digest": post.digest,
                "kind": post.kind,
                "owner": post.owner,
                "tags": list(post.tags),
                "release": post.release,
                "zone": post.zone,
                "wall": post.wall,
                "due_at": post.window.due_at,
                "not_before": post.window.not_before,
                "not_after": post.window.not_after,
                "expires_at": post.expires_at,
                "authors": authors,
                "queued_at": by.at,
                "place": post.place,
            }
            for post_id, number, post, _, authors in rows
        ],
    )
    if not any(messages for _, _, _, messages, _ in rows):
        return
    store.add_messages(
        tx,
        [
            {
                "post_id": post_id,
                "revision": number,
                "account_id": m.speaker.id,
                "language": m.speaker.language,
                "digest": m.digest,
                "body": m.body,
            }
            for post_id, number, _, messages, _ in rows
            for m in messages
        ],
    )


def _delivery_row(
    post_id: int, revision: int, post: PlannedPost, message: PlannedMessage
) -> dict[str, object]:
    return {
        "post_id": post_id,
        "account_id": message.speaker.id,
        "revision": revision,
        "language": message.speaker.language,
        "kind": post.kind,
        "tags": list(post.tags),
        "together": post.release == "together",
        "pictures": message.pictures,
        "due_at": post.window.due_at,
        "not_before": post.window.not_before,
        "not_after": post.window.not_after,
        "ready_at": post.window.not_before,
        "looks": 0,
        "tries": 0,
        "attempt": 0,
    }


def _keys(message: PlannedMessage) -> list[str]:
    return [part_digest(message.digest, n) for n in range(1, message.parts + 1)]


def _note_removed(tx: Transaction, changes: Sequence[Change], now: datetime) -> None:
    removed = [c.known.id for c in changes if c.known and c.kind is ChangeKind.REMOVED]
    here = [c.known.id for c in changes if c.known and c.kind is not ChangeKind.REMOVED]
    store.mark_removed_from_file(tx, removed, now)
    store.mark_removed_from_file(tx, here, None)


def _move(tx: Transaction, known: KnownPost, post: PlannedPost, actor: Actor, by: By) -> None:
    why = f"{known.window.due_at:%Y-%m-%d %H:%M} → {post.window.due_at:%Y-%m-%d %H:%M} UTC"
    if not step_post(tx, known.id, "move", by.because(why)):
        raise Conflict(f"{post.campaign}/{post.key} was changed by somebody else just now.")
    authors = sorted({*known.authors, actor.id})
    store.set_window(
        tx,
        known,
        post.window,
        authors,
        zone=post.zone,
        wall=post.wall,
        expires_at=post.expires_at,
    )
    messages = {m.speaker.name: m for m in post.messages}
    for delivery in known.deliveries:
        reached = delivery.state in REWORDABLE and delivery.live_since is None
        if reached and delivery.account in messages:
            _take_back(tx, delivery, by)
            if delivery.state is DeliveryState.FAILED:  # its refused parts wait again
                store.forget_parts(tx, delivery.id)
                create_parts(tx, {delivery.id: _keys(messages[delivery.account])})
            store.repoint_delivery(tx, delivery.id, post.window)


def _take_back(tx: Transaction, delivery: KnownDelivery, by: By) -> None:
    # A worker that holds the lease fails at `begin`: the state and the fence are not its own.
    if delivery.state is not DeliveryState.SCHEDULED:
        step_delivery(tx, delivery.id, "reword", by, worker=None, lease_until=None)


def _edit(tx: Transaction, known: KnownPost, post: PlannedPost, actor: Actor, by: By) -> None:
    for left_out in no_longer_wanted(post, known):
        step_delivery(tx, left_out.id, "cancel", by.because("no longer in `to`"))
    reached = reached_by(post, known)
    if not reached:
        return  # accounts were left out, and the others keep what they have said
    number = known.revision + 1
    if not step_post(tx, known.id, "edit", by.because(f"revision {number}")):
        raise Conflict(f"{post.campaign}/{post.key} was changed by somebody else just now.")
    _write_revisions(tx, [(known.id, number, post, reached, [actor.id])], by)
    store.set_revision(tx, known.id, number)
    now_at = {d.account: d for d in known.deliveries}
    for message in reached:
        delivery = now_at.get(message.speaker.name)
        if delivery is None:
            row = _delivery_row(known.id, number, post, message)
            create_deliveries(tx, [row], [_keys(message)])
            continue
        _take_back(tx, delivery, by)
        store.forget_parts(tx, delivery.id)
        create_parts(tx, {delivery.id: _keys(message)})
        store.repoint_delivery(
            tx,
            delivery.id,
            post.window,
            revision=number,
            kind=post.kind,
            tags=list(post.tags),
            together=post.release == "together",
            pictures=message.pictures,
        )
    if not step_post(tx, known.id, "submit", by):
        raise NotFound(f"{post.campaign}/{post.key} vanished while it was edited.")

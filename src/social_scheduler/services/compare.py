"""What queueing would change: every post of a campaign file against what is queued already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from social_scheduler.lifecycle import OPEN, DeliveryState, PostState
from social_scheduler.planning import PlannedMessage, PlannedPost
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.store import queue as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.queue import KnownDelivery, KnownPost

REWORDABLE = OPEN | {DeliveryState.FAILED, DeliveryState.MISSED}
"""Deliveries that an edit reaches: nothing of them is live."""


class ChangeKind(StrEnum):
    """What queueing would do with one post."""

    NEW = "new"
    UNCHANGED = "unchanged"
    MOVED = "moved"
    EDITED = "edited"
    LIVE = "already live"
    WITHDRAWN = "withdrawn"
    CHANGES_REQUESTED = "changes requested"
    REMOVED = "removed from the file"
    RENAMED = "looks like a rename"
    PAST = "too late to change"


REFUSED = frozenset({ChangeKind.PAST, ChangeKind.RENAMED})
"""Changes that stop the queueing of their file."""

TO_REVIEW = frozenset({ChangeKind.NEW, ChangeKind.EDITED, ChangeKind.MOVED})
"""Changes that put something in place."""


@dataclass(frozen=True, slots=True)
class Change:
    """What queueing does with one post, and a note for its author."""

    kind: ChangeKind
    campaign: str
    post: str
    note: str = ""
    planned: PlannedPost | None = None
    known: KnownPost | None = None

    @property
    def reference(self) -> str:
        """`campaign/post`, as every command takes it."""
        return f"{self.campaign}/{self.post}"

    @property
    def for_review(self) -> Sequence[PlannedMessage]:
        """What queueing this puts in place, to be approved and sent."""
        if self.planned is None or self.kind not in TO_REVIEW:
            return ()
        return reached_by(self.planned, self.known) if self.known else self.planned.messages


def compare(
    context: Context, actor: Actor, campaign: str, planned: Sequence[PlannedPost]
) -> list[Change]:
    """What queueing one campaign would change; nothing is written."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return compare_in(tx, campaign, planned, context.now())


def compare_in(
    tx: Transaction,
    campaign: str,
    planned: Sequence[PlannedPost],
    now: datetime,
    *,
    resubmit: bool = False,
) -> list[Change]:
    """The same inside a transaction that goes on to do it; `resubmit` is asked for then."""
    known = store.known_posts(tx, campaign)
    here = {post.key for post in planned}
    gone = [k for k in known.values() if k.key not in here and k.state is not PostState.WITHDRAWN]
    changes = []
    for post in planned:
        mine = known.get(post.key)
        sending = mine and any(d.state is DeliveryState.SENDING for d in mine.deliveries)
        speaking = store.calls_under_way(tx, mine.id) if mine and sending else {}
        change = _change(campaign, post, mine, gone, speaking, now)
        if mine and change.kind is ChangeKind.CHANGES_REQUESTED:
            change = _asked(change, post, mine, now, resubmit=resubmit)
        changes.append(change)
    return changes + [
        Change(
            ChangeKind.REMOVED,
            campaign,
            post.key,
            "still queued; add --cancel-removed to withdraw it",
            known=post,
        )
        for post in gone
    ]


def _change(
    campaign: str,
    post: PlannedPost,
    known: KnownPost | None,
    gone: Sequence[KnownPost],
    speaking: Mapping[str, datetime],
    now: datetime,
) -> Change:
    change = Change(ChangeKind.UNCHANGED, campaign, post.key, planned=post, known=known)
    if known is None:
        words = {m.digest for m in post.messages}
        for other in gone:
            if words & {d.digest for d in other.deliveries}:
                return replace(
                    change,
                    kind=ChangeKind.RENAMED,
                    note=f"has the words of {other.key}, which is no longer in the file: "
                    f"give it its id {other.key} back, or add --cancel-removed to withdraw that one",
                )
        if post.window.not_after <= now:
            return replace(change, kind=ChangeKind.PAST, note=f"{post.wall} {post.zone} is past")
        return replace(change, kind=ChangeKind.NEW)
    same_words = post.digest == known.digest and not _left_behind(post, known)
    same_time = post.window == known.window
    if known.state is PostState.WITHDRAWN:
        note = "was withdrawn; to say it after all, give it a new id"
        return replace(change, kind=ChangeKind.WITHDRAWN, note=note)
    if same_words and same_time:
        if known.state is PostState.CHANGES_REQUESTED:
            return replace(change, kind=ChangeKind.CHANGES_REQUESTED)
        return change
    notes = _notes(post, known, speaking)
    reached, left_out = reached_by(post, known), no_longer_wanted(post, known)
    if not reached and not left_out:
        if same_words:
            return change
        return replace(change, kind=ChangeKind.LIVE, note=notes or "it has ended; write a new post")
    if post.window.not_after <= now:
        return replace(change, kind=ChangeKind.PAST, note=f"{post.wall} {post.zone} is past")
    if same_words and known.state in (PostState.IN_REVIEW, PostState.APPROVED):
        was = f"{known.window.due_at:%Y-%m-%d %H:%M} UTC"
        return replace(
            change, kind=ChangeKind.MOVED, note=f"was {was}; the new time needs approval"
        )
    if not reached:
        cancelled = f"no longer to {', '.join(d.account for d in left_out)}"
        notes = "; ".join(filter(None, [cancelled, notes])) + "; nothing new needs approval"
    return replace(change, kind=ChangeKind.EDITED, note=notes or "a new revision; needs approval")


def _asked(
    change: Change, post: PlannedPost, known: KnownPost, now: datetime, *, resubmit: bool
) -> Change:
    """The same words and time after a reviewer asked for changes: what can be done with them."""
    asked = "a reviewer asked for changes"
    if not reached_by(post, known):
        note = f"{asked}, and nothing of it can be edited any more; write a new post"
        return replace(change, note=note)
    if post.window.not_after <= now:
        return replace(change, note=f"{asked}, and its time is past; give it another")
    if resubmit:
        told = "the same words, submitted for review again"
        return replace(change, kind=ChangeKind.EDITED, note=told)
    return replace(change, note=f"{asked}; edit it, or add --resubmit")


def _left_behind(post: PlannedPost, known: KnownPost) -> bool:
    """Whether an edit missed a delivery (its call was under way) of which nothing came live."""
    now_at = {d.account: d.digest for d in known.deliveries}
    return any(now_at.get(m.speaker.name, m.digest) != m.digest for m in reached_by(post, known))


def reached_by(post: PlannedPost, known: KnownPost) -> list[PlannedMessage]:
    """The messages that an edit puts in place: of new accounts, and where nothing is live."""
    now_at = {d.account: d for d in known.deliveries}
    return [
        m
        for m in post.messages
        if (d := now_at.get(m.speaker.name)) is None
        or (d.state in REWORDABLE and d.live_since is None)
    ]


def no_longer_wanted(post: PlannedPost, known: KnownPost) -> list[KnownDelivery]:
    """Deliveries to accounts that are no longer in `to` and of which nothing is live."""
    wanted = {m.speaker.name for m in post.messages}
    return [
        d
        for d in known.deliveries
        if d.account not in wanted and d.state in OPEN and d.live_since is None
    ]


def _notes(post: PlannedPost, known: KnownPost, speaking: Mapping[str, datetime]) -> str:
    """What an author has to know of the deliveries that an edit does not reach."""
    new = {m.speaker.name: m.digest for m in post.messages}
    notes = [
        f"{d.account}: already live since {d.live_since:%Y-%m-%d %H:%M} UTC and stays as it is, "
        "write a correction"
        for d in known.deliveries
        if d.live_since and new.get(d.account) != d.digest
    ]
    notes += [
        f"{account}: sending since {since:%H:%M:%S} UTC and keeps what it is saying"
        for account, since in speaking.items()
    ]
    notes += [
        f"{d.account}: was cancelled and stays so, to say it there after all give it a new id"
        for d in known.deliveries
        if d.state is DeliveryState.CANCELLED and d.account in new
    ]
    return "; ".join(notes)

"""Gaps: words that were said, or may have been, of which a database put back has no trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from social_scheduler.errors import Conflict, InvalidInput, NotFound
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.retake import live_after_all, publish_by_hand
from social_scheduler.store import gaps as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import look
from social_scheduler.store.past import parts_with
from social_scheduler.store.steps import By, remember
from social_scheduler.store.tables import Gap


@dataclass(frozen=True, slots=True)
class GapView:
    """One gap, for people."""

    id: int
    post: str
    part: int
    account: str
    worker: str
    outcome: str | None
    url: str | None
    found_at: datetime
    settled_by: str | None
    settled_at: datetime | None


def list_gaps(context: Context, actor: Actor, *, every: bool = False) -> list[GapView]:
    """The gaps that wait for a person, oldest first; or every one there was."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return [_view(gap) for gap in store.every(tx, settled=every)]


def settle_gap(context: Context, actor: Actor, gap_id: int, *, url: str | None) -> str:
    """A person looked: it is live at `url`, or (None) it was never said and may be said.

    Answers what became of it, in words. What waits here with these words counts as said.
    """
    actor.require(Right.SETTLE)
    if url is not None and not url.startswith(("https://", "http://")):
        raise InvalidInput(f"{url!r} is no address.", "Paste the post's address, with https://.")
    now = context.now()
    with context.database.write() as tx:
        gap = store.by_id(tx, gap_id)
        if gap is None:
            raise NotFound(f"There is no gap {gap_id}.", "See social-scheduler reconcile list.")
        values = {} if url is None else {"outcome": "published", "url": url}
        if not store.settle(tx, gap_id, actor.name, now, **values):
            raise Conflict(f"{gap.settled_by} settled gap {gap_id} already.")
        about = f"{gap.post} part {gap.part} to {gap.account}"
        words = f"{about}: " + ("never said" if url is None else f"live at {url}")
        if url is not None and (placed := _place(tx, context, gap, url, actor.by(now, url))):
            words += f"; so {placed} counts as published"
        remember(tx, actor.by(now, f"gap {gap_id}, {words}"), "settle_gap")
    return words


def _place(tx: Transaction, context: Context, gap: Gap, url: str, by: By) -> str:
    """The delivery that would say these words again is the one that said them."""
    for delivery, part in parts_with(tx, gap.digest):
        looked = look(tx, delivery)
        if publish_by_hand(tx, context, looked, part, url, by) or live_after_all(
            tx, context, looked, part, url, by
        ):
            return f"{looked.reference} to {looked.account.name}"
    return ""


def _view(gap: Gap) -> GapView:
    return GapView(**{name: getattr(gap, name) for name in GapView.__slots__})

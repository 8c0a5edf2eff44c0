"""Holds: stop everything, or what has a scope, at once; release it afterwards.

What becomes due while it is held is missed at once, and a person decides of each: a release
sends nothing by itself.
"""

from __future__ import annotations

import difflib
from datetime import datetime

from social_scheduler.campaign.schema import Kind
from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.decisions import note_decisions
from social_scheduler.services.past import require_releasable
from social_scheduler.store import holds as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import remember
from social_scheduler.store.tables import Hold, HoldScope


def add_hold(
    context: Context,
    actor: Actor,
    *,
    scope: str,
    value: str,
    reason: str,
    until: datetime | None = None,
) -> Hold:
    """Place a hold. From its commit on, no call that it matches begins."""
    actor.require(Right.HOLD)
    now = context.now()
    try:
        kind = HoldScope(scope)
    except ValueError:
        raise InvalidInput(
            f"There is no scope {scope!r}.", f"Scopes: {', '.join(HoldScope)}."
        ) from None
    if (kind is HoldScope.EVERYTHING) == bool(value):
        raise InvalidInput(
            "A hold on everything names nothing else; every other hold names what it stops.",
            "For example: hold add --language ar --reason …",
        )
    value = value.strip().removeprefix("@")
    if not reason.strip():
        raise InvalidInput("A hold needs a reason.", "Colleagues will read it.")
    if until is not None and until <= now:
        raise InvalidInput("The hold would have ended already.", "Give a later --until.")
    with context.database.write() as tx:
        value = _known(tx, kind, value)
        placed = store.new(kind, value, reason.strip(), actor.name, now, until)
        hold = store.add(tx, placed)
        remember(tx, actor.by(now, told(hold)), "hold")
    note_decisions(context)
    return hold


def _known(tx: Transaction, scope: HoldScope, value: str) -> str:
    """The value as the database has it: a hold with a slip of the pen would hold nothing."""
    if scope is HoldScope.EVERYTHING:
        return ""
    choices = list(Kind) if scope is HoldScope.KIND else store.choices(tx, scope)
    for choice in choices:
        if choice.casefold() == value.casefold():
            return str(choice)
    near = difflib.get_close_matches(value, choices, n=1, cutoff=0.5)
    raise NotFound(
        f"There is no {scope.value} {value!r} in this workspace; nothing is held.",
        f"Did you mean {near[0]}?" if near else f"Known: {', '.join(choices) or 'none yet'}.",
    )


def release_hold(context: Context, actor: Actor, hold_id: int) -> Hold:
    """End a hold: by the duty officer or an admin, or by whoever placed it."""
    actor.require(Right.HOLD)
    now = context.now()
    with context.database.write() as tx:
        hold = store.by_id(tx, hold_id)
        if hold is None:
            raise NotFound(f"There is no hold {hold_id}.", "See social-scheduler hold list.")
        if hold.released_at is not None:
            raise Conflict(f"{hold.released_by} released this hold already.")
        if not actor.roles & {"duty", "admin"} and actor.name != hold.placed_by:
            raise NotAllowed(
                f"{hold.placed_by} placed this hold.",
                "They, the duty officer or an admin release it.",
            )
        require_releasable(tx, hold)
        store.release(tx, hold_id, actor.name, now)
        remember(tx, actor.by(now, told(hold)), "release_hold")
    note_decisions(context)
    return hold


def list_holds(context: Context, actor: Actor, *, every: bool = False) -> list[Hold]:
    """The holds that stand, or every one there was."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return store.every(tx) if every else store.active(tx, context.now())


def told(hold: Hold) -> str:
    """A hold in words."""
    what = (
        "everything" if hold.scope is HoldScope.EVERYTHING else f"{hold.scope.value} {hold.value}"
    )
    return f"{hold.placed_by} holds {what}: {hold.reason}"

"""What needs a person: each delivery with what can be decided about it now, and why not the rest."""

from __future__ import annotations

from social_scheduler.campaign.schema import Kind
from social_scheduler.lifecycle import (
    INBOX,
    PEOPLE,
    DeliveryState,
    PostState,
    Thing,
    steps_from,
)
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.views import Act, Block, Entry
from social_scheduler.store import batches
from social_scheduler.store import reading as store
from social_scheduler.store.batches import Last
from social_scheduler.store.reading import DeliveryLine, PostLine

WORST_FIRST = (
    DeliveryState.PUBLISHED,
    DeliveryState.PARTIAL,
    DeliveryState.UNCONFIRMED,
    DeliveryState.FAILED,
    DeliveryState.MISSED,
)
"""What is public and wrong comes before what may be, and that before what is not said.

`published` stands here for: live, but not as approved.
"""
NAMED = 150
SETTLES = "The duty officer or a reviewer settles this."


def alarm_counts(context: Context, actor: Actor) -> list[tuple[DeliveryState, int]]:
    """How many deliveries wait for a person, by state, the worst first; for every page."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        counts = store.alarm_counts(tx)
    return [(state, counts[state]) for state in WORST_FIRST if state in counts]


def entries(
    context: Context, actor: Actor, *, seen: bool = False, limit: int = 20, offset: int = 0
) -> list[Block]:
    """A page of what waits for a person (or, `seen`, of what somebody acknowledged), by post.

    The earliest due first. `limit` and `offset` count deliveries.
    """
    actor.require(Right.READ)
    with context.database.read() as tx:
        lines = store.alarms(tx, seen=seen, limit=limit, offset=offset)
        posts = list(dict.fromkeys(line.post_id for line in lines))
        heads = store.heads_of(tx, posts)
        states = batches.states_of(tx, posts)
        last = batches.last_of(tx, [line.id for line in lines])
        words = batches.first_words(tx, lines)
    found = []
    for post_id in posts:
        head, revision = heads[post_id]
        mine = [
            Entry(
                line, words[line.id], last[line.id], _acts(actor, head, line, last[line.id], seen)
            )
            for line in lines
            if line.post_id == post_id
        ]
        together = revision.release == "together" and len(states[post_id]) > 1
        found.append(Block(head, tuple(mine), together, tuple(states[post_id])))
    return found


def holdable(context: Context, actor: Actor) -> dict[str, list[str]]:
    """What a hold can name, by scope: what still has something to send, at most NAMED each."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        names = batches.held_names(tx)
    return {scope.value: found[:NAMED] for scope, found in names.items()} | {"kind": list(Kind)}


def _acts(
    actor: Actor, post: PostLine, line: DeliveryLine, last: Last, seen: bool
) -> tuple[Act, ...]:
    """What the lifecycle lets people do from here, in its order; each perhaps not by this person."""
    people = [r.step for r in steps_from(Thing.DELIVERY, line.state) if set(r.who) & set(PEOPLE)]
    names = [s for s in people if s in ("it_is_live", "send_again", "remove")]
    if line.state in INBOX and line.state is not DeliveryState.PARTIAL:
        names.append("leave" if line.live_at and "leave" in people else "drop")
    if line.state in (DeliveryState.PARTIAL, DeliveryState.PUBLISHED) and not seen:
        names.append("acknowledge")
    return tuple(Act(name, _why_not(actor, post, line, last, name)) for name in names)


def _why_not(actor: Actor, post: PostLine, line: DeliveryLine, last: Last, name: str) -> str:
    if Right.SETTLE not in actor.rights:
        return SETTLES
    if name != "send_again":
        return ""
    if actor.id in post.authors or actor.name == post.owner.casefold():
        return "You wrote it; somebody else sends it again."
    if last.taken_down:
        return "A part of it was taken down; the thread cannot go on."
    if line.revision != post.revision and line.live_at is None:
        return "It was edited since; these are its earlier words."
    match post.state:
        case PostState.APPROVED | PostState.IN_REVIEW:
            return ""
        case PostState.WITHDRAWN:
            return "The post is withdrawn."
        case _:
            return "Changes were requested; its author edits it first."

"""States and steps of posts, deliveries and parts, as one table.

No other module decides what may follow what: `store/steps.py` refuses a step that is not in
the table, and docs/lifecycle.md is rendered from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Thing(StrEnum):
    """What has a state."""

    POST = "post"
    DELIVERY = "delivery"
    PART = "part"


class Who(StrEnum):
    """Who takes a step. People are named by role; the policy and rights decide which person."""

    AUTHOR = "author"
    REVIEWER = "reviewer"
    DUTY = "duty"
    WORKER = "worker"
    RECONCILER = "reconciler"


class PostState(StrEnum):
    """Where a post stands in review."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class DeliveryState(StrEnum):
    """Where one post to one account stands."""

    SCHEDULED = "scheduled"
    LEASED = "leased"
    SENDING = "sending"
    PUBLISHED = "published"
    FAILED = "failed"
    PARTIAL = "partial"
    UNCONFIRMED = "unconfirmed"
    MISSED = "missed"
    CANCELLED = "cancelled"
    REMOVED = "removed"


class PartState(StrEnum):
    """Where one call of a delivery stands."""

    WAITING = "waiting"
    SENDING = "sending"
    LIVE = "live"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"
    REMOVED = "removed"


STATES: dict[Thing, type[StrEnum]] = {
    Thing.POST: PostState,
    Thing.DELIVERY: DeliveryState,
    Thing.PART: PartState,
}

_MEANING: dict[Thing, dict[str, str]] = {
    Thing.POST: {
        PostState.DRAFT: "Being written; nobody is asked to look yet.",
        PostState.IN_REVIEW: "Waiting for enough people to approve exactly these words and this time.",
        PostState.CHANGES_REQUESTED: "A reviewer said no, with a reason; the author edits.",
        PostState.APPROVED: "Enough people approved these words and this time in every language.",
        PostState.WITHDRAWN: "Will never be said; its deliveries are cancelled.",
    },
    Thing.DELIVERY: {
        DeliveryState.SCHEDULED: "Waits for its due time and for approval.",
        DeliveryState.LEASED: "One worker has it and will begin; nothing has been sent.",
        DeliveryState.SENDING: "The intent is written down; a call may be under way.",
        DeliveryState.PUBLISHED: "Every part is live, and we have the address of each.",
        DeliveryState.FAILED: "The network refused; nothing of it is live.",
        DeliveryState.PARTIAL: "Some parts of a thread are live and it cannot go on by itself.",
        DeliveryState.UNCONFIRMED: "A call may have gone through; nobody repeats it unasked.",
        DeliveryState.MISSED: "Its window closed before it could be sent; a person decides.",
        DeliveryState.CANCELLED: "A person stopped it before anything was sent, or dropped it.",
        DeliveryState.REMOVED: "It was live and was taken down.",
    },
    Thing.PART: {
        PartState.WAITING: "Not sent.",
        PartState.SENDING: "The intent is written down; the call may be under way.",
        PartState.LIVE: "Live, with its address.",
        PartState.REFUSED: "The network said no.",
        PartState.UNCONFIRMED: "May be live.",
        PartState.REMOVED: "Was live and was taken down.",
    },
}


def meaning(thing: Thing, state: str) -> str:
    """What a state says of a thing, in one line."""
    return _MEANING[thing][state]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: `thing` goes from `sources` by `step` to `target`, done by `who`."""

    thing: Thing
    sources: tuple[StrEnum, ...]
    step: str
    target: StrEnum
    who: tuple[Who, ...]
    meaning: str


P, D, T = PostState, DeliveryState, PartState
PEOPLE = (Who.DUTY, Who.REVIEWER)
BEFORE_THE_END = (P.DRAFT, P.IN_REVIEW, P.CHANGES_REQUESTED, P.APPROVED)
NEEDS_A_PERSON = (D.FAILED, D.MISSED, D.PARTIAL, D.UNCONFIRMED)


def _post(
    sources: Iterable[PostState], step: str, target: PostState, who: Who, meaning: str
) -> Rule:
    return Rule(Thing.POST, tuple(sources), step, target, (who,), meaning)


def _delivery(
    sources: Iterable[DeliveryState],
    step: str,
    target: DeliveryState,
    who: tuple[Who, ...],
    meaning: str,
) -> Rule:
    return Rule(Thing.DELIVERY, tuple(sources), step, target, who, meaning)


def _part(
    sources: Iterable[PartState], step: str, target: PartState, who: tuple[Who, ...], meaning: str
) -> Rule:
    return Rule(Thing.PART, tuple(sources), step, target, who, meaning)


WORKER, RECONCILER = (Who.WORKER,), (Who.RECONCILER,)

RULES: tuple[Rule, ...] = (
    _post([P.DRAFT], "submit", P.IN_REVIEW, Who.AUTHOR, "The author asks for review."),
    _post(
        [P.IN_REVIEW],
        "approve",
        P.APPROVED,
        Who.REVIEWER,
        "The approval that makes them enough by policy.",
    ),
    _post(
        [P.IN_REVIEW, P.APPROVED],
        "request_changes",
        P.CHANGES_REQUESTED,
        Who.REVIEWER,
        "A reviewer gives a reason, while anything is left to send; every approval of this "
        "revision ends.",
    ),
    _post(
        [P.APPROVED],
        "void",
        P.IN_REVIEW,
        Who.REVIEWER,
        "An approval stopped counting (its giver may no longer approve); review starts over.",
    ),
    _post(
        [P.IN_REVIEW, P.APPROVED],
        "move",
        P.IN_REVIEW,
        Who.AUTHOR,
        "Only the time changed: the words stay approved, the new window needs one person.",
    ),
    _post(
        BEFORE_THE_END,
        "edit",
        P.DRAFT,
        Who.AUTHOR,
        "A new revision; earlier approvals do not count.",
    ),
    _post(BEFORE_THE_END, "withdraw", P.WITHDRAWN, Who.AUTHOR, "Never to be said."),
    _delivery(
        [D.SCHEDULED], "claim", D.LEASED, WORKER, "One worker takes it, with a lease and a fence."
    ),
    _delivery(
        [D.LEASED], "begin", D.SENDING, WORKER, "The last look passed and the intent is durable."
    ),
    _delivery(
        [D.LEASED],
        "release",
        D.SCHEDULED,
        WORKER,
        "The last look said no, or the lease ran out; the reason is written down.",
    ),
    _delivery([D.SCHEDULED, D.LEASED], "miss", D.MISSED, WORKER, "The window closed."),
    _delivery(
        [D.SCHEDULED, D.LEASED],
        "cancel",
        D.CANCELLED,
        (Who.AUTHOR, Who.REVIEWER, Who.DUTY),
        "Stopped by a person before anything was sent.",
    ),
    _delivery(
        [D.LEASED, D.FAILED, D.MISSED],
        "reword",
        D.SCHEDULED,
        (Who.AUTHOR,),
        "The post was edited before anything of it was live; the new words need approval.",
    ),
    _delivery([D.SENDING], "proceed", D.SENDING, WORKER, "One part is live; the thread goes on."),
    _delivery([D.SENDING], "confirm", D.PUBLISHED, WORKER, "The last part is live."),
    _delivery(
        [D.SENDING],
        "postpone",
        D.SCHEDULED,
        WORKER,
        "Certainly not sent: tried again later inside the window; the due time never changes.",
    ),
    _delivery(
        [D.SENDING, D.LEASED], "refuse", D.FAILED, WORKER, "Refused, and nothing of it is live."
    ),
    _delivery(
        [D.SENDING, D.LEASED, D.SCHEDULED],
        "stop",
        D.PARTIAL,
        WORKER,
        "A part is live and the rest cannot go on.",
    ),
    _delivery(
        [D.UNCONFIRMED],
        "leave",
        D.PARTIAL,
        PEOPLE,
        "A person lets the unclear rest be; what is live of it stays in sight.",
    ),
    _delivery([D.SENDING], "lose", D.UNCONFIRMED, WORKER, "The answer was lost: it may be live."),
    _delivery(
        [D.UNCONFIRMED],
        "found",
        D.PUBLISHED,
        RECONCILER,
        "Found on the network; all parts are live.",
    ),
    _delivery(
        [D.UNCONFIRMED],
        "resume",
        D.SCHEDULED,
        (*RECONCILER, *PEOPLE),
        "The unclear part was found live; the thread goes on at the next.",
    ),
    _delivery(
        [D.UNCONFIRMED],
        "absent",
        D.SCHEDULED,
        RECONCILER,
        "It is proved that nothing was sent (never by absence alone).",
    ),
    _delivery(
        NEEDS_A_PERSON,
        "it_is_live",
        D.PUBLISHED,
        PEOPLE,
        "A person looked and gives the address.",
    ),
    _delivery(
        [D.UNCONFIRMED, D.FAILED, D.MISSED], "drop", D.CANCELLED, PEOPLE, "A person lets it be."
    ),
    _delivery(
        NEEDS_A_PERSON,
        "send_again",
        D.SCHEDULED,
        PEOPLE,
        "With a new window, in that person's name.",
    ),
    _delivery(
        [D.PUBLISHED, D.PARTIAL], "remove", D.REMOVED, PEOPLE, "Taken down from the network."
    ),
    _part([T.WAITING], "begin", T.SENDING, WORKER, "The intent is durable."),
    _part([T.SENDING], "confirm", T.LIVE, WORKER, "The network gave its address."),
    _part(
        [T.WAITING],
        "follow",
        T.LIVE,
        (*WORKER, *PEOPLE),
        "It went live in the call of the part before it.",
    ),
    _part([T.SENDING], "postpone", T.WAITING, WORKER, "Certainly not sent."),
    _part([T.SENDING], "refuse", T.REFUSED, WORKER, "The network said no."),
    _part([T.SENDING], "lose", T.UNCONFIRMED, WORKER, "The answer was lost."),
    _part([T.UNCONFIRMED], "found", T.LIVE, RECONCILER, "Found on the network."),
    _part(
        [T.UNCONFIRMED], "absent", T.WAITING, RECONCILER, "The network proves that it is not there."
    ),
    _part(
        [T.UNCONFIRMED, T.WAITING, T.REFUSED],
        "it_is_live",
        T.LIVE,
        PEOPLE,
        "A person looked and gives the address.",
    ),
    _part([T.UNCONFIRMED, T.REFUSED], "send_again", T.WAITING, PEOPLE, "A person says so."),
    _part([T.LIVE], "remove", T.REMOVED, PEOPLE, "Taken down."),
)

_BY_STEP: dict[tuple[Thing, str], Rule] = {(r.thing, r.step): r for r in RULES}
if len(_BY_STEP) != len(RULES):  # a step name means one thing per kind of thing
    raise AssertionError("the lifecycle table names a step twice")

FINAL = frozenset({D.PUBLISHED, D.CANCELLED, D.REMOVED})
"""Deliveries that need nothing more from anybody."""

OPEN = frozenset({D.SCHEDULED, D.LEASED})
"""Deliveries of which nothing can be live through the current attempt; edits still reach them."""

INBOX = frozenset(NEEDS_A_PERSON)
"""Deliveries that wait for a person."""


def rule(thing: Thing, step: str) -> Rule:
    """The table's row for `step`; KeyError is a programming mistake."""
    return _BY_STEP[thing, step]


def steps_from(thing: Thing, state: StrEnum) -> list[Rule]:
    """What may happen next, in the table's order."""
    return [r for r in RULES if r.thing is thing and state in r.sources]

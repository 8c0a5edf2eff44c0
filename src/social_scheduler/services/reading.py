"""What people look at: their reviews, one post whole, what was published, what needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.message import Limits, Message
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.approval import LanguageVerdict, judge_revision
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.services.review import find_post
from social_scheduler.store import holds as hold_store
from social_scheduler.store import people as people_store
from social_scheduler.store import reading as store
from social_scheduler.store import review as review_store
from social_scheduler.store.database import Transaction
from social_scheduler.store.reading import DeliveryLine, PostLine
from social_scheduler.store.tables import Part
from social_scheduler.text import LENGTHS


@dataclass(frozen=True, slots=True)
class PictureView:
    """One picture of a part."""

    sha256: str
    alt: str
    kind: str


@dataclass(frozen=True, slots=True)
class PartView:
    """One part as it will be said: its words, and how long the network counts them."""

    number: int
    text: str
    length: int
    limit: int
    counted_in: str
    pictures: tuple[PictureView, ...]
    state: str | None
    url: str | None
    live_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """What one account says, and how its delivery stands."""

    account: str
    platform: str
    handle: str
    language: str
    link: str | None
    parts: tuple[PartView, ...]
    delivery: DeliveryLine | None


@dataclass(frozen=True, slots=True)
class LanguageView:
    """One language of a post: what is said, and how its approval stands."""

    language: str
    verdict: LanguageVerdict
    messages: tuple[MessageView, ...]

    @property
    def approved_by(self) -> list[str]:
        """Those whose approval counts, in order."""
        return list(dict.fromkeys(a.person for a in self.verdict.approvals))


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One line of what happened."""

    at: datetime
    who: str
    step: str
    post: str | None
    account: str | None
    part: int | None
    source: str | None
    target: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class PostView:
    """One post whole."""

    line: PostLine
    not_before: datetime
    tags: tuple[str, ...]
    release: str
    place: str
    written_by: tuple[str, ...]
    languages: tuple[LanguageView, ...]
    history: tuple[HistoryView, ...]
    removed_from_file_at: datetime | None

    @property
    def missing(self) -> dict[str, str]:
        """What each language still needs; nothing when it may go out."""
        return {v.language: m for v in self.languages if (m := v.verdict.verdict.missing)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post that waits for approval, with what it lacks, and whether this person can give it."""

    line: PostLine
    missing: dict[str, str]
    mine: tuple[str, ...]
    why_not: str


def awaiting(context: Context, actor: Actor, *, everybody: bool = False) -> list[Waiting]:
    """Posts in review that this person can approve (or all), nearest deadline first."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        lines = store.post_lines(tx, [PostState.IN_REVIEW])
        found = [_waiting(tx, actor, line) for line in lines if line.not_after > context.now()]
    return [w for w in found if everybody or w.mine]


def _waiting(tx: Transaction, actor: Actor, line: PostLine) -> Waiting:
    revision = review_store.revision_of(tx, line.id, line.revision)
    verdicts = judge_revision(tx, revision)
    missing = {k: v.verdict.missing for k, v in verdicts.items() if v.verdict.missing}
    why_not = _why_not(actor, line, missing, verdicts)
    mine = () if why_not else tuple(k for k in missing if _can_give(actor, verdicts[k]))
    return Waiting(line, missing, mine, why_not)


def _can_give(actor: Actor, verdict: LanguageVerdict) -> bool:
    given = any(
        a.person_id == actor.id and a.window_digest == verdict.window_digest
        for a in verdict.approvals
    )
    return verdict.language in actor.languages and not given


def _why_not(
    actor: Actor,
    line: PostLine,
    missing: dict[str, str],
    verdicts: dict[str, LanguageVerdict],
) -> str:
    """Why this person cannot approve it now; empty when they can."""
    if Right.APPROVE not in actor.rights:
        return "You are not a reviewer."
    if actor.id in line.authors or actor.name == line.owner:
        return "You wrote it; somebody else approves it."
    if not set(missing) & actor.languages:
        return f"It is missing {', '.join(missing)}, which you are not enrolled to read."
    if not any(_can_give(actor, verdicts[k]) for k in missing):
        return "You approved it already; one person counts once."
    return ""


def why_not_approve(context: Context, actor: Actor, reference: str) -> str:
    """Why this person cannot approve this post now; empty when they can."""
    with context.database.read() as tx:
        post, _ = find_post(tx, reference)
        if post.state is not PostState.IN_REVIEW:
            return f"It is {post.state.value.replace('_', ' ')}."
        line = next(x for x in store.post_lines(tx, [PostState.IN_REVIEW]) if x.id == post.id)
        return _waiting(tx, actor, line).why_not


def show(context: Context, actor: Actor, reference: str) -> PostView:
    """One post with its exact words per account, approvals, deliveries and history."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        post, revision = find_post(tx, reference)
        line = next(x for x in store.post_lines(tx, [post.state]) if x.id == post.id)
        deliveries = {d.account: d for d in store.delivery_lines(tx, post_id=post.id)}
        parts = store.parts_of(tx, [d.id for d in deliveries.values()])
        people = people_store.names_by_id(tx)
        languages = tuple(
            LanguageView(
                verdict.language,
                verdict,
                tuple(
                    _message(context, m, deliveries.get(m.account), parts)
                    for m in review_store.messages_of(tx, post.id, revision.number)
                    if m.language == verdict.language
                ),
            )
            for verdict in judge_revision(tx, revision).values()
        )
        return PostView(
            line=line,
            not_before=revision.not_before,
            tags=tuple(revision.tags),
            release=revision.release,
            place=revision.place,
            written_by=tuple(people.get(a, "?") for a in revision.authors),
            languages=languages,
            history=tuple(_history(tx, post.id, 500)),
            removed_from_file_at=post.removed_from_file_at,
        )


def _message(
    context: Context,
    stored: review_store.StoredMessage,
    delivery: DeliveryLine | None,
    parts: dict[int, list[Part]],
) -> MessageView:
    message = Message.from_canonical(stored.body)
    limits = context.platforms[message.platform].limits
    rows = {p.number: p for p in parts.get(delivery.id, [])} if delivery else {}
    return MessageView(
        account=stored.account,
        platform=message.platform,
        handle=delivery.handle if delivery else stored.account,
        language=message.language,
        link=message.link,
        parts=tuple(
            _part(number, message, limits, rows.get(number))
            for number in range(1, len(message.parts) + 1)
        ),
        delivery=delivery,
    )


def _part(number: int, message: Message, limits: Limits, row: Part | None) -> PartView:
    said = message.parts[number - 1]
    return PartView(
        number=number,
        text=said.text,
        length=LENGTHS[limits.counted_in](said.text),
        limit=limits.text,
        counted_in=limits.counted_in,
        pictures=tuple(PictureView(m.sha256, m.alt, m.type) for m in said.media),
        state=row.state.value if row else None,
        url=row.url if row else None,
        live_at=row.live_at if row else None,
    )


def posts(context: Context, actor: Actor) -> list[PostLine]:
    """Every post, the earliest due first."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return store.post_lines(tx)


def published(context: Context, actor: Actor, *, limit: int = 200) -> list[DeliveryLine]:
    """What is live, newest first, with addresses and proofs."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return store.delivery_lines(
            tx, states=[DeliveryState.PUBLISHED], newest_first=True, limit=limit
        )


def inbox(context: Context, actor: Actor) -> list[DeliveryLine]:
    """What waits for a person to decide."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return store.alarms(tx)


def coming(context: Context, actor: Actor) -> list[DeliveryLine]:
    """What is scheduled or on its way, the earliest due first."""
    actor.require(Right.READ)
    states = [DeliveryState.SCHEDULED, DeliveryState.LEASED, DeliveryState.SENDING]
    with context.database.read() as tx:
        return store.delivery_lines(tx, states=states)


def history(
    context: Context, actor: Actor, reference: str | None = None, *, limit: int = 200
) -> list[HistoryView]:
    """What happened, oldest first: to one post, or to everything."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        post_id = find_post(tx, reference)[0].id if reference else None
        return _history(tx, post_id, limit)


def standing_holds(context: Context) -> list[str]:
    """The holds that stand now, in words; shown on every page."""
    with context.database.read() as tx:
        return [told(hold) for hold in hold_store.active(tx, context.now())]


def _history(tx: Transaction, post_id: int | None, limit: int) -> list[HistoryView]:
    return [
        HistoryView(
            row.at, row.who, row.step, post, account, row.part, row.source, row.target, row.why
        )
        for row, post, account in store.history(tx, post_id=post_id, limit=limit)
    ]

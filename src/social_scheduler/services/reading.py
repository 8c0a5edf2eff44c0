"""What people look at: their reviews, one post whole, what was published, what needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from social_scheduler.errors import NotFound
from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.message import Message
from social_scheduler.preview import PartLook, look_of
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.approval import LanguageVerdict, judge_revision
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.services.review import find_post
from social_scheduler.services.views import (
    HistoryView,
    LanguageView,
    Listed,
    MessageView,
    PartView,
    PictureView,
    PostView,
    Waiting,
)
from social_scheduler.store import batches
from social_scheduler.store import holds as hold_store
from social_scheduler.store import people as people_store
from social_scheduler.store import reading as store
from social_scheduler.store import review as review_store
from social_scheduler.store.database import Transaction
from social_scheduler.store.reading import DeliveryLine, PostLine
from social_scheduler.store.tables import Part, Post, Revision

__all__ = [
    "HistoryView",
    "LanguageView",
    "Listed",
    "MessageView",
    "PartView",
    "PictureView",
    "PostView",
    "Waiting",
    "awaiting",
    "coming",
    "history",
    "inbox",
    "posts",
    "posts_page",
    "published",
    "published_words",
    "show",
    "standing_holds",
    "why_not_approve",
]

NOT_IN_REVIEW = {
    PostState.DRAFT: "It is a draft; nobody is asked yet.",
    PostState.CHANGES_REQUESTED: "Changes were requested; its author edits it first.",
    PostState.APPROVED: "It is approved.",
    PostState.WITHDRAWN: "It is withdrawn.",
}
"""Why nobody approves a post that is not in review."""


def awaiting(
    context: Context, actor: Actor, *, everybody: bool = False, limit: int | None = None
) -> list[Waiting]:
    """Posts in review that this person can approve (or all), nearest deadline first.

    With `limit`, only that many posts in review are looked at.
    """
    actor.require(Right.READ)
    with context.database.read() as tx:
        found = _waiting_of(tx, actor, store.lines_in_review(tx, context.now(), limit))
    return [w for w in found if everybody or w.mine]


def _waiting_of(
    tx: Transaction, actor: Actor, lines: Sequence[tuple[PostLine, Revision]]
) -> list[Waiting]:
    ids = [line.id for line, _ in lines]
    policy = review_store.policy(tx)
    messages = batches.current_messages(tx, ids)
    approvals = batches.current_approvals(tx, ids)
    found = []
    for line, revision in lines:
        said = messages.get(line.id, [])
        verdicts = judge_revision(
            tx, revision, policy=policy, messages=said, approvals=approvals.get(line.id, [])
        )
        missing, mine, why_not = _can_approve(actor, line, verdicts)
        words: dict[str, str] = {}
        for message in said:
            if message.language not in words:
                words[message.language] = Message.from_canonical(message.body).parts[0].text
        found.append(Waiting(line, missing, mine, why_not, verdicts, words))
    return found


def _can_approve(
    actor: Actor, line: PostLine, verdicts: dict[str, LanguageVerdict]
) -> tuple[dict[str, str], tuple[str, ...], str]:
    """What is missing by language, what of it this person can give, and why not if nothing."""
    missing = {k: v.verdict.missing for k, v in verdicts.items() if v.verdict.missing}
    anew = not missing and line.state is PostState.IN_REVIEW
    if anew:  # moved back to an earlier time, or a policy loosened again
        missing = dict.fromkeys(verdicts, "approved before; awaits one approval anew")
    why_not = _why_not(actor, line, missing, verdicts, anew)
    mine = () if why_not else tuple(k for k in missing if _can_give(actor, verdicts[k], anew))
    return missing, mine, why_not


def _can_give(actor: Actor, verdict: LanguageVerdict, anew: bool) -> bool:
    given = not anew and any(
        a.person_id == actor.id and a.window_digest == verdict.window_digest
        for a in verdict.approvals
    )
    return verdict.language in actor.languages and not given


def _why_not(
    actor: Actor,
    line: PostLine,
    missing: dict[str, str],
    verdicts: dict[str, LanguageVerdict],
    anew: bool,
) -> str:
    """Why this person cannot approve it now; empty when they can."""
    if Right.APPROVE not in actor.rights:
        return "You are not a reviewer."
    if actor.id in line.authors or actor.name == line.owner:
        return "You wrote it; somebody else approves it."
    if not set(missing) & actor.languages:
        return "It waits for languages that you are not enrolled to read."
    if not any(_can_give(actor, verdicts[k], anew) for k in missing):
        return "You approved it already; one person counts once."
    return ""


def why_not_approve(context: Context, actor: Actor, reference: str) -> str:
    """Why this person cannot approve this post now; empty when they can."""
    with context.database.read() as tx:
        line, revision, _ = _find(tx, reference)
        if line.state is not PostState.IN_REVIEW:
            return NOT_IN_REVIEW[line.state]
        return _waiting_of(tx, actor, [(line, revision)])[0].why_not


def _find(tx: Transaction, reference: str) -> tuple[PostLine, Revision, Post]:
    campaign, _, key = reference.partition("/")
    found = store.line_of(tx, campaign, key)
    if found is None:
        raise NotFound(
            f"There is no post {reference!r}.",
            "Write campaign/post, as social-scheduler review list shows it.",
        )
    return found


def show(context: Context, actor: Actor, reference: str) -> PostView:
    """One post with its exact words per account, approvals, deliveries and history."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        line, revision, post = _find(tx, reference)
        deliveries = {
            found[0].account: found for found in batches.whole_deliveries(tx, line.id, reference)
        }
        people = people_store.names_by_id(tx)
        messages = review_store.messages_of(tx, line.id, revision.number)
        verdicts = judge_revision(tx, revision, messages=messages)
        languages = tuple(
            LanguageView(
                verdict.language,
                verdict,
                tuple(
                    _message(
                        context,
                        m,
                        *deliveries.get(m.account, (None, [], {})),
                    )
                    for m in messages
                    if m.language == verdict.language
                ),
            )
            for verdict in (verdicts[k] for k in dict.fromkeys(m.language for m in messages))
        )
        _, mine, why_not = _can_approve(actor, line, verdicts)
        if line.state is not PostState.IN_REVIEW:
            mine, why_not = (), NOT_IN_REVIEW[line.state]
        past = _history(tx, line.id, 500)
        asked = line.state is PostState.CHANGES_REQUESTED
        return PostView(
            line=line,
            not_before=revision.not_before,
            tags=tuple(revision.tags),
            release=revision.release,
            place=revision.place,
            written_by=tuple(people.get(a, "?") for a in revision.authors),
            languages=languages,
            history=tuple(past),
            removed_from_file_at=post.removed_from_file_at,
            mine=mine,
            why_not=why_not,
            changes_requested=next(
                (h for h in reversed(past) if asked and h.step == "request_changes"), None
            ),
            others=tuple(
                d
                for d, _, _ in deliveries.values()
                if d.account not in {m.account for m in messages}
            ),
        )


def _message(
    context: Context,
    stored: review_store.StoredMessage,
    delivery: DeliveryLine | None,
    parts: Sequence[Part],
    told: Mapping[str, int],
) -> MessageView:
    message = Message.from_canonical(stored.body)
    look = look_of(message, context.platforms[message.platform].limits.told(told))
    rows = {p.number: p for p in parts}
    return MessageView(
        account=stored.account,
        platform=message.platform,
        handle=delivery.handle if delivery else stored.account,
        language=message.language,
        link=message.link,
        parts=tuple(
            _part(number, message, shown, rows.get(number))
            for number, shown in enumerate(look.parts, start=1)
        ),
        delivery=delivery,
        warning=look.warning,
        told=look.told,
    )


def _part(number: int, message: Message, look: PartLook, row: Part | None) -> PartView:
    said = message.parts[number - 1]
    return PartView(
        number=number,
        text=said.text,
        length=look.length,
        limit=look.limit,
        counted_in=look.counted_in,
        pictures=tuple(
            PictureView(m.sha256, m.alt, m.type, m.captions.sha256 if m.captions else None)
            for m in said.media
        ),
        state=row.state.value if row else None,
        url=row.url if row else None,
        live_at=row.live_at if row else None,
        look=look,
    )


def posts(context: Context, actor: Actor) -> list[Listed]:
    """Every post, the earliest due first."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        states = batches.states_of(tx)
        return [Listed(x, tuple(states.get(x.id, ()))) for x in store.post_lines(tx)]


def posts_page(
    context: Context, actor: Actor, *, past: bool = False, limit: int = 50, offset: int = 0
) -> list[Listed]:
    """One page of posts: those to come, the earliest first, or the past ones, the latest first."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        lines = store.page_of_lines(tx, context.now(), past=past, limit=limit, offset=offset)
        states = batches.states_of(tx, [line.id for line in lines])
    return [Listed(line, tuple(states.get(line.id, ()))) for line in lines]


def published(context: Context, actor: Actor, *, limit: int = 200) -> list[DeliveryLine]:
    """What is live, newest first, with addresses and proofs."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return _published(tx, limit)


def published_words(
    context: Context, actor: Actor, *, limit: int
) -> list[tuple[DeliveryLine, str]]:
    """The same, each with the first words of what it says, whole."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        lines = _published(tx, limit)
        words = batches.first_words(tx, lines)
    return [(line, words[line.id]) for line in lines]


def _published(tx: Transaction, limit: int) -> list[DeliveryLine]:
    states = [DeliveryState.PUBLISHED]
    return store.delivery_lines(tx, states=states, newest_first=True, limit=limit)


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

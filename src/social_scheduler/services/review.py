"""Review: approve exactly what was shown, request changes, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound, Stale
from social_scheduler.lifecycle import FINAL, PostState
from social_scheduler.policy import Policy
from social_scheduler.services.actor import Actor, Right, rights_of
from social_scheduler.services.approval import LanguageVerdict, judge_revision
from social_scheduler.services.context import Context
from social_scheduler.services.decisions import note_decisions
from social_scheduler.services.enqueue import withdraw_post
from social_scheduler.store import people as people_store
from social_scheduler.store import review as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import By, remember, step_post
from social_scheduler.store.tables import Post, Revision


@dataclass(frozen=True, slots=True)
class Shown:
    """The digests of what a person was shown of one language."""

    content_digest: str
    window_digest: str


def approve(
    context: Context, actor: Actor, reference: str, shown: Mapping[str, Shown]
) -> dict[str, str]:
    """Approve the languages in `shown`, exactly as they were shown.

    Answers what is still missing, by language; nothing missing means that the post may go out.
    """
    actor.require(Right.APPROVE)
    now = context.now()
    with context.database.write() as tx:
        post, revision = find_post(tx, reference)
        if post.state is not PostState.IN_REVIEW:
            raise Conflict(
                f"{reference} is {_said(post.state)}; it cannot be approved now.",
                _what_instead(post.state),
            )
        may_approve(actor, revision, reference)
        verdicts = judge_revision(tx, revision)
        if not shown:
            raise InvalidInput(
                f"{reference} has no language that {actor.name} reads.",
                f"It is in {', '.join(verdicts)}; ask somebody who reads them.",
            )
        # Moved back to an earlier time, or a policy loosened again: anyone may say yes anew.
        anew = all(v.verdict.enough for v in verdicts.values())
        for language, seen in shown.items():
            _check_shown(actor, reference, verdicts, language, seen, anew=anew)
        store.add_approvals(
            tx,
            [
                {
                    "post_id": post.id,
                    "revision": revision.number,
                    "language": language,
                    "content_digest": seen.content_digest,
                    "window_digest": seen.window_digest,
                    "window_only": False,
                    "person_id": actor.id,
                    "given_at": now,
                }
                for language, seen in shown.items()
            ],
        )
        told = f"revision {revision.number}: {', '.join(shown)}"
        after = judge_revision(tx, revision)
        if all(v.verdict.enough for v in after.values()):
            step_post(tx, post.id, "approve", actor.by(now, told))
        else:
            remember(tx, actor.by(now, told), "approve_one", post_id=post.id)
    return {language: v.verdict.missing for language, v in after.items()}


def request_changes(context: Context, actor: Actor, reference: str, reason: str) -> None:
    """Say no, with a reason, while anything of it is left to send.

    Every approval of this revision ends for good.
    """
    actor.require(Right.APPROVE)
    if not reason.strip():
        raise InvalidInput("A request for changes needs a reason.", "Say what should be different.")
    now = context.now()
    with context.database.write() as tx:
        post, _ = find_post(tx, reference)
        over = all(d.state in FINAL for d in store.deliveries_of(tx, post.id))
        if over and post.state is not PostState.WITHDRAWN:
            raise Conflict(
                f"Nothing of {reference} is left to send; changes cannot be requested now.",
                "Write a correction as a new post. "
                "What is live is taken down with social-scheduler settle remove.",
            )
        if not step_post(tx, post.id, "request_changes", actor.by(now, reason.strip())):
            raise Conflict(
                f"{reference} is {_said(post.state)}; changes cannot be requested now.",
                _what_instead(post.state),
            )
        ids = store.standing_approvals_of_post(tx, post.id)
        store.end_approvals(tx, ids, now, f"{actor.name} requested changes")
    note_decisions(context)


def withdraw(context: Context, actor: Actor, reference: str, reason: str) -> None:
    """Never to be said. What is being sent right now goes on; the answer says so."""
    if Right.APPROVE not in actor.rights:
        actor.require(Right.QUEUE)
    now = context.now()
    with context.database.write() as tx:
        post, _ = find_post(tx, reference)
        withdraw_post(tx, post.id, actor.by(now, reason or None))
        ids = store.standing_approvals_of_post(tx, post.id)
        store.end_approvals(tx, ids, now, f"{actor.name} withdrew the post")
    note_decisions(context)


def end_approvals_of(tx: Transaction, person_id: int, by: By) -> None:
    """After a change of rights: what somebody approved and no longer may, ends for good."""
    person = next(p for p in people_store.everybody(tx) if p.id == person_id)
    rights = rights_of(person.roles) if person.active else frozenset()
    lost = [
        (approval, post_id)
        for approval, post_id, language, window_only in store.standing_approvals_by(tx, person_id)
        if (Right.SETTLE if window_only else Right.APPROVE) not in rights
        or not (window_only or language in person.languages)
    ]
    if not lost:
        return
    store.end_approvals(tx, [a for a, _ in lost], by.at, f"{person.name} may no longer approve")
    for post_id in sorted({p for _, p in lost}):
        post = store.get_post(tx, post_id)
        revision = store.revision_of(tx, post_id, post.revision)
        if post.state is PostState.APPROVED and not all(
            v.verdict.enough for v in judge_revision(tx, revision).values()
        ):
            step_post(tx, post_id, "void", by.because(f"{person.name} may no longer approve"))


def apply_policy(context: Context, actor: Actor, new: Policy) -> None:
    """Put another policy in force, from this moment on, for everything not yet sent."""
    actor.require(Right.ADMIN)
    now = context.now()
    with context.database.write() as tx:
        store.keep_policy(tx, new)
        remember(tx, actor.by(now, new.model_dump_json(exclude_none=True)), "apply_policy")
        for post_id in store.posts_in(tx, [PostState.APPROVED]):
            revision = store.revision_of(tx, post_id, store.get_post(tx, post_id).revision)
            if not all(v.verdict.enough for v in judge_revision(tx, revision).values()):
                step_post(tx, post_id, "void", actor.by(now, "the policy asks for more"))


def find_post(tx: Transaction, reference: str) -> tuple[Post, Revision]:
    """The post `campaign/id` and its current revision."""
    campaign, _, key = reference.partition("/")
    post = store.post_by_reference(tx, campaign, key)
    if post is None:
        raise NotFound(
            f"There is no post {reference!r}.",
            "Write campaign/post, as social-scheduler review list shows it.",
        )
    return post, store.revision_of(tx, post.id, post.revision)


def may_approve(actor: Actor, revision: Revision, reference: str) -> None:
    """NotAllowed for whoever wrote it: two pairs of eyes see everything that is published."""
    if actor.id in revision.authors or actor.name == revision.owner.casefold():
        raise NotAllowed(
            f"{actor.name} wrote {reference} and cannot approve it.",
            "Somebody else who reads its languages has to.",
        )


def _check_shown(
    actor: Actor,
    reference: str,
    verdicts: Mapping[str, LanguageVerdict],
    language: str,
    seen: Shown,
    *,
    anew: bool,
) -> None:
    now = verdicts.get(language)
    if now is None:
        raise NotFound(f"{reference} has no {language}.", f"It is in {', '.join(verdicts)}.")
    if language not in actor.languages:
        raise NotAllowed(
            f"{actor.name} is not enrolled to read {language}.",
            "Approve the languages you read; an admin enrols people for more.",
        )
    if seen.content_digest != now.content_digest:
        raise Stale(
            f"The words of {reference} ({language}) changed since you looked.", "Look again."
        )
    if seen.window_digest != now.window_digest:
        raise Stale(f"The time of {reference} changed since you looked.", "Look again.")
    if not anew and any(
        a.person_id == actor.id and a.window_digest == now.window_digest and not a.window_only
        for a in now.approvals
    ):
        raise Conflict(
            f"{actor.name} approved {reference} ({language}) already; one person counts once.",
            now.verdict.missing and f"So far: {now.verdict.missing}.",
        )


def _said(state: PostState) -> str:
    return state.value.replace("_", " ")


def _what_instead(state: PostState) -> str:
    return {
        PostState.APPROVED: "It has all the approvals it needs.",
        PostState.CHANGES_REQUESTED: "Its author edits it first.",
        PostState.WITHDRAWN: "It will never be said.",
        PostState.DRAFT: "Its author submits it first.",
        PostState.IN_REVIEW: "",
    }[state]

"""Whether a revision is approved: the one judgement that review and the last look share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from social_scheduler.message import Window, approval_digest, content_digest, window_digest
from social_scheduler.policy import Given, Policy, Verdict, judge
from social_scheduler.services.actor import Right, rights_of
from social_scheduler.store import review as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.review import RevisionNow, StoredApproval, StoredMessage
from social_scheduler.store.tables import Revision


@dataclass(frozen=True, slots=True)
class LanguageVerdict:
    """One language of one revision: what an approval of it binds, and whether there are enough."""

    language: str
    content_digest: str
    window_digest: str
    accounts: tuple[str, ...]
    verdict: Verdict
    approvals: tuple[StoredApproval, ...]
    """Those that count."""


def judge_revision(
    tx: Transaction,
    revision: Revision,
    *,
    policy: Policy | None = None,
    window: Window | None = None,
    messages: Sequence[StoredMessage] | None = None,
    approvals: Sequence[StoredApproval] | None = None,
) -> dict[str, LanguageVerdict]:
    """Every language of a revision, by language. Digests are computed from the stored bytes."""
    policy = policy or store.policy(tx)
    if messages is None:
        messages = store.messages_of(tx, revision.post_id, revision.number)
    if approvals is None:
        approvals = store.approvals_of(tx, revision.post_id, revision.number)
    return {
        language: judge_language(
            revision,
            language,
            policy=policy,
            window=window,
            messages=messages,
            approvals=approvals,
        )
        for language in sorted({m.language for m in messages})
    }


def judge_language(
    revision: Revision | RevisionNow,
    language: str,
    *,
    policy: Policy,
    window: Window | None,
    messages: Sequence[StoredMessage],
    approvals: Sequence[StoredApproval],
) -> LanguageVerdict:
    """One language of a revision. Without a window, the revision's own."""
    window = window or Window(revision.due_at, revision.not_before, revision.not_after)
    when = window_digest(window)
    mine = [m for m in messages if m.language == language]
    accounts = tuple(m.account for m in mine)
    words = approval_digest((m.account, content_digest(m.body)) for m in mine)
    given = [a for a in approvals if a.language == language]
    verdict = judge(
        policy.required(revision.kind, accounts, language),
        [_given(a, revision) for a in given],
        content_digest=words,
        window_digest=when,
    )
    counting = tuple(
        a for a in given if counts(a, revision) and (a.window_only or a.content_digest == words)
    )
    return LanguageVerdict(language, words, when, accounts, verdict, counting)


def counts(approval: StoredApproval, revision: Revision | RevisionNow) -> bool:
    """Whether its giver may still approve, reads the language, and did not write the post."""
    if approval.ended_at is not None or not approval.active:
        return False
    if approval.person_id in revision.authors or approval.person == revision.owner.casefold():
        return False
    if approval.window_only:  # "send again": an act of whoever may settle
        return Right.SETTLE in rights_of(approval.roles)
    return Right.APPROVE in rights_of(approval.roles) and approval.language in approval.languages


def _given(approval: StoredApproval, revision: Revision | RevisionNow) -> Given:
    return Given(
        person=approval.person_id,
        content_digest=approval.content_digest,
        window_digest=approval.window_digest,
        counts=counts(approval, revision),
        window_only=approval.window_only,
    )

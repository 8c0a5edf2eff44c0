"""Who must approve what: data, and the one function that decides whether it is enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyRule(_Strict):
    """One rule; it matches a message when every list it gives contains the message's value."""

    kinds: list[str] | None = Field(None, description="Kinds of campaign; left out: every kind.")
    accounts: list[str] | None = Field(None, description="Accounts; left out: every account.")
    languages: list[str] | None = Field(None, description="Languages; left out: every language.")
    approvals: int = Field(ge=1, le=9, description="How many different people must approve.")

    def matches(self, kind: str, account: str, language: str) -> bool:
        """Whether the rule speaks of such a message."""
        return (
            (self.kinds is None or kind in self.kinds)
            and (self.accounts is None or account in self.accounts)
            and (self.languages is None or language in self.languages)
        )


class Policy(_Strict):
    """policy.yaml: of all rules that match, the strictest counts; none matching means never."""

    rules: list[PolicyRule] = Field(description="The rules, in any order.")

    def required(self, kind: str, accounts: Iterable[str], language: str) -> int | None:
        """How many people must approve one language of a post; None: no rule allows it."""
        needed = 0
        for account in accounts:
            matching = [r.approvals for r in self.rules if r.matches(kind, account, language)]
            if not matching:
                return None
            needed = max(needed, *matching)
        return needed or None


DEFAULT_POLICY = Policy(
    rules=[
        PolicyRule(kinds=None, accounts=None, languages=None, approvals=1),
        PolicyRule(
            kinds=["quote", "correction", "condolence", "crisis"],
            accounts=None,
            languages=None,
            approvals=2,
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class Given:
    """One approval that was given, as the database has it."""

    person: int
    content_digest: str
    window_digest: str
    counts: bool
    """Not ended, for this revision and language, by somebody who still may and did not write it."""
    window_only: bool = False
    """Gives a new window and says nothing of the words."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one language of a post may be said, and what is missing if not."""

    required: int | None
    words: int
    window: bool

    @property
    def enough(self) -> bool:
        """Whether words and window are approved."""
        return self.required is not None and self.words >= self.required and self.window

    @property
    def missing(self) -> str:
        """What is still needed, for people; empty when nothing is."""
        if self.required is None:
            return "no rule of the policy allows it"
        if self.words < self.required:
            left = self.required - self.words
            return f"awaits {left}{' more' * (self.words > 0)} approval{'s' * (left > 1)}"
        return "" if self.window else "the new time awaits one approval"


def judge(
    required: int | None, given: Iterable[Given], *, content_digest: str, window_digest: str
) -> Verdict:
    """Count the approvals of exactly these words and this window; each person counts once."""
    people: set[int] = set()
    window = False
    for approval in given:
        if not approval.counts:
            continue
        if not approval.window_only and approval.content_digest != content_digest:
            continue
        if not approval.window_only:
            people.add(approval.person)
        window = window or approval.window_digest == window_digest
    return Verdict(required=required, words=len(people), window=window)

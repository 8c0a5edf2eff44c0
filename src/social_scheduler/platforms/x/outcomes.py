"""Decides what an answer of X, or the lack of one, means: done, or one of the five outcomes.

Only what proves that nothing went out may lead to a repeated post; what nobody foresaw is
unconfirmed. Calls that publish nothing are repeatable, so for them it is `NotSent`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from social_scheduler.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Refused,
    Unauthorized,
    Unconfirmed,
)
from social_scheduler.platforms import _line
from social_scheduler.platforms._line import lost, said_in, undecided

_WINDOW = timedelta(minutes=15)
_DAY = timedelta(hours=24)
_SKEW = timedelta(hours=1)
_CONNECT_AGAIN = "Connect the account again, and see that this machine's clock is right."

# What a 403 says when it is about the account or the app, and not about the words.
_ACCOUNT_TYPES = ("client-forbidden", "oauth1-permissions", "unsupported-authentication")
_ACCOUNT_CODES = {64, 326}
_ACCOUNT_WORDS = re.compile(
    r"account (?:is|has been) (?:suspended|temporarily locked|locked|deactivated)"
    r"|app permissions|attached to a project",
    re.IGNORECASE,
)
_DUPLICATE_CODES = {187, 327}
_DUPLICATE_WORDS = re.compile(r"duplicate content|already (?:retweeted|reposted)", re.IGNORECASE)
_WORDS = ("title", "detail", "message", "reason", "error", "error_description")
"""Where X, and OAuth, say in words what is wrong."""


class Answer(_line.Answer):
    """One complete HTTP answer of X."""

    def problems(self) -> list[dict[str, Any]]:
        """What X complains of: the problem itself, then each of its `errors`."""
        body = self.json() or {}
        more = body.get("errors")
        return [body, *(e for e in (more if isinstance(more, list) else []) if isinstance(e, dict))]

    def codes(self) -> set[int]:
        """The numbers by which X names problems."""
        return {p["code"] for p in self.problems() if isinstance(p.get("code"), int)}

    def words(self) -> str:
        """X's own words on one line, at most 500 characters, without keys and signatures."""
        if self.json() is None:
            return f"{len(self.body)} bytes that are not a JSON object"
        said = dict.fromkeys(said_in(self.problems(), *_WORDS))
        return self.redacted("; ".join(said))[:500] or "no reason given"

    @property
    def evidence(self) -> str:
        """Kept with the attempt: the status, X's words, and the kinds of problem it names."""
        said = dict.fromkeys(said_in(self.problems(), "type"))
        kinds = self.redacted(", ".join(kind.rpartition("/")[2] for kind in said))[:100]
        return f"HTTP {self.status}: {self.words()}" + (f" ({kinds})" if kinds else "")


def judge(answer: Answer, *, publishing: bool, now: datetime) -> dict[str, Any]:
    """The JSON object of a 2xx answer; raises the outcome that any other answer means."""
    if 200 <= answer.status < 300:
        body = answer.json()
        if body is None:
            raise lost(
                publishing, "X answered with something that cannot be read.", answer.evidence
            )
        return body
    match answer.status:
        case 429:
            raise RateLimited(
                "X takes no more from this account for now.",
                until=resumes_at(answer, now),
                evidence=answer.evidence,
            )
        case 401:
            raise Unauthorized(
                "X does not accept this account's keys.", _CONNECT_AGAIN, evidence=answer.evidence
            )
        case 402:
            raise NotSent(
                "X wants to be paid first.",
                "Add API credit in X's developer console.",
                evidence=answer.evidence,
            )
        case 403:
            raise _forbidden(answer, publishing=publishing)
        case 400 | 404 | 413 | 422:
            if publishing and answer.json() is None:
                # Not X's own words but some machine's in between: who knows what it did with ours.
                raise lost(publishing, f"HTTP {answer.status} without X's words.", answer.evidence)
            raise (publishing and _said_before(answer)) or _refused(answer)
    raise undecided(publishing, "X", answer.status, answer.evidence)


def _forbidden(answer: Answer, *, publishing: bool) -> PlatformError:
    if publishing and answer.json() is None:
        return lost(publishing, "HTTP 403 without X's words.", answer.evidence)
    problems = answer.problems()
    said = answer.words()
    if publishing and (before := _said_before(answer)):
        return before
    kinds = tuple(p["type"] for p in problems if isinstance(p.get("type"), str))
    about_account = answer.codes() & _ACCOUNT_CODES or any(
        k.endswith(_ACCOUNT_TYPES) for k in kinds
    )
    if about_account or _ACCOUNT_WORDS.search(said):
        return Unauthorized(
            f"X does not let this account or app act: {said}",
            "Sign in at x.com and at X's developer console, then connect the account again.",
            evidence=answer.evidence,
        )
    return _refused(answer)


def _said_before(answer: Answer) -> Unconfirmed | None:
    """X refuses to repeat: what was said before may be an earlier send of ours."""
    if not (_DUPLICATE_WORDS.search(answer.words()) or answer.codes() & _DUPLICATE_CODES):
        return None
    # X names no id: only a look tells an earlier send of ours from somebody else's post.
    return Unconfirmed(
        "X says this account has said the same before.",
        "Look whether it is live before anything else.",
        evidence=f"duplicate: {answer.evidence}",
    )


def _refused(answer: Answer) -> Refused:
    return Refused(f"X refused: {answer.words()}", evidence=answer.evidence)


def resumes_at(answer: Answer, now: datetime) -> datetime:
    """When X takes more again (UTC).

    `x-rate-limit-reset` counts the window of 15 minutes; the limits of 24 hours have headers of
    their own, which count once nothing is left. Times that cannot be right are not believed.
    """
    resets = [_instant(answer, "x-rate-limit-reset")]
    for day in ("x-user-limit-24hour", "x-app-limit-24hour"):
        if answer.headers.get(f"{day}-remaining") == "0":
            resets.append(_instant(answer, f"{day}-reset"))
    sane = [t for t in resets if t is not None and now - _SKEW < t <= now + _DAY + _SKEW]
    if sane:
        return max(*sane, now + timedelta(seconds=1))
    if any(str(p.get("type", "")).endswith("usage-capped") for p in answer.problems()):
        return now + _DAY
    return now + _WINDOW


def _instant(answer: Answer, header: str) -> datetime | None:
    value = answer.headers.get(header, "")
    if not re.fullmatch(r"[0-9]{1,11}", value):
        return None
    return datetime.fromtimestamp(int(value), UTC)

"""Decides what an answer of a Mastodon server means: done, or one of the five outcomes.

Only what proves that nothing went out may lead to a repeated post; what nobody foresaw is
unconfirmed. Calls that publish nothing are repeatable, so for them it is `NotSent`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from social_scheduler.errors import NotSent, PlatformError, RateLimited, Refused, Unauthorized
from social_scheduler.platforms import _line
from social_scheduler.platforms._line import lost, said_in, undecided

_WINDOW = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=24)
_CONNECT_AGAIN = "Connect the account again."

# What a 403 or 422 says when it is about the keys or the account, and not about the words.
_ABOUT_KEYS = re.compile(
    r"access[ _]token|invalid[_ ](?:token|credentials)|token (?:is|was|has been) (?:invalid|expired|revoked)"
    r"|outside the authorized scopes|insufficient[_ ]scope|not (?:logged|signed) in"
    r"|authenticated user|login is (?:currently )?(?:disabled|pending)|unauthori[sz]ed"
    r"|account (?:is|has been) (?:suspended|disabled|frozen|locked)|missing a confirmed",
    re.IGNORECASE,
)


class Answer(_line.Answer):
    """One complete HTTP answer of a Mastodon server."""

    def words(self) -> str:
        """The server's own words on one line, at most 500 characters, without keys."""
        body = self.any_json()
        if isinstance(body, str):
            return self.redacted(" ".join(body.split()))[:500]
        if not isinstance(body, dict):
            return f"{len(self.body)} bytes that are not a JSON object"
        said = dict.fromkeys(said_in([body], "error", "error_description", "message"))
        return self.redacted("; ".join(said))[:500] or "no reason given"

    @property
    def evidence(self) -> str:
        """Kept with the attempt: the status and the server's words."""
        return f"HTTP {self.status}: {self.words()}"

    @property
    def spoken(self) -> bool:
        """Whether it is the server that speaks, and not some machine in front of it."""
        return self.any_json() is not None


def judge(answer: Answer, *, publishing: bool, now: datetime) -> Any:
    """The JSON of a 2xx answer; raises the outcome that any other answer means."""
    if answer.ok:
        body = answer.any_json()
        if body is None:
            problem = "The server answered with something that cannot be read."
            raise lost(publishing, problem, answer.evidence)
        return body
    match answer.status:
        case 429:
            raise RateLimited(
                "The server takes no more from this account for now.",
                until=resumes_at(answer, now),
                evidence=answer.evidence,
            )
        case 401:
            raise _keys_refused(answer)
        case 400 | 403 | 404 | 406 | 410 | 413 | 422:
            raise _refused(answer, publishing=publishing)
    raise undecided(publishing, "The server", answer.status, answer.evidence)


def _refused(answer: Answer, *, publishing: bool) -> PlatformError:
    if publishing and not answer.spoken:
        # Some machine in between: who knows what it did with our words.
        return lost(
            publishing, f"HTTP {answer.status} without the server's words.", answer.evidence
        )
    if answer.status in (400, 403, 422) and _ABOUT_KEYS.search(answer.words()):
        return _keys_refused(answer)
    return Refused(f"The server refused: {answer.words()}", evidence=answer.evidence)


def _keys_refused(answer: Answer) -> Unauthorized:
    return Unauthorized(
        f"The server does not let this account act: {answer.words()}",
        _CONNECT_AGAIN,
        evidence=answer.evidence,
    )


def resumes_at(answer: Answer, now: datetime) -> datetime:
    """When the server takes more again (UTC).

    `X-RateLimit-Reset` is a date with a zone on Mastodon and Unix seconds on some others;
    `Retry-After` is seconds. Times that cannot be right are not believed.
    """
    until = _instant(answer.headers.get("x-ratelimit-reset", ""))
    after = answer.headers.get("retry-after", "")
    if until is None and re.fullmatch(r"[0-9]{1,6}", after):
        until = now + timedelta(seconds=int(after))
    if until is None or not now - timedelta(hours=1) < until <= now + _LONGEST_WAIT:
        return now + _WINDOW
    return max(until, now + timedelta(seconds=1))


def _instant(value: str) -> datetime | None:
    if re.fullmatch(r"[0-9]{1,11}", value):
        return datetime.fromtimestamp(int(value), UTC)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unnamed(what: str) -> NotSent:
    """The server answered, but not with what was asked for."""
    return NotSent(f"The server answered without {what}.")

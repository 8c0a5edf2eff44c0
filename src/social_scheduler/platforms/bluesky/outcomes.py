"""Decides what an answer of a Bluesky server means: done, or one of the five outcomes.

Only what proves that nothing went out may lead to a repeated post; what nobody foresaw is
unconfirmed. Calls that publish nothing are repeatable, so for them it is `NotSent`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from social_scheduler.errors import NotSent, RateLimited, Refused, Unauthorized
from social_scheduler.platforms import _line
from social_scheduler.platforms._line import lost, said_in, undecided

_PAUSE = timedelta(minutes=5)
_DAY = timedelta(hours=24)
_SKEW = timedelta(hours=1)
_SECONDS = re.compile(r"[0-9]{1,11}")

_OLD_SESSION = frozenset({"ExpiredToken", "InvalidToken"})
_NO_SESSION = frozenset({"AuthMissing", "AuthenticationRequired"})
_ACCOUNT = frozenset(
    {
        "AccountDeactivated",
        "AccountSuspended",
        "AccountTakedown",
        "RepoDeactivated",
        "RepoSuspended",
        "RepoTakendown",
    }
)
SECOND_FACTOR = "AuthFactorTokenRequired"
NOT_THERE = "RecordNotFound"
TAKEN = "InvalidSwap"
NO_SUCH_FILE = "BlobNotFound"


class Answer(_line.Answer):
    """One complete HTTP answer of a Bluesky server."""

    @property
    def problem(self) -> str:
        """The server's name for what went wrong; "" when it gives none."""
        name = (self.json() or {}).get("error")
        return name if isinstance(name, str) else ""

    def words(self) -> str:
        """The server's own words on one line, at most 500 characters, without keys."""
        body = self.json()
        if body is None:
            return f"{len(self.body)} bytes that are not a JSON object"
        return self.redacted("; ".join(said_in([body], "error", "message")))[:500] or "no reason"

    @property
    def evidence(self) -> str:
        """Kept with the attempt: the status and the server's words."""
        return f"HTTP {self.status}: {self.words()}"

    @property
    def session_is_over(self) -> bool:
        """Whether the session is not accepted (any more): nothing was done with the request."""
        if self.status == 401:
            return self.problem in _OLD_SESSION | _NO_SESSION
        return self.status == 400 and self.problem in _OLD_SESSION


def judge(answer: Answer, *, publishing: bool, now: datetime) -> dict[str, Any]:
    """The JSON object of a 2xx answer; raises the outcome that any other answer means."""
    if answer.ok:
        body = answer.json()
        if body is None:
            raise lost(
                publishing, "Bluesky answered with something that cannot be read.", answer.evidence
            )
        return body
    if answer.status == 429:
        raise RateLimited(
            "Bluesky takes no more from this account for now.",
            until=resumes_at(answer, now),
            evidence=answer.evidence,
        )
    if 400 <= answer.status < 500 and answer.problem:
        raise _said_no(answer)
    if 300 <= answer.status < 400 or answer.status >= 500:
        raise undecided(publishing, "Bluesky", answer.status, answer.evidence)
    # Without a problem's name it is not the server's word, but some machine's in between.
    raise lost(publishing, f"HTTP {answer.status} without Bluesky's words.", answer.evidence)


def _said_no(answer: Answer) -> Exception:
    if answer.status == 401 or answer.session_is_over or answer.problem in _ACCOUNT:
        return Unauthorized(
            f"Bluesky does not let this account act: {answer.words()}",
            "Sign in to Bluesky, then connect the account again with a new app password.",
            evidence=answer.evidence,
        )
    if answer.problem == NO_SUCH_FILE:
        return NotSent(
            "Bluesky does not hold a picture or film (any more).",
            "It is uploaded again before the next try.",
            evidence=answer.evidence,
        )
    return Refused(f"Bluesky refused: {answer.words()}", evidence=answer.evidence)


def resumes_at(answer: Answer, now: datetime) -> datetime:
    """When the server takes more again (UTC); times that cannot be right are not believed."""
    found = []
    if reset := _SECONDS.fullmatch(answer.headers.get("ratelimit-reset", "")):
        found.append(datetime.fromtimestamp(int(reset[0]), UTC))
    if pause := _SECONDS.fullmatch(answer.headers.get("retry-after", "")):
        found.append(now + timedelta(seconds=min(int(pause[0]), 2 * _DAY.total_seconds())))
    sane = [t for t in found if now - _SKEW < t <= now + _DAY + _SKEW]
    if not sane:
        return now + _PAUSE
    return max(*sane, now + timedelta(seconds=1))

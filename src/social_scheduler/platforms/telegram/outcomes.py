"""Decides what an answer of Telegram, or the lack of one, means: done, or one of the five outcomes.

Nothing can be looked up afterwards, so whatever Telegram itself did not clearly refuse may be
live. Calls that publish nothing are repeatable, so for them it is `NotSent`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from social_scheduler.errors import PlatformError, RateLimited, Refused, Unauthorized
from social_scheduler.platforms import _line
from social_scheduler.platforms._line import lost, undecided

_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(days=7)

# What a 400 says when it is about the bot's place in the channel, and not about the words.
_ABOUT_CHANNEL = re.compile(
    r"chat not found|chat_id is empty|administrator rights|admin_required|not enough rights"
    r"|have no rights|write_forbidden|_forbidden\b|member list is inaccessible|channel_private"
    r"|user_banned_in_channel|user_not_participant|not a member|participant_id_invalid",
    re.IGNORECASE,
)

# An album is several messages: of the others this says nothing.
_OF_ALBUM = re.compile(r"failed to send message #\d+", re.IGNORECASE)


class Answer(_line.Answer):
    """One complete HTTP answer of Telegram."""

    @property
    def said(self) -> dict[str, Any] | None:
        """The object that every answer of Telegram's is; None when it is something else."""
        body = self.json()
        return body if body is not None and isinstance(body.get("ok"), bool) else None

    def words(self) -> str:
        """Telegram's own words on one line, at most 500 characters, without the token."""
        if self.said is None:
            return f"{len(self.body)} bytes that are not an answer of Telegram's"
        told = self.said.get("description")
        line = " ".join(told.split()) if isinstance(told, str) else ""
        return self.redacted(line)[:500] or "no reason given"

    @property
    def parameters(self) -> dict[str, Any]:
        """What Telegram adds to some refusals."""
        found = (self.said or {}).get("parameters")
        return found if isinstance(found, dict) else {}

    @property
    def evidence(self) -> str:
        """Kept with the attempt: the status and Telegram's words."""
        return f"HTTP {self.status}: {self.words()}"


def judge(answer: Answer, *, publishing: bool, now: datetime) -> Any:
    """The `result` of a successful answer; raises the outcome that any other answer means."""
    body = answer.said
    if answer.ok:
        if body is not None and body["ok"] and "result" in body:
            return body["result"]
        raise lost(
            publishing, "Telegram answered with something that cannot be read.", answer.evidence
        )
    # Without Telegram's own words it is some machine's in between: who knows what it did with ours.
    own = body is not None and not body["ok"]
    match answer.status:
        case 429:
            raise RateLimited(
                "Telegram takes no more for this channel for now.",
                until=resumes_at(answer, now),
                evidence=answer.evidence,
            )
        case 401 | 404 if own:
            raise Unauthorized(
                "Telegram does not accept the bot's token.",
                "Ask BotFather for the bot's token, and connect the account again.",
                evidence=answer.evidence,
            )
        case 403 if own:
            raise _not_let_in(answer)
        case 400 | 413 if own:
            raise _refused(answer, publishing=publishing)
    raise undecided(publishing, "Telegram", answer.status, answer.evidence)


def _refused(answer: Answer, *, publishing: bool) -> PlatformError:
    if publishing and _OF_ALBUM.search(answer.words()):
        problem = "Telegram failed with one message of the album, and does not tell of the others."
        return lost(publishing, problem, answer.evidence)
    if "migrate_to_chat_id" in answer.parameters:
        return Refused(
            "Telegram refused: the group has become another one, with another id.",
            "Connect the account again; approvals are for the old one and never move.",
            evidence=answer.evidence,
        )
    if _ABOUT_CHANNEL.search(answer.words()):
        return _not_let_in(answer)
    return Refused(f"Telegram refused: {answer.words()}", evidence=answer.evidence)


def _not_let_in(answer: Answer) -> Unauthorized:
    return Unauthorized(
        f"Telegram does not let the bot into the channel: {answer.words()}",
        "Make the bot an administrator of the channel who may post, and connect it again.",
        evidence=answer.evidence,
    )


def resumes_at(answer: Answer, now: datetime) -> datetime:
    """When Telegram takes more again (UTC): as it says, else in a minute."""
    seconds = answer.parameters.get("retry_after")
    if type(seconds) is not int or seconds < 1:
        header = answer.headers.get("retry-after", "")
        seconds = int(header) if re.fullmatch(r"[1-9][0-9]{0,6}", header) else None
    if seconds is None:
        return now + _PAUSE
    # Compared before it becomes a time: a server may say any number.
    return now + min(timedelta(seconds=min(seconds, 10**7)), _LONGEST_PAUSE)

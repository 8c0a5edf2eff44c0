"""Telegram: says parts in a channel through a bot of ours, by the Bot API.

The Bot API keeps nothing unseen and shows nothing again. So pictures and films go out in the very
call that publishes them; of an answer that is lost only a person who looks at the channel can
tell; and the message that an answer shows is itself compared with what was approved.

Words go out plain, without Telegram's markup: it makes links, hashtags and mentions by itself.
Importing this package does not load requests: `wire` and what is built on it are imported by the
first call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from social_scheduler.errors import NotSent
from social_scheduler.message import Attachment, Limits, Message
from social_scheduler.platforms import (
    Basics,
    Call,
    Connection,
    Identity,
    Platform,
    Published,
    Recovery,
    RecoveryKind,
    Seen,
    Upload,
)
from social_scheduler.platforms.telegram import seen, words

Clock = Callable[[], datetime]
_ADDRESS = re.compile(
    r"(?:t|telegram)\.me/(?:s/|c/)?[A-Za-z0-9_]{1,64}/([1-9][0-9]{0,17})(?![^/?#])"
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Telegram(Basics):
    """The platform `telegram`; `clock` gives now in UTC, for rate limits."""

    label = "Telegram"
    default_url = "https://api.telegram.org"
    keys: tuple[str, ...] = ("bot_token", "channel")
    recovery = Recovery(RecoveryKind.NONE)
    sends_files = True
    reads_back = False
    # Telegram takes pictures whose sides add up to 10,000 and shows none larger than 2,560.
    limits = Limits(
        text=4096,
        counted_in="utf16",
        text_with_media=1024,
        pictures=10,
        picture_bytes=10_000_000,
        picture_side=2560,
        picture_types=frozenset({"image/jpeg", "image/png"}),
        alt_text=0,
        thread=True,
        films=10,
        film_bytes=50_000_000,
        film_side=1920,
        film_milliseconds=4 * 60 * 60 * 1000,
        options=frozenset({"silent", "preview"}),
    )

    def __init__(self, clock: Clock = _utc_now) -> None:
        self._clock = clock

    def identify(self, connection: Connection) -> Identity:
        """Ask who the channel is, and whether the bot may post in it."""
        from social_scheduler.platforms.telegram import channel, wire

        with wire.line(connection, self._clock) as line:
            return channel.identify(line)

    def check(self, message: Message, limits: Limits) -> Sequence[str]:
        """Characters that Telegram takes out, and shapes of pictures that it refuses."""
        return words.objections(message)

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        """There is no place for it: what Telegram takes, it shows."""
        raise NotSent("Telegram takes no picture before its post.")

    def publish(self, connection: Connection, call: Call) -> Published:
        """Say one part, once, with its pictures and films."""
        from social_scheduler.platforms.telegram import posting, wire

        with wire.line(connection, self._clock) as line:
            return posting.publish(line, call)

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Nobody can: a bot is not shown what stands in a channel."""
        raise NotSent("Telegram shows a bot nothing of its channel.", "Look at the channel.")

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        """Nobody can; what `publish` was answered is the proof."""
        raise NotSent("Telegram shows a bot nothing of its channel.", "Look at the channel.")

    def as_seen(self, call: Call) -> Seen:
        """What an honest answer shows; Telegram has neither alt texts nor languages."""
        return seen.expected(call)

    def id_in(self, url: str) -> str | None:
        """The number at the end of https://t.me/channel/123, or of a private channel's address."""
        found = _ADDRESS.search(url)
        return found[1] if found else None

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Delete every message of the part; gone already is fine."""
        from social_scheduler.platforms.telegram import posting, wire

        with wire.line(connection, self._clock) as line:
            posting.remove(line, remote_id)


PLATFORM: Platform = Telegram()

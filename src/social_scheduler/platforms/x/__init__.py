"""X: says parts through tweepy, on connections of our own, and looks them up again.

Importing this package loads neither tweepy nor requests: `wire` and what is built on it are
imported by the first call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import BinaryIO

from social_scheduler.message import Attachment, Limits
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
from social_scheduler.platforms.x import seen

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class X(Basics):
    """The platform `x`; `clock` gives now in UTC, for rate limits and the ends of uploads."""

    label = "X"
    default_url = "https://api.x.com"
    keys: tuple[str, ...] = ("api_key", "api_secret", "access_token", "access_secret")
    recovery = Recovery(RecoveryKind.SEARCHABLE, settle=(10, 30, 90))
    # GIF is missing on purpose: the one-call upload does not take it (docs.x.com, "Upload media").
    limits = Limits(
        text=280,
        counted_in="weighted",
        pictures=4,
        picture_bytes=5_000_000,
        picture_side=8192,
        picture_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
        alt_text=1000,
        thread=True,
    )

    def __init__(self, clock: Clock = _utc_now) -> None:
        self._clock = clock

    def identify(self, connection: Connection) -> Identity:
        """Ask X whose keys these are."""
        from social_scheduler.platforms.x import timeline, wire

        with wire.line(connection, self._clock) as line:
            return timeline.identify(line)

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        """Hand over one picture with its alt text; X keeps it for a day unless a post uses it."""
        from social_scheduler.platforms.x import media, wire

        with wire.line(connection, self._clock) as line:
            return media.upload(line, item, files[item.sha256])

    def publish(self, connection: Connection, call: Call) -> Published:
        """Say one part, once: a post, or a reply when the call has `reply_to`."""
        from social_scheduler.platforms.x import posting, wire

        with wire.line(connection, self._clock) as line:
            return posting.publish(line, call)

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Look in our own timeline for this part, posted at or after `since`, not in `known`."""
        from social_scheduler.platforms.x import timeline, wire

        with wire.line(connection, self._clock) as line:
            return timeline.find(line, call, since, known)

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        """The post as X shows it; None when it is gone."""
        from social_scheduler.platforms.x import timeline, wire

        with wire.line(connection, self._clock) as line:
            return timeline.read_back(line, remote_id)

    def as_seen(self, call: Call) -> Seen:
        """What an honest copy looks like to `read_back`; X does not tell the language."""
        return seen.expected(call)

    def id_in(self, url: str) -> str | None:
        """The digits after `/status/`, whatever a share link adds behind them."""
        found = re.search(r"/status/(\d{1,19})(?![^/?#])", url)
        return found[1] if found else None

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Delete the post; gone already is fine."""
        from social_scheduler.platforms.x import posting, wire

        with wire.line(connection, self._clock) as line:
            posting.remove(line, remote_id)


PLATFORM: Platform = X()

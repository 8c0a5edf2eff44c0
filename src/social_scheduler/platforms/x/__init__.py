"""X: says parts through tweepy, on connections of our own, and looks them up again.

Importing this package loads neither tweepy nor requests: `wire` and what is built on it are
imported by the first call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from social_scheduler.message import Attachment, Limits, Message
from social_scheduler.platforms import (
    Basics,
    Call,
    Connection,
    Identity,
    Platform,
    Prices,
    Published,
    Recovery,
    RecoveryKind,
    Seen,
    SignIn,
    SignInRequest,
    Upload,
)
from social_scheduler.platforms.x import addresses, checks, keys, seen, sign_in

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class X(Basics):
    """The platform `x`; `clock` gives now in UTC, for rate limits and the ends of uploads."""

    label = "X"
    default_url = "https://api.x.com"
    keys: tuple[str, ...] = keys.OAUTH1
    recovery = Recovery(RecoveryKind.SEARCHABLE, settle=(10, 30, 90))
    # Films: docs.x.com, "Media best practices". Its newest text grants every account 20 minutes
    # and 8 GB, older ones and other pages 140 seconds and 512 MB: what all of them grant holds.
    limits = Limits(
        text=280,
        counted_in="weighted",
        pictures=4,
        picture_bytes=5_000_000,
        picture_side=8192,
        picture_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
        alt_text=1000,
        thread=True,
        films=1,
        film_bytes=512_000_000,
        film_side=1280,
        film_milliseconds=140_000,
        moving_picture_bytes=15_000_000,
        film_alt_text=False,
        captions=True,
        options=frozenset({"replies", "quote", "repost"}),
    )
    # docs.x.com, "X API pricing", as of 2026-11: what a request costs that makes one of these.
    prices: Prices | None = Prices(post=15, post_with_link=200, repost=15)

    def __init__(self, clock: Clock = _utc_now) -> None:
        self._clock = clock
        self.sign_in = SignIn(
            sign_in.address,
            self._exchange,
            keys.APP,
            optional=("client_secret",),
        )

    def identify(self, connection: Connection) -> Identity:
        """Ask X whose keys these are."""
        from social_scheduler.platforms.x import timeline, wire

        with wire.line(connection, self._clock) as line:
            return timeline.identify(line)

    def renew(self, connection: Connection) -> Mapping[str, str] | None:
        """A new pair of OAuth 2 tokens before the old one ends; keys of OAuth 1.0a do not end."""
        return sign_in.renew(connection, self._clock)

    def check(self, message: Message, limits: Limits) -> Sequence[str]:
        """Films, quotes, reposts and captions as X takes them."""
        return tuple(checks.problems(message, limits))

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        """Hand over a picture with its alt text, or a film; X keeps it for a day."""
        from social_scheduler.platforms.x import films, media, wire

        with wire.line(connection, self._clock) as line:
            if item.moves or item.type == "image/gif":
                return films.upload(line, item, files)
            return media.upload(line, item, files[item.sha256])

    def look_at_upload(self, connection: Connection, upload: Upload) -> Upload:
        """Ask once how far X is with a film; its captions are joined to it when it is done."""
        from social_scheduler.platforms.x import films, wire

        with wire.line(connection, self._clock) as line:
            return films.look_at(line, upload)

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
        return addresses.id_in(url)

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Delete the post; gone already is fine."""
        from social_scheduler.platforms.x import posting, wire

        with wire.line(connection, self._clock) as line:
            posting.remove(line, remote_id)

    def _exchange(
        self, connection: Connection, request: SignInRequest, code: str
    ) -> Mapping[str, str]:
        return sign_in.exchange(connection, request, code, self._clock)


PLATFORM: Platform = X()

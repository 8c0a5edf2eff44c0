"""Bluesky: says parts under keys of its own making, so that saying one again changes nothing.

Importing this package loads no requests: `wire` and what is built on it are imported by the first
call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

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
from social_scheduler.platforms.bluesky import addresses, check, seen, sessions
from social_scheduler.platforms.bluesky.handles import Handles

if TYPE_CHECKING:
    from social_scheduler.platforms.bluesky.wire import Line

Clock = Callable[[], datetime]
_RENEW_BEFORE = timedelta(minutes=40)
"""Longer than preparation is ahead: a session renewed there still stands when a post is due."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Bluesky(Basics):
    """The platform `bluesky`; `clock` gives now in UTC.

    `video_service` tells for a server's address where films are handed over (see films.py).
    """

    label = "Bluesky"
    default_url = "https://bsky.social"
    many_servers = True
    keys: tuple[str, ...] = ("identifier", "app_password")
    whole_thread = True
    # Looked for at our own key, where it is at once or never: the looks only outwait trouble.
    recovery = Recovery(RecoveryKind.DETERMINISTIC, settle=(2, 10, 30), keyed_for=120)
    limits = Limits(
        text=300,
        counted_in="graphemes",
        text_bytes=3000,
        pictures=4,
        picture_bytes=2_000_000,
        picture_side=4000,
        picture_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
        alt_text=2000,
        thread=True,
        films=1,
        film_bytes=100_000_000,
        film_side=1920,
        film_milliseconds=180_000,
        captions=True,
        own_card=True,
        options=frozenset({"replies", "quote", "repost"}),
        extra={"card_picture_bytes": 1_000_000},
    )

    def __init__(
        self, clock: Clock = _utc_now, video_service: Callable[[str], str | None] | None = None
    ) -> None:
        self._clock = clock
        self._video_service = video_service
        self._sessions = sessions.Sessions()
        self._handles = Handles()

    def identify(self, connection: Connection) -> Identity:
        """Ask the server whose session this is, and what it may do."""
        from social_scheduler.platforms.bluesky import reading

        with self._line(connection) as line:
            return reading.identify(line)

    def renew(self, connection: Connection) -> Mapping[str, str] | None:
        """The keys of a session that lasts until what is being prepared is due."""
        # What is answered is kept by whoever asks.
        with self._line(replace(connection, renewed=None)) as line:
            found = sessions.keys_of(line.signed_in(_RENEW_BEFORE))
        return None if found.items() <= connection.keys.items() else found

    def check(self, message: Message, limits: Limits) -> Sequence[str]:
        """What a post's one box cannot hold, and addresses that are none."""
        return list(check.problems(message))

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        """Hand over one picture, or one film with its captions."""
        from social_scheduler.platforms.bluesky import films, media

        patient = replace(connection, read_timeout=films.patience(item, connection))
        with self._line(patient) as line:
            service = (self._video_service or films.service_of)(connection.base_url)
            return media.upload(line, item, files, service)

    def look_at_upload(self, connection: Connection, upload: Upload) -> Upload:
        """What the video service has made of a film by now."""
        from social_scheduler.platforms.bluesky import films, media

        with self._line(connection) as line:
            service = (self._video_service or films.service_of)(connection.base_url)
            return media.look_at(line, upload, service)

    def publish(self, connection: Connection, call: Call) -> Published:
        """Say one part, or, with its first, a whole thread."""
        from social_scheduler.platforms.bluesky import posting

        with self._line(connection) as line:
            return posting.publish(line, call, self._handles)

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Look under the key that this part has, whenever it was said."""
        from social_scheduler.platforms.bluesky import posting

        with self._line(connection) as line:
            return posting.find(line, call, known)

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        """The record as the account's server keeps it; None when it is gone."""
        from social_scheduler.platforms.bluesky import reading

        with self._line(connection) as line:
            return reading.read_back(line, remote_id)

    def as_seen(self, call: Call) -> Seen:
        """What the record of an honest copy says to `read_back`."""
        return seen.expected(call)

    def id_in(self, url: str) -> str | None:
        """The record of the post on a page such as https://bsky.app/profile/…/post/…"""
        at = addresses.in_page(url)
        return str(at) if at else None

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Delete the record; gone already is fine."""
        from social_scheduler.platforms.bluesky import posting

        with self._line(connection) as line:
            posting.remove(line, remote_id)

    def _line(self, connection: Connection) -> Line:
        from social_scheduler.platforms.bluesky import wire

        return wire.Line(connection, self._sessions, self._clock)


PLATFORM: Platform = Bluesky()

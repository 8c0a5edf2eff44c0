"""Mastodon and the servers that speak its language: says parts, and looks them up again.

Through Mastodon.py, on connections of our own. Importing this package loads neither it nor
requests: `wire` and what is built on it are imported by the first call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import urlsplit

from social_scheduler import text as texts
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
    SignIn,
    Upload,
)
from social_scheduler.platforms.mastodon import addresses, seen, sign_in

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Mastodon(Basics):
    """The platform `mastodon`; `clock` gives now in UTC, for rate limits and ends of uploads.

    A genuine server knows a call's key for an hour, so the same call again makes no second post.
    Others do not: `identify` tells which one this is, as well as the server's own limits.
    """

    label = "Mastodon"
    default_url = "https://mastodon.social"
    many_servers = True
    keys: tuple[str, ...] = ("access_token",)
    sign_in: SignIn | None = sign_in.SIGN_IN
    recovery = Recovery(RecoveryKind.KEYED, settle=(10, 30, 90), keyed_for=45 * 60)
    limits = Limits(
        text=500,
        counted_in="mastodon",
        pictures=4,
        picture_bytes=16_777_216,
        picture_side=5760,
        picture_types=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
        alt_text=1500,
        thread=True,
        films=1,
        film_bytes=103_809_024,
        film_side=2880,
        film_milliseconds=4 * 3600 * 1000,
        moving_picture_bytes=16_777_216,
        options=frozenset({"visibility", "warning", "quote", "repost"}),
    )

    def __init__(self, clock: Clock = _utc_now) -> None:
        self._clock = clock

    def identify(self, connection: Connection) -> Identity:
        """Ask the server whose keys these are, and what its own limits are."""
        from social_scheduler.platforms.mastodon import timeline, wire

        with wire.line(connection, self._clock) as line:
            return timeline.identify(line)

    def check(self, message: Message, limits: Limits) -> Sequence[str]:
        """The warning counts with the words; a quoting post has no media, and quotes a post."""
        found = []
        warning = texts.graphemes(message.options.get("warning", ""))
        length = texts.LENGTHS[limits.counted_in]
        for number, part in enumerate(message.parts, 1):
            total = warning + length(part.text)
            if warning and total > limits.text >= length(part.text):
                where = f"part {number}" if len(message.parts) > 1 else "the text"
                found.append(
                    f"{where} has {total} characters with its warning, which counts too; "
                    f"{urlsplit(message.server).hostname} takes {limits.text}"
                )
        for name in ("quote", "repost"):
            address = message.options.get(name)
            if address is not None and addresses.id_in(address) is None:
                found.append(f"{address} is not the address of a post to {name}")
        if "repost" in message.options and (
            len(message.options) > 1 or message.media or any(part.text for part in message.parts)
        ):
            found.append("a repost has nothing of its own; quote the post instead")
        quote = message.options.get("quote")
        if quote is not None and message.media:
            found.append("a post that quotes another cannot have media")
        return found

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        """Hand over one picture or film with its description; the server keeps it for a day."""
        from social_scheduler.platforms.mastodon import media, wire

        with wire.line(connection, self._clock) as line:
            return media.upload(line, item, files[item.sha256])

    def look_at_upload(self, connection: Connection, upload: Upload) -> Upload:
        """Whether the server is done with a film."""
        from social_scheduler.platforms.mastodon import media, wire

        with wire.line(connection, self._clock) as line:
            return media.look(line, upload)

    def publish(self, connection: Connection, call: Call) -> Published:
        """Say one part, once, under the call's key: a post, or a reply."""
        from social_scheduler.platforms.mastodon import posting, wire

        with wire.line(connection, self._clock) as line:
            return posting.publish(line, call)

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Look in our own timeline for this part, posted at or after `since`, not in `known`."""
        from social_scheduler.platforms.mastodon import timeline, wire

        with wire.line(connection, self._clock) as line:
            return timeline.find(line, call, since, known)

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        """The post as the server shows it; None when it is gone."""
        from social_scheduler.platforms.mastodon import timeline, wire

        with wire.line(connection, self._clock) as line:
            return timeline.read_back(line, remote_id)

    def as_seen(self, call: Call) -> Seen:
        """What an honest copy looks like to `read_back`."""
        return seen.expected(call)

    def id_in(self, url: str) -> str | None:
        """The id in `https://server/@user/123` or `https://server/users/user/statuses/123`."""
        return addresses.id_in(url)

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Delete the post; gone already is fine."""
        from social_scheduler.platforms.mastodon import posting, wire

        with wire.line(connection, self._clock) as line:
            posting.remove(line, remote_id)


PLATFORM: Platform = Mastodon()

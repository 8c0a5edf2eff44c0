"""Messages about to be said on Bluesky, and the files they show."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import BinaryIO

from PIL import Image

from social_scheduler.message import (
    Attachment,
    Card,
    Message,
    MessagePart,
    content_digest,
    part_digest,
)
from social_scheduler.platforms import Call, Upload
from social_scheduler.platforms.bluesky import Bluesky

DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
DUE = datetime(2027, 1, 11, 7, 30, tzinfo=UTC)
NOTHING: frozenset[str] = frozenset()


def call(
    *texts: str,
    account: str = DID,
    language: str = "en",
    media: Mapping[int, Sequence[Attachment]] | None = None,
    uploads: Sequence[Upload] = (),
    reply_to: str | None = None,
    card: Card | None = None,
    options: Mapping[str, str] | None = None,
    due_at: datetime = DUE,
) -> Call:
    """The call of the first part, as the engine makes it."""
    shown = media or {}
    message = Message(
        platform="bluesky",
        server="https://bsky.social",
        account=account,
        language=language,
        parts=tuple(
            MessagePart(text=text, media=tuple(shown.get(number, ())))
            for number, text in enumerate(texts or ("Good morning.",), start=1)
        ),
        card=card,
        options=dict(options or {}),
    )
    key = part_digest(content_digest(message.canonical()), 1)
    return Call(message, 1, key, reply_to, uploads, due_at)


def part(of: Call, number: int, reply_to: str | None) -> Call:
    """The call of another part of the same message."""
    key = part_digest(content_digest(of.message.canonical()), number)
    return replace(of, number=number, key=key, reply_to=reply_to)


def picture(colour: str = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def attached(data: bytes, alt: str = "", kind: str = "image/png") -> Attachment:
    """A picture of 40 by 30, as it is approved."""
    digest = sha256(data).hexdigest()
    return Attachment(sha256=digest, type=kind, alt=alt, width=40, height=30)


def files(*data: bytes) -> dict[str, BinaryIO]:
    """Open files by SHA-256."""
    return {sha256(each).hexdigest(): io.BytesIO(each) for each in data}


def at(now: datetime) -> Bluesky:
    """The module with a clock that stands still."""
    return Bluesky(clock=lambda: now)

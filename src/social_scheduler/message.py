"""Exactly what one account will say, as bytes that people approve and the worker sends.

A `Message` is written once as RFC 8785 canonical JSON, stored when queued, shown to the
reviewer, hashed into the approval and handed to the platform module.
What a network does afterwards (short links, cards, re-encoding) is outside of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import rfc8785
from pydantic import BaseModel, ConfigDict, Field

MESSAGE_VERSION = 1

OPTIONS = {
    "replies": "Who may reply.",
    "visibility": "Who sees it, and where it is listed.",
    "warning": "Words in front of it, which a reader opens first.",
    "silent": "`yes`: readers' devices make no sound.",
    "preview": "`no`: the network makes no box for a link.",
    "quote": "The address of the post that it quotes.",
    "repost": "The address of the post that is repeated, with no words of our own.",
}
"""What may stand in `Message.options`, and what it decides; values are text."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def Unsaid(empty: Any) -> Any:  # noqa: N802 - it stands where pydantic's Field does
    """A field that is left out of the bytes while it is empty: those of before stay the same."""
    return Field(default=empty, exclude_if=lambda value: value == empty)


class Captions(_Strict):
    """The spoken words of a film as a WebVTT file, by its SHA-256."""

    sha256: str
    language: str


class Attachment(_Strict):
    """One picture or film as it will be uploaded: the SHA-256 is that of the derivative's bytes.

    Sides in pixels, upright; `milliseconds` is 0 for what does not move.
    """

    sha256: str
    type: str
    alt: str
    width: int = Unsaid(0)
    height: int = Unsaid(0)
    milliseconds: int = Unsaid(0)
    captions: Captions | None = Unsaid(None)

    @property
    def files(self) -> tuple[str, ...]:
        """The SHA-256 of every file that is handed over for it."""
        return (self.sha256, self.captions.sha256) if self.captions else (self.sha256,)

    @property
    def moves(self) -> bool:
        """Whether it is a film or a moving picture."""
        return self.type.startswith("video/") or self.milliseconds > 0


class Card(_Strict):
    """The box that a network shows for a link, where it is ours to make."""

    link: str
    title: str
    description: str = ""
    picture: Attachment | None = None


class Mention(_Strict):
    """A partner named in a text: `text` as it stands there, with its `@`, and the network's id."""

    text: str
    id: str


class MessagePart(_Strict):
    """What one call says: final text, and its media in order."""

    text: str
    media: tuple[Attachment, ...] = ()
    mentions: tuple[Mention, ...] = Unsaid(())
    """Those whose id at the network is known, each once, for networks that ask for it."""


class Message(_Strict):
    """What one account will say. `server` and `account` bind it to one place on one network."""

    v: int = MESSAGE_VERSION
    platform: str
    server: str
    account: str
    """The network's own id of the account, never its handle."""
    language: str
    parts: tuple[MessagePart, ...]
    link: str | None = None
    card: Card | None = Unsaid(None)
    """Shown with the first part."""
    options: dict[str, str] = {}
    """What else an author may choose: OPTIONS names them."""

    def canonical(self) -> bytes:
        """RFC 8785 JSON, UTF-8: equal messages have equal bytes."""
        return rfc8785.dumps(self.model_dump(mode="json"))

    @classmethod
    def from_canonical(cls, body: bytes) -> Message:
        """The message in stored bytes; ValueError when they are not a message."""
        return cls.model_validate_json(body)

    @property
    def media(self) -> list[Attachment]:
        """Every attachment, part by part; the card's picture goes with the first."""
        return [m for number in range(1, len(self.parts) + 1) for m in self.attached(number)]

    def attached(self, number: int) -> tuple[Attachment, ...]:
        """What is handed over for one part, the card's picture last; `number` counts from 1."""
        media = self.parts[number - 1].media
        shown = self.card.picture if number == 1 and self.card else None
        return (*media, shown) if shown else media


@dataclass(frozen=True, slots=True)
class Window:
    """When something may be said: UTC instants, the last one exclusive."""

    due_at: datetime
    not_before: datetime
    not_after: datetime

    def canonical(self) -> bytes:
        """Canonical JSON of the three instants in whole microseconds."""
        # By hand, for the last look passes here thousands of times a second.
        due, first, last = _micros(self.due_at), _micros(self.not_before), _micros(self.not_after)
        return f'{{"due_at":{due},"not_after":{last},"not_before":{first}}}'.encode()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a network takes; data beside its module, shown to authors and reviewers alike.

    Lengths are in the network's own unit, named by `counted_in` (see text.py).
    """

    text: int
    counted_in: str
    pictures: int
    picture_bytes: int
    picture_side: int
    picture_types: frozenset[str]
    alt_text: int
    """0: readers see none. Authors write it all the same: others do, and reviewers."""
    thread: bool
    text_bytes: int = 0
    """Bytes of UTF-8 that a text may have besides; 0: as many as its length allows."""
    text_with_media: int = 0
    """What a text may have when media stand with it; 0: the same as without."""
    films: int = 0
    """Films or moving pictures in one part; with a film there is no picture."""
    film_bytes: int = 0
    film_side: int = 0
    film_milliseconds: int = 0
    moving_picture_bytes: int = 0
    """For GIF; 0: none, or shown as a film."""
    film_alt_text: bool = True
    """Whether readers see that of a film, where they see that of pictures."""
    captions: bool = False
    """Whether a film takes captions."""
    box: bool = True
    """Whether there is a box for a link at all."""
    own_card: bool = False
    """Whether the box for a link is ours to make."""
    options: frozenset[str] = frozenset()
    """Of OPTIONS, those that it knows."""
    extra: Mapping[str, int] = field(default_factory=dict)

    def shows_alt(self, item: Attachment) -> bool:
        """Whether readers there can have it told to them what a picture or film shows."""
        film = item.type.startswith("video/")
        return self.alt_text > 0 and (self.film_alt_text or not film)

    def room(self, *, media: bool) -> int:
        """How long a text may be, with or without media beside it."""
        return self.text_with_media if media and self.text_with_media else self.text

    def told(self, by_network: Mapping[str, int]) -> Limits:
        """With what the network itself, or the account's entry, says of this account."""
        known = {name: n for name, n in by_network.items() if name in TOLD}
        return replace(self, **known) if known else self  # type: ignore[arg-type]


TOLD = frozenset(
    {
        "text",
        "alt_text",
        "pictures",
        "picture_bytes",
        "picture_side",
        "film_bytes",
        "film_side",
        "film_milliseconds",
        "moving_picture_bytes",
    }
)
"""The limits that differ from one account to another."""


def content_digest(canonical: bytes) -> str:
    """The digest of one message's canonical bytes (64 hex digits)."""
    return _digest(b"content/v1\n", canonical)


def window_digest(window: Window) -> str:
    """The digest of a window."""
    return _digest(b"window/v1\n", window.canonical())


def approval_digest(messages: Iterable[tuple[str, str]]) -> str:
    """What an approval of one language of one revision binds.

    `messages` are pairs of account name and that account's content digest, in any order.
    """
    return _digest(b"approval/v1\n", rfc8785.dumps([list(pair) for pair in sorted(messages)]))


def part_digest(message_digest: str, number: int) -> str:
    """The stable key of one part of one message; `number` counts from 1."""
    return _digest(b"part/v1\n", f"{message_digest}:{number}".encode())


def _digest(domain: bytes, data: bytes) -> str:
    return hashlib.sha256(domain + data).hexdigest()


def _micros(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError("a window is made of instants with a zone")
    return round(instant.timestamp() * 1_000_000)


def revision_digest(facts: Mapping[str, Any]) -> str:
    """What a revision says as a whole; equal digests mean that queueing again changes nothing."""
    return _digest(b"revision/v1\n", rfc8785.dumps(dict(facts)))

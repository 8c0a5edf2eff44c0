"""Exactly what one account will say, as bytes that people approve and the worker sends.

A `Message` is written once as RFC 8785 canonical JSON, stored when queued, shown to the
reviewer, hashed into the approval and handed to the platform module.
What a network does afterwards (short links, cards, re-encoding) is outside of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785
from pydantic import BaseModel, ConfigDict

MESSAGE_VERSION = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attachment(_Strict):
    """One picture as it will be uploaded: the SHA-256 is that of the derivative's bytes."""

    sha256: str
    type: str
    alt: str


class MessagePart(_Strict):
    """What one call says: final text, and its media in order."""

    text: str
    media: tuple[Attachment, ...] = ()


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
    options: dict[str, str] = {}

    def canonical(self) -> bytes:
        """RFC 8785 JSON, UTF-8: equal messages have equal bytes."""
        return rfc8785.dumps(self.model_dump(mode="json"))

    @classmethod
    def from_canonical(cls, body: bytes) -> Message:
        """The message in stored bytes; ValueError when they are not a message."""
        return cls.model_validate_json(body)

    @property
    def media(self) -> list[Attachment]:
        """Every attachment, part by part."""
        return [m for part in self.parts for m in part.media]


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
    thread: bool
    extra: Mapping[str, int] = field(default_factory=dict)


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

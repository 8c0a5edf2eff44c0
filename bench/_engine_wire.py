"""A network that says everything at once, or after a set time, and remembers when it was asked.

It keeps nothing between calls: what was said is in the id it answers with, so every worker can
read back what another has said.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from social_scheduler.message import Attachment, Limits
from social_scheduler.platforms import (
    Basics,
    Call,
    Connection,
    Identity,
    Published,
    Recovery,
    RecoveryKind,
    Seen,
    Upload,
)

LIMITS = Limits(
    text=280,
    counted_in="weighted",
    pictures=4,
    picture_bytes=5_000_000,
    picture_side=4096,
    picture_types=frozenset({"image/png"}),
    alt_text=1000,
    thread=True,
)
RECOVERY = Recovery(RecoveryKind.SEARCHABLE, (10, 60))
WORDS = ": we were fishermen and teachers, and we are coming home."
"""How every text ends; it begins with a word of its own."""


@dataclass
class Wire(Basics):
    """Fulfils `Platform`. `answer` is in seconds; `asked` holds (remote id, POSIX ns)."""

    answer: float = 0.0
    label: str = "Wire"
    limits: Limits = LIMITS
    recovery: Recovery = RECOVERY
    default_url: str = "https://wire.example"
    keys: tuple[str, ...] = ("token",)
    asked: list[tuple[str, int]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def identify(self, connection: Connection) -> Identity:
        """Its token is its id."""
        self._take_time()
        token = connection.keys["token"]
        return Identity(token, token)

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        """Pictures are taken unread."""
        return Upload(item.sha256, f"m-{item.sha256}", datetime.now(UTC))

    def publish(self, connection: Connection, call: Call) -> Published:
        """Say it, and note the moment it was asked to."""
        at = time.time_ns()
        self._take_time()
        first = call.text.removesuffix(WORDS)
        number = f"{os.getpid()}.{next(self._numbers)}.{connection.keys['token']}.{first}"
        self.asked.append((number, at))
        return Published(number, f"https://wire.example/{number}")

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Nothing is ever lost here."""
        return None

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        """What was said."""
        _, _, account, first = remote_id.split(".", 3)
        return Seen(account, first + WORDS, (), 0, (), None, None)

    def as_seen(self, call: Call) -> Seen:
        """What it should show."""
        return Seen(call.message.account, call.text, (), 0, (), None, call.reply_to)

    def id_in(self, url: str) -> str | None:
        """The last word of an address."""
        return url.rpartition("/")[2] or None

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Forget it, as it has already."""

    def _take_time(self) -> None:
        if self.answer:
            time.sleep(self.answer)

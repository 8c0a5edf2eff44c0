"""The networks: one module each, found by scanning this package.

A module's name is the platform's name in accounts.yaml. It has a `PLATFORM` that fulfils
`Platform`; SDKs are imported inside its functions and nowhere else.

`publish` returns `Published` or raises one of the five `PlatformError`s of errors.py.
Whatever else escapes is treated by the caller as `Unconfirmed`.
No module sleeps, retries a publishing call, follows a redirect, or uses the network's own
scheduling.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import BinaryIO, Protocol

from social_scheduler.errors import NotFound
from social_scheduler.message import Attachment, Limits, Message


class RecoveryKind(StrEnum):
    """How an unclear call can be cleared up (design: "After an unconfirmed call")."""

    DETERMINISTIC = "deterministic"
    KEYED = "keyed"
    TWO_STEP = "two_step"
    SEARCHABLE = "searchable"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Recovery:
    """`settle`: seconds after the call at which it is worth looking, the last one final."""

    kind: RecoveryKind
    settle: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one account: address, keys, timeouts. Never logged, never stored as a whole."""

    base_url: str
    keys: Mapping[str, str]
    connect_timeout: float = 5.0
    read_timeout: float = 30.0

    def __repr__(self) -> str:
        return f"Connection({self.base_url!r}, keys hidden)"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the network says the keys belong to."""

    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture the network holds for us, invisible until a post uses it."""

    sha256: str
    remote_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """One part is live: the network's id, and the address people can open."""

    remote_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One live part as the network shows it; None where it does not tell."""

    author_id: str | None
    text: str | None
    links: tuple[str, ...] | None
    media_count: int | None
    alt_texts: tuple[str, ...] | None
    language: str | None
    reply_to: str | None

    def differences(self, expected: Seen) -> list[str]:
        """The fields in which this is not what was expected; what nobody tells cannot differ."""
        return [
            name
            for name in self.__slots__
            if (mine := getattr(self, name)) is not None
            and (theirs := getattr(expected, name)) is not None
            and mine != theirs
        ]


@dataclass(frozen=True, slots=True)
class Call:
    """One part about to be sent: `number` counts from 1, `key` is stable for this part."""

    message: Message
    number: int
    key: str
    reply_to: str | None
    uploads: Sequence[Upload]

    @property
    def text(self) -> str:
        """The part's words, as approved."""
        return self.message.parts[self.number - 1].text


class Platform(Protocol):
    """What the rest of the product asks of a network."""

    label: str
    limits: Limits
    recovery: Recovery
    default_url: str
    """The network's own address; rehearsal workspaces use the sandbox's instead."""
    keys: tuple[str, ...]
    """Names of the secrets an account must supply."""

    def identify(self, connection: Connection) -> Identity:
        """Ask the network whose keys these are."""

    def upload(self, connection: Connection, item: Attachment, file: BinaryIO) -> Upload:
        """Hand over one picture with its alt text; invisible and repeatable."""

    def publish(self, connection: Connection, call: Call) -> Published:
        """Say one part, once."""

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Look for a part that may be live, at or after `since`, that is none of `known` ids."""

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        """The live part as others see it; None when it is gone."""

    def as_seen(self, call: Call) -> Seen:
        """What an honest copy of this part looks like to `read_back`."""

    def id_in(self, url: str) -> str | None:
        """The network's id of the post at an address that a person pasted; None when it is none."""

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Take one part down; gone already is fine."""


@cache
def discover() -> Mapping[str, Platform]:
    """Every network there is a module for, by name."""
    found: dict[str, Platform] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            found[module.name] = importlib.import_module(f"{__name__}.{module.name}").PLATFORM
    return found


def limits() -> Mapping[str, Limits]:
    """Every network's limits, by platform name."""
    return {name: platform.limits for name, platform in discover().items()}


def named(name: str) -> Platform:
    """The platform of that name."""
    try:
        return discover()[name]
    except KeyError:
        known = ", ".join(sorted(discover()))
        raise NotFound(f"There is no platform {name!r}.", f"Use one of: {known}.") from None


Opener = Callable[[str], BinaryIO]
"""Opens stored media by SHA-256 after its bytes have been hashed again."""

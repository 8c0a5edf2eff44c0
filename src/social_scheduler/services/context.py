"""What every service is given: the database, the clock and the outsides, made once in app.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from social_scheduler.journal import Journal
from social_scheduler.media.store import MediaStore
from social_scheduler.platforms import Platform
from social_scheduler.services.keys import Vault
from social_scheduler.store.database import Database

Clock = Callable[[], datetime]
"""Answers the present moment, UTC."""


class PasswordCheck(Protocol):
    """Hashes passwords and checks them."""

    def hash(self, password: str) -> str:
        """A salted hash."""

    def right(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password."""


class Throttle(Protocol):
    """Slows down guessing."""

    def may_try(self, name: str) -> bool:
        """Whether another password may be tried for this name now."""

    def failed(self, name: str) -> None:
        """A wrong password was given."""


@dataclass(frozen=True)
class Context:
    """One opened workspace."""

    root: Path
    kind: str
    """`rehearsal` or `live`."""
    uid: str
    sandbox_url: str
    database: Database
    media: MediaStore
    vault: Vault
    journal: Journal
    platforms: Mapping[str, Platform]
    now: Clock
    passwords: PasswordCheck
    throttle: Throttle
    settle_seconds: tuple[float, ...] = ()
    """A rehearsal's own times to look for a lost answer; empty: the platform's."""

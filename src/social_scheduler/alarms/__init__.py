"""Ways to wake people: what an alarm is, what it sounds like, and who carries it there.

Every module here is one way out (`mail`, `webhook`) or what they share (`words`, `memory`).
An alarm never carries what a post says, nor a key: only its name, where it stands, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong."""

    cause: str
    """Stable while it is the same trouble: a cause alarms once."""
    what: str
    """The trouble in one line."""
    why: str
    remedy: str
    since: datetime
    state: str = ""
    post: str = ""
    account: str = ""
    delivery: int | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """An alarm that ended, and what became of it."""

    alarm: Alarm
    became: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What one check has to say: everything new and everything that ended since the one before."""

    id: str
    """The same each time this notice is sent, so that receivers know it again."""
    at: datetime
    workspace: str
    new: tuple[Alarm, ...]
    over: tuple[Over, ...]
    standing: int
    """How many alarms stand in all."""
    holds: tuple[str, ...]
    """The holds that stand, in words."""


class Bell(Protocol):
    """One way to wake people."""

    name: str

    def ring(self, notice: Notice, now: datetime) -> str:
        """Say it there, once; answers why it was not taken, or nothing."""


Bells = Sequence[Bell]

"""Where a worker was when it was killed: a small shared file that outlives it.

Every thread of the worker has a slot, in which it leaves the number of the last named moment
it passed. The trial reads the slots after the kill; nothing of it goes through the program.
"""

from __future__ import annotations

import mmap
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

MOMENTS = (
    "started",
    "recovering",
    "recovered",
    "other",
    "looking for it",
    "looked for it",
    "reading it back",
    "read it back",
    "proved",
    "prepared",
    "claimed",
    "looked",
    "intended",
    "journalled",
    "calling",
    "called",
    "answered",
    "outcome journalled",
    "outcome committed",
)
"""In the order in which a post passes them; `calling` to `called` is the call itself."""

_SLOT = struct.Struct("@IIQ")  # native, so that a number is written in one piece
_SLOTS = 64
SIZE = _SLOT.size * _SLOTS


class Tracer:
    """The worker's side."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SIZE)
        self._own = threading.local()
        self._lock = threading.Lock()
        self._used = 0

    def pass_by(self, moment: str) -> None:
        """This thread passes a named moment now."""
        number = MOMENTS.index(moment if moment in MOMENTS else "other")
        slot = getattr(self._own, "slot", None)
        if slot is None:
            with self._lock:
                slot = self._own.slot = min(self._used, _SLOTS - 1)
                self._used += 1
        _SLOT.pack_into(self._map, slot * _SLOT.size, number + 1, 0, time.monotonic_ns())


@dataclass(frozen=True, slots=True)
class Where:
    """Where a worker was: the moment last passed by any thread, and how many calls it cut."""

    last: str
    calls: int


def fresh(path: Path) -> None:
    """Make the file for a worker about to start."""
    path.write_bytes(bytes(SIZE))


def where(path: Path) -> Where:
    """Read the slots that a dead worker left."""
    data = path.read_bytes()
    passed: list[tuple[int, str]] = []
    for offset in range(0, SIZE, _SLOT.size):
        number, _, at = _SLOT.unpack_from(data, offset)
        if number:
            passed.append((at, MOMENTS[number - 1]))
    last = max(passed)[1] if passed else "starting"
    return Where(last, sum(moment == "calling" for _, moment in passed))


def has_passed(path: Path, moment: str) -> bool:
    """Whether a thread is at this moment, or at a later one in the table."""
    data = path.read_bytes()
    wanted = MOMENTS.index(moment) + 1
    return any(
        _SLOT.unpack_from(data, offset)[0] >= wanted for offset in range(0, SIZE, _SLOT.size)
    )

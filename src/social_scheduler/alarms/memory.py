"""What the watchdog remembers across restarts: which alarms stand, and what is still to be told.

One small file in the workspace, replaced as a whole, so that a crash leaves the old or the new.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from social_scheduler.alarms import Alarm, Notice, Over

VERSION = 1
AT_MOST = 200
"""Notices kept for a way out that is shut; older ones are dropped: what stands is told anyway."""


@dataclass(frozen=True, slots=True)
class Untold:
    """A notice that some bells have not taken yet."""

    notice: Notice
    bells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything the watchdog knows from before."""

    standing: Mapping[str, Alarm] = field(default_factory=dict)
    untold: tuple[Untold, ...] = ()
    workspace: str = ""
    """What the workspace was called when it could last be read."""


class Memory:
    """The file. `fresh` says why nothing is remembered where something should be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[Remembered, str]:
        """What is remembered, and what is wrong with the file, if anything is."""
        try:
            return _read(json.loads(self.path.read_text(encoding="utf-8"))), ""
        except FileNotFoundError:
            return Remembered(), ""
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
            return Remembered(), (
                f"{self.path} cannot be read ({type(problem).__name__}): alarms that stand "
                "are told once more."
            )

    def keep(self, remembered: Remembered) -> None:
        """Replace the file; OSError when the disk does not take it."""
        draft = self.path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            json.dump(_written(remembered), out, ensure_ascii=False, indent=1, default=_stamp)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _stamp(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"cannot be kept: {value!r}")


def _written(remembered: Remembered) -> dict[str, Any]:
    return {
        "version": VERSION,
        "workspace": remembered.workspace,
        "standing": [asdict(alarm) for alarm in remembered.standing.values()],
        "untold": [asdict(one) for one in remembered.untold[-AT_MOST:]],
    }


def _read(kept: dict[str, Any]) -> Remembered:
    if kept["version"] != VERSION:
        raise ValueError("another version's file")
    alarms = [_alarm(one) for one in kept["standing"]]
    return Remembered(
        {alarm.cause: alarm for alarm in alarms},
        tuple(Untold(_notice(u["notice"]), tuple(u["bells"])) for u in kept["untold"]),
        kept["workspace"],
    )


def _alarm(kept: dict[str, Any]) -> Alarm:
    return Alarm(**{**kept, "since": datetime.fromisoformat(kept["since"])})


def _notice(kept: dict[str, Any]) -> Notice:
    return Notice(
        id=kept["id"],
        at=datetime.fromisoformat(kept["at"]),
        workspace=kept["workspace"],
        new=tuple(_alarm(one) for one in kept["new"]),
        over=tuple(Over(_alarm(one["alarm"]), one["became"]) for one in kept["over"]),
        standing=kept["standing"],
        holds=tuple(kept["holds"]),
    )

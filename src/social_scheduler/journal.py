"""The append-only file outside the database: what was about to be sent, and what came of it.

A backup of the database can be restored; this file cannot be set back with it. A worker
reads it before it publishes: an outcome that the database lost is in here, and a journal
that is ahead of its database means that the database is an old copy.

One JSON object a line, each line flushed to the disk before the call it speaks of begins.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from social_scheduler.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call, as the journal has it."""

    delivery: int
    attempt: int
    part: int
    outcome: str
    remote_id: str | None = None
    url: str | None = None
    evidence: str | None = None
    until: float | None = None
    """For a rate limit: POSIX seconds."""


class Journal:
    """One worker's journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file: int | None = None

    def create(self, workspace: str) -> None:
        """Begin the journal of a workspace; an existing one is kept."""
        if self.path.exists():
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._append({"is": "journal", "workspace": workspace})
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def require(self, workspace: str) -> None:
        """Refuse to go on without the journal of this workspace."""
        if not self.path.exists():
            raise WorkspaceError(
                f"The publishing journal {self.path} is missing, so nothing is published: "
                "without it a post could be sent twice.",
                "Put the journal folder of this workspace back.",
            )
        first = next(self.records(), {})
        if first.get("workspace") != workspace:
            raise WorkspaceError(
                f"The journal {self.path} belongs to another workspace.",
                "Put this workspace's own journal folder back.",
            )

    def intent(self, *, delivery: int, attempt: int, part: int, digest: str, change: int) -> None:
        """Durable before any byte leaves: this part is about to be sent."""
        self._append(
            {
                "is": "intent",
                "delivery": delivery,
                "attempt": attempt,
                "part": part,
                "digest": digest,
                "change": change,
            }
        )

    def outcome(self, outcome: Outcome) -> None:
        """Durable before the database is told."""
        fields = {name: getattr(outcome, name) for name in Outcome.__slots__}
        self._append({"is": "outcome", **{k: v for k, v in fields.items() if v is not None}})

    def stop(self, *, change: int, step: str, what: str) -> None:
        """A person's decision to stop something, as seen in the database."""
        self._append({"is": "stop", "change": change, "step": step, "what": what})

    def seen(self, *, change: int, mark: str) -> None:
        """The database's newest history row as this worker saw it: its number and its digest."""
        self._append({"is": "seen", "change": change, "mark": mark})

    def last_seen(self) -> tuple[int, str] | None:
        """The last `seen`; a database without just this row is another, or an older copy."""
        last = None
        for record in self.records():
            if record["is"] == "seen":
                last = (record["change"], record["mark"])
        return last

    def last_change(self) -> int:
        """The database's change number as this worker last saw it."""
        return max((r.get("change", 0) for r in self.records()), default=0)

    def last_stop(self) -> int:
        """The change number of the last decision to stop something that is in here."""
        return max((r["change"] for r in self.records() if r["is"] == "stop"), default=0)

    def outcomes(self) -> dict[tuple[int, int, int], Outcome]:
        """Every outcome by (delivery, attempt, part)."""
        found = {}
        for record in self.records():
            if record["is"] == "outcome":
                o = Outcome(**{k: v for k, v in record.items() if k != "is"})
                found[o.delivery, o.attempt, o.part] = o
        return found

    def records(self) -> Iterator[dict[str, Any]]:
        """Every whole line. A last line cut short by a crash was never acted upon."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    record: dict[str, Any] = json.loads(line)
                except ValueError:
                    raise WorkspaceError(
                        f"{self.path}:{number}: the journal is damaged.",
                        "Nothing is published until a person has looked at it.",
                    ) from None
                yield record

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._file is None:
                self._file = os.open(
                    self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
                )
                self._cut_torn_line(self._file)
            try:
                while line:  # a full disk takes half a line, and says so at the next call only
                    line = line[os.write(self._file, line) :]
                os.fsync(self._file)
            except OSError:
                os.close(self._file)  # opened again, it first loses the half line
                self._file = None
                raise

    def _cut_torn_line(self, file: int) -> None:
        # A crash in the middle of a write leaves half a line; the next one must not join it.
        size = os.fstat(file).st_size
        if size == 0 or os.pread(file, 1, size - 1) == b"\n":
            return
        tail = os.pread(file, min(size, 65536), max(0, size - 65536))
        os.ftruncate(file, size - (len(tail) - (tail.rfind(b"\n") + 1)))

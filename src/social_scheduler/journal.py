"""The append-only file outside the database: what was about to be sent, and what came of it.

A backup of the database can be restored; this file cannot be set back with it. A worker
reads it before it publishes: an outcome that the database lost is in here, and a journal
that is ahead of its database means that the database is an old copy.

One JSON object a line. What a worker is about to do is flushed to the disk before it does it.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from pathlib import Path
from typing import Any

from social_scheduler.errors import WorkspaceError

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Intent:
    """One call that is about to be made."""

    delivery: int
    attempt: int
    part: int
    digest: str
    """Of what the part says: the part's key."""
    change: int
    """The database's change number, as far as this worker knew."""
    post: str
    """campaign/key."""
    account: str
    at: float = 0.0
    """POSIX seconds; 0 where it was not kept."""

    @property
    def call(self) -> tuple[int, int, int]:
        """Which call it announces."""
        return self.delivery, self.attempt, self.part


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
    rest: tuple[tuple[str, str], ...] = ()
    """(remote id, address) of the parts after it that went live with it."""
    differs: tuple[str, ...] | None = None
    """In what the answer shows it other than approved; None where it is to be read back."""

    @property
    def last(self) -> int:
        """The last part that it speaks of."""
        return self.part + len(self.rest)

    @property
    def call(self) -> tuple[int, int, int]:
        """Which call it speaks of."""
        return self.delivery, self.attempt, self.part


@dataclass(frozen=True, slots=True)
class Stop:
    """A person's decision to stop something (or to let a hold go), to be taken again if lost."""

    change: int
    step: str
    what: str
    """The words of the history."""
    who: str = ""
    at: float = 0.0
    """POSIX seconds."""
    post: str | None = None
    account: str | None = None
    hold: Mapping[str, Any] | None = None
    """A hold's id, scope, value, reason, by, at and until (moments in POSIX seconds)."""


PEOPLE = "people"
"""The name of the journal that belongs to no worker: of people's stops."""

KEPT = 10_000
"""How many of the newest calls `Journal.read` answers; far more than can be under way at once."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a worker must know of its past when it starts."""

    last_seen: tuple[int, str] | None
    """The last `seen`; a database without just this row is another, or an older copy."""
    intents: Sequence[Intent]
    """The newest since it was last reconciled: all after the last `seen`, up to KEPT before it."""
    outcomes: Mapping[tuple[int, int, int], Outcome]
    """The newest KEPT since it was last reconciled, by (delivery, attempt, part)."""
    stops: Sequence[Stop]
    """Every decision to stop something."""
    last_stop: int
    """The change number of the last of them; 0 when there is none."""


class Journal:
    """One worker's journal. Safe to use from several threads of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file: int | None = None

    @property
    def name(self) -> str:
        """The worker it belongs to."""
        return self.path.stem

    def create(self, workspace: str, worker: str) -> str:
        """Begin the journal of a worker, and answer its id. One that exists is never replaced."""
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity = secrets.token_hex(16)
        first = {"is": "journal", "workspace": workspace, "worker": worker, "id": identity}
        draft = self.path.with_suffix(f".{identity}.new")
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as writer:
                writer.write(_as_json(first).encode() + b"\n")
                writer.flush()
                os.fsync(writer.fileno())
            self.path.hardlink_to(draft)  # fails, unlike a rename, when there is one already
        except FileExistsError:
            raise WorkspaceError(
                f"There is a journal {self.path} already.",
                "Keep it. Another worker takes another name.",
            ) from None
        finally:
            draft.unlink(missing_ok=True)
            _sync(folder)
        return identity

    def require(self, workspace: str) -> str:
        """Its id. WorkspaceError without the journal of this workspace and worker."""
        if not self.path.exists():
            raise WorkspaceError(
                f"The publishing journal {self.path} is missing, so nothing is published: "
                "without it a post could be sent twice.",
                "Put the journal folder of this workspace back; for a new machine: "
                "social-scheduler worker enrol NAME. If it is gone for good, an admin says so "
                f"with: social-scheduler worker lost {self.name}",
            )
        first = next(self.records(), {})
        if first.get("workspace") != workspace:
            raise WorkspaceError(
                f"The journal {self.path} belongs to another workspace.",
                "Put this workspace's own journal folder back.",
            )
        if first.get("worker", self.name) != self.name:
            raise WorkspaceError(
                f"The journal {self.path} is that of the worker {first['worker']}.",
                "Give it back its name.",
            )
        return str(first.get("id", ""))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process from working with this journal, until this one ends."""
        file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WorkspaceError(
                    f"Another worker with this journal is running: {self.path}.",
                    "Stop it first, or give this one a journal of its own: "
                    "social-scheduler worker enrol NAME",
                ) from None
            yield
        finally:
            os.close(file)

    def begin(self, intents: Sequence[Intent]) -> None:
        """Durable before any byte leaves: these parts are about to be sent."""
        self._append("".join(map(_intent_line, intents)))

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """Durable before the database is told."""
        self._append("".join(map(_outcome_line, outcomes)))

    def note(self, stops: Sequence[Stop], change: int, mark: str) -> None:
        """People's decisions as seen in the database, and how far it had come: one write."""
        seen = _as_json({"is": "seen", "change": change, "mark": mark})
        self._append("".join(map(_stop_line, stops)) + seen + "\n")

    def reconciled(self, change: int, mark: str) -> None:
        """Everything before this line is in the database now: what it had lost is known there."""
        self._append(_as_json({"is": "reconciled"}) + "\n")
        self.note([], change, mark)

    def stop(self, stop: Stop) -> None:
        """A person's decision to stop something, as seen in the database."""
        self._append(_stop_line(stop))

    def seen(self, change: int, mark: str) -> None:
        """The database's newest history row as this worker saw it: its number and its digest."""
        self.note([], change, mark)

    def read(self) -> Past:
        """The whole file, once. Memory does not grow with it."""
        seen: tuple[int, str] | None = None
        before: deque[dict[str, Any]] = deque(maxlen=KEPT)
        after: list[dict[str, Any]] = []
        ended: deque[dict[str, Any]] = deque(maxlen=KEPT)
        stops: list[Stop] = []
        for record in self.records():
            match record["is"]:
                case "intent":
                    after.append(record)
                case "outcome":
                    ended.append(record)
                case "seen":
                    seen = record["change"], record["mark"]
                    before.extend(after)
                    after.clear()
                case "reconciled":
                    # The database may use the numbers of lost deliveries for others since.
                    for kept in (before, after, ended):
                        kept.clear()
                case "stop":
                    stops.append(as_stop(record))
        outcomes = map(as_outcome, ended)
        return Past(
            last_seen=seen,
            intents=[as_intent(r) for r in (*before, *after)],
            outcomes={o.call: o for o in outcomes},
            stops=stops,
            last_stop=max((s.change for s in stops), default=0),
        )

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
                    record["is"]
                except (ValueError, KeyError, TypeError):
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

    def _append(self, text: str) -> None:
        # A lone surrogate in a network's answer becomes the JSON escape that it came as.
        lines = text.encode("utf-8", "backslashreplace")
        if not lines:
            return
        with self._lock:
            if self._file is None:
                # Not O_CREAT: a journal that vanished is missed, never quietly begun anew.
                self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
                _cut_torn_line(self._file)
            try:
                while lines:  # a full disk takes half a line, and says so at the next call only
                    lines = lines[os.write(self._file, lines) :]
                os.fsync(self._file)
            except OSError:
                os.close(self._file)  # opened again, it first loses the half line
                self._file = None
                raise


def as_intent(record: Mapping[str, Any]) -> Intent:
    """An intent as it was written."""
    return Intent(
        record["delivery"],
        record["attempt"],
        record["part"],
        record["digest"],
        record["change"],
        record.get("post", ""),
        record.get("account", ""),
        record.get("at", 0.0),
    )


def as_outcome(record: Mapping[str, Any]) -> Outcome:
    """An outcome as it was written."""
    fields = {k: v for k, v in record.items() if k != "is"}
    rest = tuple((remote_id, url) for remote_id, url in fields.pop("rest", ()))
    differs = fields.pop("differs", None)
    return Outcome(**fields, rest=rest, differs=None if differs is None else tuple(differs))


def as_stop(record: Mapping[str, Any]) -> Stop:
    """A decision as it was written."""
    return Stop(**{k: v for k, v in record.items() if k != "is"})


def _intent_line(i: Intent) -> str:
    # By hand: thousands a second pass here, and json.dumps takes six times as long.
    return (
        f'{{"is":"intent","delivery":{i.delivery},"attempt":{i.attempt},"part":{i.part},'
        f'"digest":{_quoted(i.digest)},"change":{i.change},"post":{_quoted(i.post)},'
        f'"account":{_quoted(i.account)},"at":{i.at!r}}}\n'
    )


def _outcome_line(o: Outcome) -> str:
    line = (
        f'{{"is":"outcome","delivery":{o.delivery},"attempt":{o.attempt},"part":{o.part},'
        f'"outcome":{_quoted(o.outcome)}'
    )
    if o.remote_id is not None:
        line += f',"remote_id":{_quoted(o.remote_id)}'
    if o.url is not None:
        line += f',"url":{_quoted(o.url)}'
    if o.evidence is not None:
        line += f',"evidence":{_quoted(o.evidence)}'
    if o.until is not None:
        line += f',"until":{o.until!r}'
    if o.rest:
        line += f',"rest":{_as_json(o.rest)}'
    if o.differs is not None:
        line += f',"differs":{_as_json(o.differs)}'
    return line + "}\n"


def _stop_line(stop: Stop) -> str:
    fields = {name: getattr(stop, name) for name in stop.__slots__}
    return _as_json({"is": "stop", **{k: v for k, v in fields.items() if v is not None}}) + "\n"


def _cut_torn_line(file: int) -> None:
    # A crash in the middle of a write leaves half a line; the next one must not join it.
    size = os.fstat(file).st_size
    if size == 0 or os.pread(file, 1, size - 1) == b"\n":
        return
    length = 65536
    while True:
        start = max(0, size - length)
        tail = os.pread(file, size - start, start)
        if (end := tail.rfind(b"\n")) >= 0 or start == 0:
            os.ftruncate(file, start + end + 1)
            return
        length *= 2


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The sandbox's memory: one SQLite file that outlives the process and says what was accepted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .ledger_schema import bring_up_to_date

Clock = Callable[[], datetime]
Ids = Callable[[datetime], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SNOWFLAKE_EPOCH_MS = 1288834974657


def system_clock() -> datetime:
    return datetime.now(UTC)


def snowflake(now: datetime) -> int:
    """An id as X makes them: milliseconds since its epoch, 22 bits for everything else."""
    milliseconds = to_micros(now) // 1000 - _SNOWFLAKE_EPOCH_MS
    return max(milliseconds, 1) << 22


def to_micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


class Ledger:
    """One connection, shared by the server's threads; every write is durable when it returns."""

    def __init__(self, path: Path, *, clock: Clock = system_clock, ids: Ids = snowflake) -> None:
        self.path = path
        self.clock = clock
        self._ids = ids
        self._lock = threading.RLock()
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA busy_timeout = 10000")
        bring_up_to_date(self._db)
        self._db.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: durable on return, undone by an exception. Does not nest."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def next_id(self, db: sqlite3.Connection) -> int:
        """A new id, larger than every earlier one, inside the caller's transaction."""
        last = int(db.execute("SELECT value FROM last_id").fetchone()[0])
        new = max(self._ids(self.clock()), last + 1)
        db.execute("UPDATE last_id SET value = ?", (new,))
        return new

    def next_number(self, db: sqlite3.Connection, account_id: int, how_many: int = 1) -> int:
        """The next of an account's own numbers (1, 2, 3 …), the first of `how_many`."""
        row = db.execute(
            "UPDATE accounts SET numbered = numbered + ? WHERE id = ? RETURNING numbered",
            (how_many, account_id),
        ).fetchone()
        return int(row[0]) - how_many + 1

"""The sandbox's memory: one SQLite file that outlives the process and says what was accepted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Clock = Callable[[], datetime]
Ids = Callable[[datetime], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SNOWFLAKE_EPOCH_MS = 1288834974657

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY, handle TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,
    language TEXT NOT NULL, api_key TEXT NOT NULL UNIQUE, api_secret TEXT NOT NULL,
    access_token TEXT NOT NULL UNIQUE, access_secret TEXT NOT NULL, made_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
    text TEXT NOT NULL, language TEXT NOT NULL, reply_to INTEGER REFERENCES posts (id),
    conversation INTEGER NOT NULL, reply_settings TEXT NOT NULL,
    received_at INTEGER NOT NULL, removed_at INTEGER);
CREATE INDEX IF NOT EXISTS posts_of_account ON posts (account_id, id);
CREATE TABLE IF NOT EXISTS post_media (
    post_id INTEGER NOT NULL REFERENCES posts (id), position INTEGER NOT NULL,
    media_id INTEGER NOT NULL, sha256 TEXT NOT NULL REFERENCES files (sha256), alt_text TEXT,
    PRIMARY KEY (post_id, position));
CREATE TABLE IF NOT EXISTS files (
    sha256 TEXT PRIMARY KEY, media_type TEXT NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
    category TEXT NOT NULL, total_bytes INTEGER NOT NULL, sha256 TEXT REFERENCES files (sha256),
    alt_text TEXT, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS segments (
    upload_id INTEGER NOT NULL REFERENCES uploads (id), number INTEGER NOT NULL,
    content BLOB NOT NULL, PRIMARY KEY (upload_id, number));
CREATE TABLE IF NOT EXISTS nonces (
    token TEXT NOT NULL, stamp INTEGER NOT NULL, nonce TEXT NOT NULL,
    PRIMARY KEY (token, stamp, nonce));
CREATE TABLE IF NOT EXISTS rates (
    account_id INTEGER NOT NULL, route TEXT NOT NULL, started_at INTEGER NOT NULL,
    used INTEGER NOT NULL, PRIMARY KEY (account_id, route));
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT COLLATE NOCASE, fault TEXT NOT NULL,
    route TEXT, passing INTEGER NOT NULL, times INTEGER, seconds REAL, location TEXT);
CREATE TABLE IF NOT EXISTS last_id (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
INSERT OR IGNORE INTO last_id VALUES (1, 0);
"""


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
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA busy_timeout = 10000")
        self._db.executescript(_SCHEMA)

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


@dataclass(frozen=True)
class LedgerMedia:
    """A picture as it was accepted: digest of the uploaded bytes, alternative text if any."""

    sha256: str
    alt_text: str | None


@dataclass(frozen=True)
class LedgerEntry:
    """One accepted post, word for word as it was received; times are UTC with microseconds."""

    id: str
    account: str
    text: str
    media: tuple[LedgerMedia, ...]
    reply_to: str | None
    received_at: datetime
    removed_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "account": self.account,
            "text": self.text,
            "media": [{"sha256": m.sha256, "alt_text": m.alt_text} for m in self.media],
            "reply_to": self.reply_to,
            "received_at": _stamp(self.received_at),
            "removed_at": _stamp(self.removed_at) if self.removed_at else None,
        }


def read_ledger(path: Path) -> list[LedgerEntry]:
    """Every accepted post in the order of acceptance; works while the sandbox runs or not.

    Raises FileNotFoundError when there is no ledger at `path`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no sandbox ledger here; start the sandbox first")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA busy_timeout = 10000")
        db.execute("PRAGMA query_only = ON")
        db.execute("BEGIN")
        media: dict[int, list[LedgerMedia]] = {}
        for row in db.execute("SELECT * FROM post_media ORDER BY post_id, position"):
            picture = LedgerMedia(row["sha256"], row["alt_text"])
            media.setdefault(row["post_id"], []).append(picture)
        rows = db.execute(
            "SELECT posts.*, accounts.handle FROM posts"
            " JOIN accounts ON accounts.id = posts.account_id ORDER BY posts.id"
        ).fetchall()
    return [_entry(row, media.get(row["id"], [])) for row in rows]


def _entry(row: sqlite3.Row, media: list[LedgerMedia]) -> LedgerEntry:
    removed = row["removed_at"]
    return LedgerEntry(
        id=str(row["id"]),
        account=row["handle"],
        text=row["text"],
        media=tuple(media),
        reply_to=str(row["reply_to"]) if row["reply_to"] is not None else None,
        received_at=from_micros(row["received_at"]),
        removed_at=from_micros(removed) if removed is not None else None,
    )


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

"""Pictures on their way to a post: uploaded at once or in segments, described, good for a day."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from .accounts import Account
from .ledger import Ledger, from_micros, to_micros
from .pictures import NotAPicture, Picture, inspect

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class Upload:
    """`sha256` is None until the picture is complete."""

    id: int
    account_id: int
    category: str
    total_bytes: int
    sha256: str | None
    alt_text: str | None
    expires_at: datetime

    @property
    def animated(self) -> bool:
        return self.category == "tweet_gif"

    def seconds_left(self, now: datetime) -> int:
        return max(0, int((self.expires_at - now).total_seconds()))


def begin(ledger: Ledger, owner: Account, category: str, total_bytes: int) -> Upload:
    expires = to_micros(ledger.clock() + LIFETIME)
    with ledger.writing() as db:
        number = ledger.next_id(db)
        db.execute(
            "INSERT INTO uploads VALUES (?, ?, ?, ?, NULL, NULL, ?)",
            (number, owner.id, category, total_bytes, expires),
        )
        return _get(db, number)


def append(ledger: Ledger, upload: Upload, number: int, content: bytes) -> None:
    """Keep one segment; sending the same segment again replaces it."""
    with ledger.writing() as db:
        db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?)", (upload.id, number, content))


def finish(ledger: Ledger, upload: Upload) -> Upload:
    """Join the segments; raises NotAPicture when they are not what was announced."""
    with ledger.reading() as db:
        rows = db.execute(
            "SELECT number, content FROM segments WHERE upload_id = ? ORDER BY number", (upload.id,)
        ).fetchall()
    if [row["number"] for row in rows] != list(range(len(rows))):
        raise NotAPicture("Segments do not add up to provided total file size.")
    content = b"".join(row["content"] for row in rows)
    if len(content) != upload.total_bytes:
        raise NotAPicture("Segments do not add up to provided total file size.")
    return complete(ledger, upload, content)


def complete(ledger: Ledger, upload: Upload, content: bytes) -> Upload:
    """Check and keep the whole picture; raises NotAPicture."""
    picture = inspect(content, upload.category)
    digest = hashlib.sha256(content).hexdigest()
    with ledger.writing() as db:
        _keep(db, digest, picture, content)
        db.execute("UPDATE uploads SET sha256 = ? WHERE id = ?", (digest, upload.id))
        db.execute("DELETE FROM segments WHERE upload_id = ?", (upload.id,))
        return _get(db, upload.id)


def describe(ledger: Ledger, upload: Upload, alt_text: str) -> None:
    with ledger.writing() as db:
        db.execute("UPDATE uploads SET alt_text = ? WHERE id = ?", (alt_text, upload.id))


def owned(ledger: Ledger, owner: Account, number: int) -> Upload | None:
    """This account's upload, unless it has expired or never was."""
    with ledger.reading() as db:
        found = db.execute("SELECT 1 FROM uploads WHERE id = ?", (number,)).fetchone()
        upload = _get(db, number) if found else None
    if upload is None or upload.account_id != owner.id or upload.expires_at <= ledger.clock():
        return None
    return upload


def content_of(ledger: Ledger, digest: str) -> tuple[str, bytes] | None:
    """Media type and bytes of a picture that a visible post shows."""
    with ledger.reading() as db:
        row = db.execute(
            "SELECT media_type, content FROM files WHERE sha256 = ? AND EXISTS ("
            " SELECT 1 FROM post_media JOIN posts ON posts.id = post_id"
            " WHERE post_media.sha256 = files.sha256 AND removed_at IS NULL)",
            (digest,),
        ).fetchone()
    return (row["media_type"], row["content"]) if row is not None else None


def size_of(ledger: Ledger, upload: Upload) -> int:
    with ledger.reading() as db:
        row = db.execute(
            "SELECT length(content) AS size FROM files WHERE sha256 = ?", (upload.sha256,)
        ).fetchone()
    return int(row["size"]) if row is not None else upload.total_bytes


def _keep(db: sqlite3.Connection, digest: str, picture: Picture, content: bytes) -> None:
    db.execute(
        "INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?)",
        (digest, picture.media_type, picture.width, picture.height, content),
    )


def _get(db: sqlite3.Connection, number: int) -> Upload:
    row = db.execute("SELECT * FROM uploads WHERE id = ?", (number,)).fetchone()
    return Upload(
        id=row["id"],
        account_id=row["account_id"],
        category=row["category"],
        total_bytes=row["total_bytes"],
        sha256=row["sha256"],
        alt_text=row["alt_text"],
        expires_at=from_micros(row["expires_at"]),
    )

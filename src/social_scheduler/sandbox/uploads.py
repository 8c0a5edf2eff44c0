"""Pictures and films on their way to a post: whole or in segments, described, worked on, kept a day."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from . import films, pictures
from .accounts import Account
from .ledger import Ledger, from_micros, to_micros
from .pictures import NotAPicture, Picture

LIFETIME = timedelta(hours=24)
PROCESSING = timedelta(seconds=1)
"""How long the networks work on a film before a post may use it."""


@dataclass(frozen=True)
class Upload:
    """`sha256` is None until it is complete; `category` is the network's own word for its kind.

    `ready_at`: from when a post may use it, where the network works on it; `trouble`: why none
    ever may. `facts` is what else the network was told, such as a film's captions.
    """

    id: int
    account_id: int
    remote_id: str
    category: str
    total_bytes: int
    sha256: str | None
    alt_text: str | None
    facts: Mapping[str, Any]
    ready_at: datetime | None
    trouble: str | None
    expires_at: datetime
    media_type: str = ""
    width: int = 0
    height: int = 0
    milliseconds: int = 0
    size: int = field(default=0, compare=False)

    @property
    def kind(self) -> str:
        """film, animation, captions or picture."""
        if self.media_type.startswith("video/"):
            return "animation" if self.category.endswith("gif") else "film"
        if self.media_type.startswith("text/"):
            return "captions"
        return "animation" if self.category.endswith(("gif", "animation")) else "picture"

    @property
    def animated(self) -> bool:
        return self.kind == "animation"

    def ready(self, now: datetime) -> bool:
        """Whether a post may use it."""
        done = self.sha256 is not None and self.trouble is None
        return done and (self.ready_at is None or self.ready_at <= now)

    def seconds_left(self, now: datetime) -> int:
        return max(0, int((self.expires_at - now).total_seconds()))


def begin(
    ledger: Ledger,
    owner: Account,
    category: str,
    total_bytes: int,
    *,
    remote_id: str | None = None,
    lifetime: timedelta = LIFETIME,
) -> Upload:
    """Announce an upload; `remote_id` is the ledger's own id unless one is given."""
    expires = to_micros(ledger.clock() + lifetime)
    with ledger.writing() as db:
        number = ledger.next_id(db)
        db.execute(
            "INSERT INTO uploads (id, account_id, remote_id, category, total_bytes, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (number, owner.id, remote_id or str(number), category, total_bytes, expires),
        )
        return _get(db, number)


def append(ledger: Ledger, upload: Upload, number: int, content: bytes) -> None:
    """Keep one segment; sending the same segment again replaces it."""
    with ledger.writing() as db:
        db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?)", (upload.id, number, content))


def joined(ledger: Ledger, upload: Upload) -> bytes:
    """The segments as one; raises NotAPicture when they are not what was announced."""
    with ledger.reading() as db:
        rows = db.execute(
            "SELECT number, content FROM segments WHERE upload_id = ? ORDER BY number", (upload.id,)
        ).fetchall()
    content = b"".join(row["content"] for row in rows)
    if [r["number"] for r in rows] != list(range(len(rows))) or len(content) != upload.total_bytes:
        raise NotAPicture("Segments do not add up to provided total file size.")
    return content


def finish(ledger: Ledger, upload: Upload) -> Upload:
    """Join the segments; raises NotAPicture when they are not what was announced."""
    return complete(ledger, upload, joined(ledger, upload))


def complete(ledger: Ledger, upload: Upload, content: bytes) -> Upload:
    """Check as X does and keep the whole; raises NotAPicture. A film is worked on for a while."""
    if upload.category in ("tweet_video", "amplify_video"):
        found = films.inspect(content)
        return keep(ledger, upload, content, found, ready_at=ledger.clock() + PROCESSING)
    return keep(ledger, upload, content, pictures.inspect(content, upload.category))


def keep(
    ledger: Ledger,
    upload: Upload,
    content: bytes,
    found: Picture,
    *,
    ready_at: datetime | None = None,
    trouble: str | None = None,
) -> Upload:
    """Keep the whole of an upload that has been looked at."""
    digest = hashlib.sha256(content).hexdigest()
    ready = to_micros(ready_at) if ready_at else None
    with ledger.writing() as db:
        db.execute(
            "INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?)",
            (digest, found.media_type, found.width, found.height, found.milliseconds, content),
        )
        db.execute(
            "UPDATE uploads SET sha256 = ?, ready_at = ?, trouble = ? WHERE id = ?",
            (digest, ready, trouble, upload.id),
        )
        db.execute("DELETE FROM segments WHERE upload_id = ?", (upload.id,))
        return _get(db, upload.id)


def describe(ledger: Ledger, upload: Upload, alt_text: str | None) -> Upload:
    with ledger.writing() as db:
        db.execute("UPDATE uploads SET alt_text = ? WHERE id = ?", (alt_text, upload.id))
        return _get(db, upload.id)


def note(ledger: Ledger, upload: Upload, **facts: Any) -> Upload:
    """Keep what else the network was told of it."""
    told = json.dumps({**upload.facts, **facts}, ensure_ascii=False)
    with ledger.writing() as db:
        db.execute("UPDATE uploads SET facts = ? WHERE id = ?", (told, upload.id))
        return _get(db, upload.id)


def owned(ledger: Ledger, owner: Account, number: int) -> Upload | None:
    """This account's upload, unless it has expired or never was."""
    return _unexpired(ledger, "id = ? AND account_id = ?", number, owner.id)


def owned_remote(ledger: Ledger, owner: Account, remote_id: str) -> Upload | None:
    """The same by the network's own id; of several the last one."""
    return _unexpired(ledger, "remote_id = ? AND account_id = ?", remote_id, owner.id)


def newest(db: sqlite3.Connection, owner: Account, remote_id: str) -> Upload | None:
    """An account's last complete upload of that id inside the caller's transaction, however old."""
    row = db.execute(
        "SELECT id FROM uploads WHERE account_id = ? AND remote_id = ? AND sha256 IS NOT NULL"
        " ORDER BY id DESC",
        (owner.id, remote_id),
    ).fetchone()
    return _get(db, row["id"]) if row is not None else None


def content_of(ledger: Ledger, digest: str) -> tuple[str, bytes] | None:
    """Media type and bytes of a file that a visible post shows, or that is a film's captions."""
    with ledger.reading() as db:
        row = db.execute(
            "SELECT media_type, content FROM files WHERE sha256 = ? AND EXISTS ("
            " SELECT 1 FROM post_media JOIN posts ON posts.id = post_id WHERE removed_at IS NULL"
            " AND (post_media.sha256 = files.sha256 OR instr(post_media.facts, files.sha256)))",
            (digest,),
        ).fetchone()
    return (row["media_type"], row["content"]) if row is not None else None


def bytes_of(ledger: Ledger, upload: Upload) -> bytes:
    """What was uploaded."""
    with ledger.reading() as db:
        row = db.execute("SELECT content FROM files WHERE sha256 = ?", (upload.sha256,)).fetchone()
    return bytes(row["content"]) if row is not None else b""


def size_of(ledger: Ledger, upload: Upload) -> int:
    return upload.size if upload.sha256 is not None else upload.total_bytes


def _unexpired(ledger: Ledger, where: str, *values: int | str) -> Upload | None:
    with ledger.reading() as db:
        sql = f"SELECT id FROM uploads WHERE {where} ORDER BY id DESC"  # noqa: S608 - our own
        row = db.execute(sql, values).fetchone()
        upload = _get(db, row["id"]) if row is not None else None
    return upload if upload is not None and upload.expires_at > ledger.clock() else None


def _get(db: sqlite3.Connection, number: int) -> Upload:
    row = db.execute(
        "SELECT uploads.*, media_type, width, height, milliseconds, length(content) AS size"
        " FROM uploads LEFT JOIN files USING (sha256) WHERE uploads.id = ?",
        (number,),
    ).fetchone()
    ready = row["ready_at"]
    return Upload(
        id=row["id"],
        account_id=row["account_id"],
        remote_id=row["remote_id"],
        category=row["category"],
        total_bytes=row["total_bytes"],
        sha256=row["sha256"],
        alt_text=row["alt_text"],
        facts=json.loads(row["facts"]),
        ready_at=from_micros(ready) if ready is not None else None,
        trouble=row["trouble"],
        expires_at=from_micros(row["expires_at"]),
        media_type=row["media_type"] or "",
        width=row["width"] or 0,
        height=row["height"] or 0,
        milliseconds=row["milliseconds"] or 0,
        size=row["size"] or 0,
    )

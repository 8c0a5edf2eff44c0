"""What was accepted, read from the ledger's file by whoever judges it; the sandbox may run or not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .ledger import from_micros
from .ledger_schema import VERSION, version_of


@dataclass(frozen=True)
class LedgerMedia:
    """A picture or film as it was accepted: digest of the uploaded bytes, alternative text if any.

    `kind`: picture, animation, film, or card for the picture of a link's card. `captions` are
    the digests of a film's captions, by language.
    """

    sha256: str
    alt_text: str | None
    kind: str = "picture"
    media_type: str = ""
    captions: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Captions only where there are some."""
        more = {"captions": dict(self.captions)} if self.captions else {}
        return {
            "sha256": self.sha256,
            "alt_text": self.alt_text,
            "kind": self.kind,
            "type": self.media_type,
        } | more


@dataclass(frozen=True)
class LedgerEntry:
    """One accepted post, word for word as it was received; times are UTC with microseconds.

    `id` is the post's as its network writes it, `number` grows with every post of any network.
    `extra` is what else the network was told, by its own names: warning, visibility, replies,
    card, silent, quote, repost …
    """

    id: str
    account: str
    text: str
    media: tuple[LedgerMedia, ...]
    reply_to: str | None
    received_at: datetime
    removed_at: datetime | None
    network: str = "x"
    language: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    edited_at: datetime | None = None
    number: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "network": self.network,
            "account": self.account,
            "text": self.text,
            "language": self.language,
            "media": [m.as_json() for m in self.media],
            "reply_to": self.reply_to,
            "extra": dict(self.extra),
            "received_at": _stamp(self.received_at),
            "edited_at": _stamp(self.edited_at) if self.edited_at else None,
            "removed_at": _stamp(self.removed_at) if self.removed_at else None,
        }


def read_ledger(path: Path, *, network: str | None = None) -> list[LedgerEntry]:
    """Every accepted post (of one network) in the order of acceptance.

    Raises FileNotFoundError when there is no ledger at `path`, sqlite3.DatabaseError when it
    is none, or one of an earlier version.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no sandbox ledger here; start the sandbox first")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA busy_timeout = 10000")
        db.execute("PRAGMA query_only = ON")
        db.execute("BEGIN")
        if version_of(db) != VERSION:
            raise sqlite3.DatabaseError(
                "another version of this program wrote it; start the sandbox on it once, and it is"
                " brought up to date"
            )
        media = _media(db)
        rows = db.execute(
            "SELECT posts.*, accounts.network, accounts.handle, target.remote_id AS answered"
            " FROM posts JOIN accounts ON accounts.id = posts.account_id"
            " LEFT JOIN posts AS target ON target.id = posts.reply_to"
            " WHERE ? IS NULL OR accounts.network = ? ORDER BY posts.id",
            (network, network),
        ).fetchall()
    return [_entry(row, media.get(row["id"], [])) for row in rows]


def _media(db: sqlite3.Connection) -> dict[int, list[LedgerMedia]]:
    found: dict[int, list[LedgerMedia]] = {}
    for row in db.execute(
        "SELECT post_media.*, media_type FROM post_media JOIN files USING (sha256)"
        " ORDER BY post_id, position"
    ):
        captions = json.loads(row["facts"]).get("captions", {})
        one = LedgerMedia(row["sha256"], row["alt_text"], row["kind"], row["media_type"], captions)
        found.setdefault(row["post_id"], []).append(one)
    return found


def _entry(row: sqlite3.Row, media: list[LedgerMedia]) -> LedgerEntry:
    extra = json.loads(row["extra"])
    edited, removed = row["edited_at"], row["removed_at"]
    return LedgerEntry(
        id=row["remote_id"],
        account=row["handle"],
        text=row["text"],
        media=tuple(media),
        reply_to=row["answered"] or extra.get("reply_to"),
        received_at=from_micros(row["received_at"]),
        removed_at=from_micros(removed) if removed is not None else None,
        network=row["network"],
        language=row["language"],
        extra=extra,
        edited_at=from_micros(edited) if edited is not None else None,
        number=row["id"],
    )


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

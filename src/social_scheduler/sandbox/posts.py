"""Posts as the network keeps them: accepting, removing, finding them again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import regex

from .accounts import Account
from .entities import without_links
from .ledger import Ledger, from_micros, to_micros
from .problems import forbidden
from .uploads import Upload

DUPLICATE_WINDOW = timedelta(hours=24)
_ARABIC_SCRIPT = ("ar", "fa", "ur", "ckb", "ku", "ps", "sd", "ug")
_SELECT = (
    "SELECT posts.*, accounts.handle, accounts.name, accounts.language AS spoken,"
    " target.account_id AS reply_account FROM posts"
    " JOIN accounts ON accounts.id = posts.account_id"
    " LEFT JOIN posts AS target ON target.id = posts.reply_to "
)


@dataclass(frozen=True)
class PostMedia:
    """A picture of a post, with the alternative text it had when the post was accepted."""

    media_id: int
    sha256: str
    alt_text: str | None
    media_type: str
    width: int
    height: int
    animated: bool

    @property
    def key(self) -> str:
        return media_key(self.media_id, animated=self.animated)


@dataclass(frozen=True)
class Post:
    id: int
    author: Account
    text: str
    language: str
    reply_to: int | None
    reply_account: int | None
    conversation: int
    reply_settings: str
    received_at: datetime
    removed_at: datetime | None
    media: tuple[PostMedia, ...]


def media_key(media_id: int, *, animated: bool) -> str:
    return f"{16 if animated else 3}_{media_id}"


def accept(
    ledger: Ledger,
    author: Account,
    text: str,
    *,
    media: Sequence[Upload] = (),
    reply_to: int | None = None,
    reply_settings: str = "everyone",
) -> Post:
    """Store a post durably; raises Problem 403 for duplicate words or a reply to nothing."""
    now = to_micros(ledger.clock())
    with ledger.writing() as db:
        if text and _said_before(db, author, text, now):
            raise forbidden("You are not allowed to create a Tweet with duplicate content.")
        number = ledger.next_id(db)
        conversation = number
        if reply_to is not None:
            target = db.execute(
                "SELECT conversation FROM posts WHERE id = ? AND removed_at IS NULL", (reply_to,)
            ).fetchone()
            if target is None:
                raise forbidden(
                    "You attempted to reply to a Tweet that is deleted or not visible to you."
                )
            conversation = target["conversation"]
        db.execute(
            "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                number,
                author.id,
                text,
                language_of(text, author.language),
                reply_to,
                conversation,
                reply_settings,
                now,
            ),
        )
        db.executemany(
            "INSERT INTO post_media VALUES (?, ?, ?, ?, ?)",
            [(number, n, m.id, m.sha256, m.alt_text) for n, m in enumerate(media)],
        )
        return _load(db, "WHERE posts.id = ?", (number,))[0]


def remove(ledger: Ledger, author: Account, post_id: int) -> bool:
    """Take a post down; False when there never was one. Raises Problem 403 for others' posts."""
    with ledger.writing() as db:
        row = db.execute("SELECT account_id FROM posts WHERE id = ?", (post_id,)).fetchone()
        if row is None:
            return False
        if row["account_id"] != author.id:
            raise forbidden("You are not authorized to delete this Tweet.")
        db.execute(
            "UPDATE posts SET removed_at = ? WHERE id = ? AND removed_at IS NULL",
            (to_micros(ledger.clock()), post_id),
        )
    return True


def visible(ledger: Ledger, ids: Sequence[int]) -> list[Post]:
    """Those of these posts that are there and not removed, in the order asked for."""
    where = "WHERE posts.id IN (SELECT value FROM json_each(?)) AND posts.removed_at IS NULL"
    with ledger.reading() as db:
        found = _load(db, where, (json.dumps(list(ids)),))
    by_id = {post.id: post for post in found}
    return [by_id[number] for number in dict.fromkeys(ids) if number in by_id]


@dataclass(frozen=True)
class Stretch:
    """Which part of a timeline: ids exclusive, times inclusive start and exclusive end."""

    limit: int = 10
    since_id: int | None = None
    until_id: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    replies: bool = True


def timeline(ledger: Ledger, account_id: int, stretch: Stretch) -> list[Post]:
    """An account's posts that are still there, newest first."""
    where, values = ["posts.account_id = ?", "posts.removed_at IS NULL"], [account_id]
    for condition, value in (
        ("posts.id > ?", stretch.since_id),
        ("posts.id < ?", stretch.until_id),
        ("posts.received_at >= ?", to_micros(stretch.start) if stretch.start else None),
        ("posts.received_at < ?", to_micros(stretch.end) if stretch.end else None),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    if not stretch.replies:
        where.append("posts.reply_to IS NULL")
    sql = f"WHERE {' AND '.join(where)} ORDER BY posts.id DESC LIMIT ?"
    with ledger.reading() as db:
        return _load(db, sql, (*values, stretch.limit))


def language_of(text: str, spoken: str) -> str:
    """X guesses languages from the words; we go by script and the account's own language."""
    words = without_links(text)
    arabic = len(regex.findall(r"\p{Arabic}", words))
    others = len(regex.findall(r"\p{L}", words)) - arabic
    if arabic == others == 0:
        return "zxx"
    speaks_arabic_script = spoken.split("-")[0] in _ARABIC_SCRIPT
    if arabic >= others:
        return spoken if speaks_arabic_script else "ar"
    return "en" if speaks_arabic_script else spoken


def _said_before(db: sqlite3.Connection, author: Account, text: str, now: int) -> bool:
    since = now - DUPLICATE_WINDOW // timedelta(microseconds=1)
    sql = (
        "SELECT 1 FROM posts WHERE account_id = ? AND text = ?"
        " AND received_at > ? AND removed_at IS NULL"
    )
    return db.execute(sql, (author.id, text, since)).fetchone() is not None


def _load(db: sqlite3.Connection, where: str, values: Sequence[int | str]) -> list[Post]:
    rows = db.execute(_SELECT + where, tuple(values)).fetchall()
    pictures: dict[int, list[PostMedia]] = {}
    sql = (
        "SELECT post_media.*, media_type, width, height, category FROM post_media"
        " JOIN files USING (sha256) JOIN uploads ON uploads.id = media_id"
        " WHERE post_id IN (SELECT value FROM json_each(?)) ORDER BY post_id, position"
    )
    for row in db.execute(sql, (json.dumps([row["id"] for row in rows]),)):
        pictures.setdefault(row["post_id"], []).append(
            PostMedia(
                row["media_id"],
                row["sha256"],
                row["alt_text"],
                row["media_type"],
                row["width"],
                row["height"],
                row["category"] == "tweet_gif",
            )
        )
    return [_post(row, pictures.get(row["id"], [])) for row in rows]


def _post(row: sqlite3.Row, media: list[PostMedia]) -> Post:
    removed = row["removed_at"]
    return Post(
        id=row["id"],
        author=Account(row["account_id"], row["handle"], row["name"], row["spoken"]),
        text=row["text"],
        language=row["language"],
        reply_to=row["reply_to"],
        reply_account=row["reply_account"],
        conversation=row["conversation"],
        reply_settings=row["reply_settings"],
        received_at=from_micros(row["received_at"]),
        removed_at=from_micros(removed) if removed is not None else None,
        media=tuple(media),
    )

"""Posts as the networks keep them: accepting, editing, removing, finding them again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import regex

from .accounts import Account
from .entities import without_links
from .ledger import Ledger, from_micros, to_micros
from .uploads import Upload

DUPLICATE_WINDOW = timedelta(hours=24)
"""For how long X refuses words that an account has said."""
_ARABIC_SCRIPT = ("ar", "fa", "ur", "ckb", "ku", "ps", "sd", "ug")
_SELECT = (
    "SELECT posts.*, network, native_id, handle, name, accounts.language AS spoken,"
    " target.account_id AS reply_account, target.remote_id AS answered FROM posts"
    " JOIN accounts ON accounts.id = posts.account_id"
    " LEFT JOIN posts AS target ON target.id = posts.reply_to "
)


class SaidBefore(Exception):
    """The account has said these very words a short time ago."""


class NothingToReplyTo(Exception):
    """The post to answer is removed, or never was."""


class NotYours(Exception):
    """Another account's post."""


@dataclass(frozen=True)
class PostMedia:
    """A picture or film of a post, with the alternative text it had when it was accepted.

    `kind`: picture, animation, film, or card for the picture of a link's card.
    """

    media_id: int
    sha256: str
    alt_text: str | None
    media_type: str
    width: int
    height: int
    kind: str
    milliseconds: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def animated(self) -> bool:
        return self.kind == "animation"

    @property
    def key(self) -> str:
        return media_key(self.media_id, self.kind)


@dataclass(frozen=True)
class Post:
    """`id` is the ledger's own, `remote_id` the network's; `extra` is what else it was told."""

    id: int
    remote_id: str
    author: Account
    text: str
    language: str
    reply_to: int | None
    reply_remote: str | None
    reply_account: int | None
    conversation: int
    extra: Mapping[str, Any]
    received_at: datetime
    edited_at: datetime | None
    removed_at: datetime | None
    media: tuple[PostMedia, ...]


@dataclass(frozen=True)
class Wish:
    """A post about to be accepted. `remote_id` is the ledger's own id unless one is given.

    `language` is guessed from the words unless one is given. `media` are complete uploads;
    `kinds` gives those of them another kind than their own, by their place.
    """

    text: str
    media: Sequence[Upload] = ()
    reply_to: int | None = None
    language: str | None = None
    remote_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[int, str] = field(default_factory=dict)


def media_key(media_id: int, kind: str) -> str:
    """As X writes it: the number before it tells what it is."""
    return f"{ {'animation': 16, 'film': 7}.get(kind, 3) }_{media_id}"


def accept(
    ledger: Ledger, author: Account, wish: Wish, *, not_within: timedelta | None = None
) -> Post:
    """Store a post durably.

    Raises NothingToReplyTo, and SaidBefore for words that the account said `not_within` that
    time.
    """
    with ledger.writing() as db:
        if not_within and wish.text and _said_before(ledger, db, author, wish.text, not_within):
            raise SaidBefore
        return insert(ledger, db, author, wish)


def insert(ledger: Ledger, db: sqlite3.Connection, author: Account, wish: Wish) -> Post:
    """Store a post inside the caller's transaction; raises NothingToReplyTo."""
    number = ledger.next_id(db)
    conversation = number
    if wish.reply_to is not None:
        target = db.execute(
            "SELECT conversation FROM posts JOIN accounts ON accounts.id = account_id"
            " WHERE posts.id = ? AND network = ? AND removed_at IS NULL",
            (wish.reply_to, author.network),
        ).fetchone()
        if target is None:
            raise NothingToReplyTo
        conversation = target["conversation"]
    db.execute(
        "INSERT INTO posts (id, account_id, remote_id, text, language, reply_to, conversation,"
        " extra, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            author.id,
            wish.remote_id or str(number),
            wish.text,
            wish.language or language_of(wish.text, author.language),
            wish.reply_to,
            conversation,
            json.dumps(dict(wish.extra), ensure_ascii=False),
            to_micros(ledger.clock()),
        ),
    )
    _attach(db, number, wish)
    return _load(db, "WHERE posts.id = ?", (number,))[0]


def edit(ledger: Ledger, db: sqlite3.Connection, post: Post, wish: Wish) -> Post:
    """Give a post other words and media inside the caller's transaction; its place stays."""
    db.execute(
        "UPDATE posts SET text = ?, language = ?, extra = ?, edited_at = ? WHERE id = ?",
        (
            wish.text,
            wish.language or language_of(wish.text, post.author.language),
            json.dumps(dict(wish.extra), ensure_ascii=False),
            to_micros(ledger.clock()),
            post.id,
        ),
    )
    db.execute("DELETE FROM post_media WHERE post_id = ?", (post.id,))
    _attach(db, post.id, wish)
    return _load(db, "WHERE posts.id = ?", (post.id,))[0]


def remove(ledger: Ledger, author: Account, post_id: int) -> bool:
    """Take a post down; False when there never was one. Raises NotYours for others' posts."""
    with ledger.writing() as db:
        row = db.execute("SELECT account_id FROM posts WHERE id = ?", (post_id,)).fetchone()
        if row is None:
            return False
        if row["account_id"] != author.id:
            raise NotYours
        withdraw(ledger, db, post_id)
    return True


def withdraw(ledger: Ledger, db: sqlite3.Connection, post_id: int) -> None:
    """Take a post down inside the caller's transaction; gone already is fine."""
    db.execute(
        "UPDATE posts SET removed_at = ? WHERE id = ? AND removed_at IS NULL",
        (to_micros(ledger.clock()), post_id),
    )


def anywhere(db: sqlite3.Connection, network: str, remote_id: str) -> Post | None:
    """Anybody's post that is there, by its network's own id, where that is one in the network."""
    where = "WHERE network = ? AND posts.remote_id = ? AND posts.removed_at IS NULL"
    found = _load(db, where, (network, remote_id))
    return found[0] if found else None


def by_remote_id(db: sqlite3.Connection, account_id: int, remote_id: str) -> Post | None:
    """An account's post that is there, by its network's own id."""
    where = "WHERE posts.account_id = ? AND posts.remote_id = ? AND posts.removed_at IS NULL"
    found = _load(db, where, (account_id, remote_id))
    return found[0] if found else None


def visible(ledger: Ledger, ids: Sequence[int], network: str) -> list[Post]:
    """Those of these posts of a network that are there, in the order asked for."""
    where = (
        "WHERE posts.id IN (SELECT value FROM json_each(?)) AND posts.removed_at IS NULL"
        " AND network = ?"
    )
    with ledger.reading() as db:
        found = _load(db, where, (json.dumps(list(ids)), network))
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


def newest(ledger: Ledger, network: str | None, limit: int) -> list[Post]:
    """The posts that are there, of one network or of all, newest first."""
    where = (
        "WHERE posts.removed_at IS NULL AND (? IS NULL OR network = ?)"
        " ORDER BY posts.id DESC LIMIT ?"
    )
    with ledger.reading() as db:
        return _load(db, where, (network, network, limit))


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """How many posts are there, by network."""
    rows = db.execute(
        "SELECT network, count(*) FROM posts JOIN accounts ON accounts.id = account_id"
        " WHERE removed_at IS NULL GROUP BY network"
    )
    return {row[0]: row[1] for row in rows}


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


def _said_before(
    ledger: Ledger, db: sqlite3.Connection, author: Account, text: str, within: timedelta
) -> bool:
    since = to_micros(ledger.clock() - within)
    sql = (
        "SELECT 1 FROM posts WHERE account_id = ? AND text = ?"
        " AND received_at > ? AND removed_at IS NULL"
    )
    return db.execute(sql, (author.id, text, since)).fetchone() is not None


def _attach(db: sqlite3.Connection, post_id: int, wish: Wish) -> None:
    db.executemany(
        "INSERT INTO post_media VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                post_id,
                n,
                m.id,
                m.sha256,
                m.alt_text,
                wish.kinds.get(n, m.kind),
                json.dumps(dict(m.facts), ensure_ascii=False),
            )
            for n, m in enumerate(wish.media)
        ],
    )


def _load(db: sqlite3.Connection, where: str, values: Sequence[int | str | None]) -> list[Post]:
    rows = db.execute(_SELECT + where, tuple(values)).fetchall()
    media: dict[int, list[PostMedia]] = {}
    sql = (
        "SELECT post_media.*, media_type, width, height, milliseconds FROM post_media"
        " JOIN files USING (sha256)"
        " WHERE post_id IN (SELECT value FROM json_each(?)) ORDER BY post_id, position"
    )
    for row in db.execute(sql, (json.dumps([row["id"] for row in rows]),)):
        media.setdefault(row["post_id"], []).append(
            PostMedia(
                row["media_id"],
                row["sha256"],
                row["alt_text"],
                row["media_type"],
                row["width"],
                row["height"],
                row["kind"],
                row["milliseconds"],
                json.loads(row["facts"]),
            )
        )
    return [_post(row, media.get(row["id"], [])) for row in rows]


def _post(row: sqlite3.Row, media: list[PostMedia]) -> Post:
    edited, removed = row["edited_at"], row["removed_at"]
    return Post(
        id=row["id"],
        remote_id=row["remote_id"],
        author=Account(
            row["account_id"],
            row["network"],
            row["native_id"],
            row["handle"],
            row["name"],
            row["spoken"],
        ),
        text=row["text"],
        language=row["language"],
        reply_to=row["reply_to"],
        reply_remote=row["answered"],
        reply_account=row["reply_account"],
        conversation=row["conversation"],
        extra=json.loads(row["extra"]),
        received_at=from_micros(row["received_at"]),
        edited_at=from_micros(edited) if edited is not None else None,
        removed_at=from_micros(removed) if removed is not None else None,
        media=tuple(media),
    )

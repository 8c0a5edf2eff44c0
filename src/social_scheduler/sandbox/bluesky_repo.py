"""A Bluesky account's records: written one by one or all at once, read, listed, removed.

A post is a record and stands in the ledger as well; what is refused leaves neither.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import bluesky_ids as ids
from . import bluesky_lexicon as lexicon
from . import posts
from .accounts import Account
from .bluesky_ids import Address
from .bluesky_lexicon import POST, REPOST
from .bluesky_problems import bad, broken
from .ledger import Ledger, to_micros
from .posts import Post, Wish
from .uploads import Upload, newest

UNTOLD: Any = object()
"""`swap` when the caller says nothing of what is to be there; None says: nothing."""


@dataclass(frozen=True)
class Write:
    """One change. `action` is create, update, delete or (alone) put; `swap` what must be there before it."""

    action: str
    at: Address
    value: Mapping[str, Any] | None = None
    swap: Any = UNTOLD

    def as_result(self, cid: str, status: str) -> dict[str, Any]:
        """As the writing methods answer it."""
        return {"uri": str(self.at), "cid": cid, "validationStatus": status}


@dataclass(frozen=True)
class Stored:
    """A record as it stands."""

    at: Address
    cid: str
    value: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"uri": str(self.at), "cid": self.cid, "value": dict(self.value)}


def apply(
    ledger: Ledger, account: Account, writes: Sequence[Write], commit: Any = UNTOLD
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """All of the changes, or none; answers the new commit, and what each change came to."""
    with ledger.writing() as db:
        head = _head(db, account, commit)
        results = [_written(ledger, db, account, write) for write in writes]
        return _committed(ledger, db, account, head), results


def put(
    ledger: Ledger, account: Account, write: Write, commit: Any = UNTOLD
) -> tuple[dict[str, str] | None, dict[str, Any]]:
    """Create or update, whichever it is; no commit where the very same record stands already."""
    with ledger.writing() as db:
        there = read(db, account, write.at.collection, write.at.key)
        cid = _cid({"$type": write.at.collection, **(write.value or {})})
        if there is not None and there.cid == cid:
            return None, write.as_result(cid, "valid")
        head = _head(db, account, commit)
        changed = replace(write, action="create" if there is None else "update")
        result = _written(ledger, db, account, changed)
        return _committed(ledger, db, account, head), result


def read(db: sqlite3.Connection, account: Account, collection: str, key: str) -> Stored | None:
    row = db.execute(
        "SELECT * FROM records WHERE account_id = ? AND collection = ? AND key = ?",
        (account.id, collection, key),
    ).fetchone()
    return _stored(account, row) if row is not None else None


def listed(
    db: sqlite3.Connection,
    account: Account,
    collection: str,
    limit: int,
    cursor: str | None,
    *,
    oldest_first: bool,
) -> list[Stored]:
    """A stretch of one collection in the order of its keys."""
    stretch = (
        "(? IS NULL OR key > ?) ORDER BY key LIMIT ?"
        if oldest_first
        else "(? IS NULL OR key < ?) ORDER BY key DESC LIMIT ?"
    )
    sql = "SELECT * FROM records WHERE account_id = ? AND collection = ? AND " + stretch  # noqa: S608 - our own
    rows = db.execute(sql, (account.id, collection, cursor, cursor, limit))
    return [_stored(account, row) for row in rows]


def _written(
    ledger: Ledger, db: sqlite3.Connection, account: Account, write: Write
) -> dict[str, Any]:
    at = write.at
    there = read(db, account, at.collection, at.key)
    _as_expected(write, there)
    if write.action == "delete":
        if there is None:
            raise broken()
        _remove(ledger, db, account, at)
        return {}
    if (there is None) != (write.action == "create") or write.value is None:
        raise broken()  # so does the reference server: it foresees no such call
    value = {"$type": at.collection, **write.value}
    status = lexicon.check(at.collection, value)
    cid = _cid(value)
    db.execute(
        "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)",
        (account.id, at.collection, at.key, cid, json.dumps(value, ensure_ascii=False)),
    )
    if at.collection in (POST, REPOST):
        _say(ledger, db, account, Stored(at, cid, value))
    return write.as_result(cid, status)


def _cid(value: Mapping[str, Any]) -> str:
    try:
        return ids.cid_of(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad(f"Invalid record: {error}") from error


def _as_expected(write: Write, there: Stored | None) -> None:
    """Raises Problem InvalidSwap unless what is there is what the caller says is there."""
    if write.swap is UNTOLD:
        return
    found = there.cid if there else None
    wrong = write.swap is not None if write.action == "create" else write.swap is None
    if wrong or write.swap != found:
        raise bad(f"Record was at {found or 'null'}", "InvalidSwap")


def _say(ledger: Ledger, db: sqlite3.Connection, account: Account, record: Stored) -> None:
    """Put a post into the ledger, or what it says now."""
    wish = _wish(ledger, db, account, record)
    there = posts.by_remote_id(db, account.id, str(record.at))
    if there is not None:
        posts.edit(ledger, db, there, wish)
    else:
        posts.insert(ledger, db, account, wish)


def _wish(ledger: Ledger, db: sqlite3.Connection, account: Account, record: Stored) -> Wish:
    value = record.value
    extra: dict[str, Any] = {"cid": record.cid, "record": dict(value)}
    if record.at.collection == REPOST:
        extra["repost"] = value["subject"]["uri"]
        return Wish("", language="zxx", remote_id=str(record.at), extra=extra)
    extra |= {"card": card} if (card := lexicon.card(value)) else {}
    extra |= {"quote": quote} if (quote := lexicon.quoted(value)) else {}
    parent = value["reply"]["parent"]["uri"] if "reply" in value else None
    answered = posts.anywhere(db, account.network, parent) if parent else None
    if parent and answered is None:
        extra["reply_to"] = parent
    media = [(blob, _file(ledger, db, account, blob)) for blob in lexicon.blobs(value)]
    return Wish(
        value["text"],
        [upload for _, upload in media],
        answered.id if answered else None,
        language=(value.get("langs") or [None])[0],
        remote_id=str(record.at),
        extra=extra,
        kinds={number: blob.kind for number, (blob, _) in enumerate(media)},
    )


def _file(ledger: Ledger, db: sqlite3.Connection, account: Account, blob: lexicon.Blob) -> Upload:
    found = newest(db, account, blob.cid)
    if found is None:
        raise bad(f"Could not find blob: {blob.cid}", "BlobNotFound")
    if found.media_type != blob.media_type:
        raise bad(
            f"Referenced Mimetype does not match stored blob. Expected: {blob.media_type}, Got:"
            f" {found.media_type}",
            "InvalidMimeType",
        )
    captions = {}
    for language, cid in (blob.captions or {}).items():
        words = newest(db, account, cid)
        if words is None:
            raise bad(f"Could not find blob: {cid}", "BlobNotFound")
        captions[language] = words.sha256
    facts = {"captions": captions} if captions else {}
    return replace(found, alt_text=blob.alt or None, facts=facts)


def _remove(ledger: Ledger, db: sqlite3.Connection, account: Account, at: Address) -> None:
    db.execute(
        "DELETE FROM records WHERE account_id = ? AND collection = ? AND key = ?",
        (account.id, at.collection, at.key),
    )
    there: Post | None = posts.by_remote_id(db, account.id, str(at))
    if there is not None:
        posts.withdraw(ledger, db, there.id)


def _head(db: sqlite3.Connection, account: Account, expected: Any) -> str | None:
    """The last commit; raises Problem InvalidSwap when it is not the one the caller knows."""
    row = db.execute("SELECT cid FROM commits WHERE account_id = ?", (account.id,)).fetchone()
    head = row["cid"] if row is not None else None
    if expected is not UNTOLD and expected != head:
        raise bad(f"Commit was at {head}", "InvalidSwap")
    return head


def _committed(
    ledger: Ledger, db: sqlite3.Connection, account: Account, before: str | None
) -> dict[str, str]:
    rev = ids.tid(max(to_micros(ledger.clock()), ledger.next_number(db, account.id)), 0)
    cid = ids.cid_of({"did": account.native_id, "rev": rev, "prev": before or ""})
    db.execute("INSERT OR REPLACE INTO commits VALUES (?, ?, ?)", (account.id, rev, cid))
    return {"cid": cid, "rev": rev}


def _stored(account: Account, row: sqlite3.Row) -> Stored:
    at = Address(account.native_id, row["collection"], row["key"])
    return Stored(at, row["cid"], json.loads(row["value"]))

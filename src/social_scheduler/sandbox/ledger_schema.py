"""The tables of the sandbox's ledger, and how a ledger of an earlier version becomes one of now."""

from __future__ import annotations

import sqlite3

VERSION = 2

_TABLES = """
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, network TEXT NOT NULL, native_id TEXT NOT NULL,
    handle TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL, language TEXT NOT NULL,
    keys TEXT NOT NULL, numbered INTEGER NOT NULL DEFAULT 0, made_at INTEGER NOT NULL,
    premium INTEGER NOT NULL DEFAULT 0,
    UNIQUE (network, handle), UNIQUE (network, native_id));
CREATE TABLE tokens (
    value TEXT PRIMARY KEY, network TEXT NOT NULL, kind TEXT NOT NULL,
    account_id INTEGER REFERENCES accounts (id), facts TEXT NOT NULL DEFAULT '{}',
    expires_at INTEGER);
CREATE TABLE posts (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
    remote_id TEXT NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL,
    reply_to INTEGER REFERENCES posts (id), conversation INTEGER NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}', received_at INTEGER NOT NULL, edited_at INTEGER,
    removed_at INTEGER);
CREATE INDEX posts_of_account ON posts (account_id, id);
CREATE UNIQUE INDEX posts_by_remote_id ON posts (account_id, remote_id) WHERE removed_at IS NULL;
CREATE TABLE records (
    account_id INTEGER NOT NULL REFERENCES accounts (id), collection TEXT NOT NULL,
    key TEXT NOT NULL, cid TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (account_id, collection, key));
CREATE TABLE commits (
    account_id INTEGER PRIMARY KEY REFERENCES accounts (id), rev TEXT NOT NULL,
    cid TEXT NOT NULL);
CREATE TABLE files (
    sha256 TEXT PRIMARY KEY, media_type TEXT NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, milliseconds INTEGER NOT NULL DEFAULT 0, content BLOB NOT NULL);
CREATE TABLE post_media (
    post_id INTEGER NOT NULL REFERENCES posts (id), position INTEGER NOT NULL,
    media_id INTEGER NOT NULL, sha256 TEXT NOT NULL REFERENCES files (sha256), alt_text TEXT,
    kind TEXT NOT NULL, facts TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (post_id, position));
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
    remote_id TEXT NOT NULL, category TEXT NOT NULL, total_bytes INTEGER NOT NULL,
    sha256 TEXT REFERENCES files (sha256), alt_text TEXT, facts TEXT NOT NULL DEFAULT '{}',
    ready_at INTEGER, trouble TEXT, expires_at INTEGER NOT NULL);
CREATE INDEX uploads_by_remote_id ON uploads (account_id, remote_id);
CREATE TABLE segments (
    upload_id INTEGER NOT NULL REFERENCES uploads (id), number INTEGER NOT NULL,
    content BLOB NOT NULL, PRIMARY KEY (upload_id, number));
CREATE TABLE nonces (
    token TEXT NOT NULL, stamp INTEGER NOT NULL, nonce TEXT NOT NULL,
    PRIMARY KEY (token, stamp, nonce));
CREATE TABLE rates (
    account_id INTEGER NOT NULL, route TEXT NOT NULL, started_at INTEGER NOT NULL,
    used INTEGER NOT NULL, PRIMARY KEY (account_id, route));
CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, network TEXT, account TEXT COLLATE NOCASE,
    fault TEXT NOT NULL, route TEXT, passing INTEGER NOT NULL, times INTEGER, seconds REAL,
    location TEXT);
CREATE TABLE IF NOT EXISTS last_id (
    only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
INSERT OR IGNORE INTO last_id VALUES (1, 0);
"""

_RENAMED = (
    "accounts",
    "posts",
    "post_media",
    "files",
    "uploads",
    "segments",
    "nonces",
    "rates",
    "faults",
)

# Version 1 knew one network, X; its tables had the same names and no version was written down.
_FROM_1 = """
INSERT INTO accounts
    SELECT id, 'x', id, handle, name, language, json_object('api_key', api_key, 'api_secret',
        api_secret, 'access_token', access_token, 'access_secret', access_secret), 0, made_at, 0
    FROM old_accounts;
INSERT INTO files SELECT sha256, media_type, width, height, 0, content FROM old_files;
INSERT INTO uploads
    SELECT id, account_id, id, category, total_bytes, sha256, alt_text, '{}', NULL, NULL,
        expires_at FROM old_uploads;
INSERT INTO segments SELECT upload_id, number, content FROM old_segments;
INSERT INTO posts
    SELECT id, account_id, id, text, language, reply_to, conversation,
        json_object('replies', reply_settings), received_at, NULL, removed_at FROM old_posts;
INSERT INTO post_media
    SELECT post_id, position, media_id, post_media.sha256, post_media.alt_text,
        CASE category WHEN 'tweet_gif' THEN 'animation' ELSE 'picture' END, '{}'
    FROM old_post_media AS post_media JOIN old_uploads ON old_uploads.id = media_id;
INSERT INTO nonces SELECT token, stamp, nonce FROM old_nonces;
INSERT INTO faults
    SELECT id, 'x', account, fault, route, passing, times, seconds, location FROM old_faults;
"""


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables, or turn an earlier version's into those of now; all of it or nothing.

    Raises sqlite3.DatabaseError for a ledger of a later version.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(db)
        if version > VERSION:
            raise sqlite3.DatabaseError(
                f"a later version ({version}) of this program wrote it; use that one, or another"
                " ledger"
            )
        if version < VERSION:
            _build(db, from_earlier=version == 1)
            db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def version_of(db: sqlite3.Connection) -> int:
    """Which version's tables these are; 0 when there are none."""
    written = int(db.execute("PRAGMA user_version").fetchone()[0])
    if written:
        return written
    found = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'accounts'").fetchone()
    return 1 if found else 0


def _build(db: sqlite3.Connection, *, from_earlier: bool) -> None:
    if from_earlier:
        db.execute("DROP INDEX posts_of_account")
        for name in _RENAMED:
            db.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
    for statement in _statements(_TABLES):
        db.execute(statement)
    if from_earlier:
        for statement in _statements(_FROM_1):
            db.execute(statement)
        for name in reversed(_RENAMED):
            db.execute(f"DROP TABLE old_{name}")


def _statements(script: str) -> list[str]:
    """One by one: `executescript` would end the transaction."""
    return [one for one in script.split(";\n") if one.strip()]

"""The ledger's file: of this version, of an earlier one, of a later one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from social_scheduler.sandbox import LedgerMedia, read_ledger
from social_scheduler.sandbox.accounts import add_account, all_accounts, by_key
from social_scheduler.sandbox.ledger import Ledger
from social_scheduler.sandbox.ledger_schema import VERSION
from social_scheduler.sandbox.posts import Wish, accept

VERSION_1 = """
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, handle TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,
    language TEXT NOT NULL, api_key TEXT NOT NULL UNIQUE, api_secret TEXT NOT NULL,
    access_token TEXT NOT NULL UNIQUE, access_secret TEXT NOT NULL, made_at INTEGER NOT NULL);
CREATE TABLE posts (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
    text TEXT NOT NULL, language TEXT NOT NULL, reply_to INTEGER REFERENCES posts (id),
    conversation INTEGER NOT NULL, reply_settings TEXT NOT NULL,
    received_at INTEGER NOT NULL, removed_at INTEGER);
CREATE INDEX posts_of_account ON posts (account_id, id);
CREATE TABLE post_media (
    post_id INTEGER NOT NULL REFERENCES posts (id), position INTEGER NOT NULL,
    media_id INTEGER NOT NULL, sha256 TEXT NOT NULL REFERENCES files (sha256), alt_text TEXT,
    PRIMARY KEY (post_id, position));
CREATE TABLE files (
    sha256 TEXT PRIMARY KEY, media_type TEXT NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
    category TEXT NOT NULL, total_bytes INTEGER NOT NULL, sha256 TEXT REFERENCES files (sha256),
    alt_text TEXT, expires_at INTEGER NOT NULL);
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
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT COLLATE NOCASE, fault TEXT NOT NULL,
    route TEXT, passing INTEGER NOT NULL, times INTEGER, seconds REAL, location TEXT);
CREATE TABLE last_id (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
INSERT INTO last_id VALUES (1, 9);
INSERT INTO accounts VALUES (5, 'demo_ar', 'Demo', 'ar', 'K', 'KS', 'T', 'TS', 1000000);
INSERT INTO files VALUES ('ab', 'image/png', 8, 6, x'00');
INSERT INTO uploads VALUES (6, 5, 'tweet_image', 1, 'ab', 'An alt', 9000000);
INSERT INTO posts VALUES (7, 5, 'one', 'ar', NULL, 7, 'following', 2000000, NULL);
INSERT INTO posts VALUES (8, 5, 'two', 'ar', 7, 7, 'everyone', 3000000, 4000000);
INSERT INTO post_media VALUES (7, 0, 6, 'ab', 'An alt');
INSERT INTO faults (fault, passing, times) VALUES ('slow', 0, 1);
"""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A ledger as version 1 left it."""
    path = tmp_path / "earlier.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
    return path


def test_a_ledger_of_an_earlier_version_is_brought_up_to_date(earlier: Path) -> None:
    with closing(Ledger(earlier)) as ledger, ledger.reading() as db:
        (account,) = all_accounts(db)
        assert (account.network, account.native_id, account.handle) == ("x", "5", "demo_ar")
        found = by_key(db, "x", "access_token", "T")
        assert found is not None
        assert found[1]["access_secret"] == "TS"
        accept(ledger, account, Wish("three", reply_to=7))

    first, second, third = read_ledger(earlier)
    assert (first.id, first.text, first.extra) == ("7", "one", {"replies": "following"})
    assert first.media == (LedgerMedia("ab", "An alt", "picture", "image/png"),)
    assert (second.reply_to, second.removed_at) == ("7", datetime.fromtimestamp(4, UTC))
    assert (third.text, third.reply_to) == ("three", "7")
    with closing(sqlite3.connect(earlier)) as plain:
        names = {row[0] for row in plain.execute("SELECT name FROM sqlite_master")}
        assert not any(name.startswith("old_") for name in names)
        assert plain.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_ledger_of_an_earlier_version_is_not_read_as_if_it_were_of_this_one(
    earlier: Path,
) -> None:
    with pytest.raises(sqlite3.DatabaseError, match="start the sandbox on it once"):
        read_ledger(earlier)


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "later.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(sqlite3.DatabaseError, match="a later version"):
        Ledger(path)


def test_the_ledger_can_be_read_for_one_network(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(Ledger(path)) as ledger:
        for network, handle in (("x", "desk_en"), ("telegram", "desk_en"), ("x", "desk_ar")):
            account, _ = add_account(ledger, handle, "A desk", "en", network=network)
            accept(ledger, account, Wish(f"said on {network}"))

    assert [e.text for e in read_ledger(path, network="telegram")] == ["said on telegram"]
    assert len(read_ledger(path)) == 3


def test_an_account_counts_numbers_of_its_own(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        account, _ = add_account(ledger, "channel_ar", "A channel", "ar", network="telegram")
        with ledger.writing() as db:
            assert ledger.next_number(db, account.id) == 1
            assert ledger.next_number(db, account.id, 4) == 2
            assert ledger.next_number(db, account.id) == 6

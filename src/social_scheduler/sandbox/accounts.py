"""Who may post on the rehearsal network: accounts and the four secrets each of them signs with."""

from __future__ import annotations

import re
import secrets
import sqlite3
import string
from dataclasses import dataclass

from .ledger import Ledger, to_micros

_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_LETTERS = string.ascii_letters + string.digits


class AccountRefused(Exception):
    """An account that cannot be made as asked; the message says why and what to do instead."""


class AccountExists(AccountRefused):
    """There already is an account with this handle."""


@dataclass(frozen=True)
class Account:
    id: int
    handle: str
    name: str
    language: str


@dataclass(frozen=True)
class Keys:
    """OAuth 1.0a consumer pair and access pair, as X's developer pages show them once."""

    api_key: str
    api_secret: str
    access_token: str
    access_secret: str


def add_account(
    ledger: Ledger, handle: str, name: str, language: str, *, again: bool = False
) -> tuple[Account, Keys]:
    """Make an account with new keys; with `again`, give an existing one new keys.

    Raises AccountRefused for a malformed handle, name or language, AccountExists otherwise.
    """
    if not _HANDLE.fullmatch(handle):
        raise AccountRefused("handle: 1 to 15 letters, digits or underscores, without the @")
    if not _LANGUAGE.fullmatch(language):
        raise AccountRefused("language: a language code such as en, ar or fr")
    if not 1 <= len(name) <= 50:
        raise AccountRefused("name: 1 to 50 characters")
    with ledger.writing() as db:
        row = db.execute("SELECT * FROM accounts WHERE handle = ?", (handle,)).fetchone()
        if row is not None and not again:
            raise AccountExists(
                f'@{row["handle"]} exists already: send "again": true to give it new keys'
            )
        number = row["id"] if row is not None else ledger.next_id(db)
        keys = _new_keys(number)
        values = (keys.api_key, keys.api_secret, keys.access_token, keys.access_secret)
        if row is not None:
            db.execute(
                "UPDATE accounts SET api_key = ?, api_secret = ?, access_token = ?,"
                " access_secret = ? WHERE id = ?",
                (*values, number),
            )
            return account_from(row), keys
        db.execute(
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, handle, name, language, *values, to_micros(ledger.clock())),
        )
    return Account(number, handle, name, language), keys


def all_accounts(db: sqlite3.Connection) -> list[Account]:
    return [account_from(row) for row in db.execute("SELECT * FROM accounts ORDER BY id")]


def by_handle(db: sqlite3.Connection, handle: str) -> Account | None:
    row = db.execute("SELECT * FROM accounts WHERE handle = ?", (handle,)).fetchone()
    return account_from(row) if row is not None else None


def by_id(db: sqlite3.Connection, number: int) -> Account | None:
    row = db.execute("SELECT * FROM accounts WHERE id = ?", (number,)).fetchone()
    return account_from(row) if row is not None else None


def account_from(row: sqlite3.Row) -> Account:
    return Account(row["id"], row["handle"], row["name"], row["language"])


def _new_keys(number: int) -> Keys:
    return Keys(_random(25), _random(50), f"{number}-{_random(40)}", _random(45))


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))

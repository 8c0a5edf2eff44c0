"""Who may post on the rehearsal networks: accounts, and the secrets each of them calls with."""

from __future__ import annotations

import base64
import json
import re
import secrets
import sqlite3
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .ledger import Ledger, to_micros

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_LETTERS = string.ascii_letters + string.digits


class AccountRefused(Exception):
    """An account that cannot be made as asked; the message says why and what to do instead."""


class AccountExists(AccountRefused):
    """There already is an account with this handle on this network."""


@dataclass(frozen=True)
class Account:
    """`native_id` is the account's id as its network writes it; `premium`: X lets it say more."""

    id: int
    network: str
    native_id: str
    handle: str
    name: str
    language: str
    premium: bool = False


Keys = Mapping[str, str]
"""The secrets of one account, by the names its network gives them."""


@dataclass(frozen=True)
class _Kind:
    """What accounts of one network look like."""

    handle: re.Pattern[str]
    handle_rule: str
    native_id: Callable[[int], str]
    keys: Callable[[Account], Keys]


def _x_keys(account: Account) -> Keys:
    """OAuth 1.0a consumer pair and access pair, as X's developer pages show them once."""
    return {
        "api_key": _random(25),
        "api_secret": _random(50),
        "access_token": f"{account.native_id}-{_random(40)}",
        "access_secret": _random(45),
    }


def _bluesky_keys(account: Account) -> Keys:
    letters = string.ascii_lowercase + "234567"
    groups = ("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
    return {"identifier": account.handle, "app_password": "-".join(groups)}


def _mastodon_keys(_: Account) -> Keys:
    return {"access_token": _random(43)}


def _telegram_keys(account: Account) -> Keys:
    bot = 6_000_000_000 + account.id % 1_000_000_000
    return {"bot_token": f"{bot}:AA{_random(33)}", "channel": f"@{account.handle}"}


def _did(_: int) -> str:
    return "did:plc:" + base64.b32encode(secrets.token_bytes(15)).decode().lower()


_KINDS = {
    "x": _Kind(
        re.compile(r"[A-Za-z0-9_]{1,15}", re.ASCII),
        "1 to 15 letters, digits or underscores, without the @",
        str,
        _x_keys,
    ),
    "bluesky": _Kind(
        re.compile(r"(?=.{3,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}", re.ASCII),
        "a domain name in small letters, such as embassy.example",
        _did,
        _bluesky_keys,
    ),
    "mastodon": _Kind(
        re.compile(r"[A-Za-z0-9_]{1,30}(@[a-z0-9.-]+\.[a-z]{2,})?", re.ASCII),
        "1 to 30 letters, digits or underscores, without the first @",
        str,
        _mastodon_keys,
    ),
    "telegram": _Kind(
        re.compile(r"[A-Za-z][A-Za-z0-9_]{4,31}", re.ASCII),
        "a channel's name: 5 to 32 letters, digits or underscores, without the @",
        lambda number: f"-100{1_000_000_000 + number % 1_000_000_000}",
        _telegram_keys,
    ),
}
NETWORKS = tuple(_KINDS)


def add_account(
    ledger: Ledger,
    handle: str,
    name: str,
    language: str,
    *,
    network: str = "x",
    again: bool = False,
    premium: bool = False,
) -> tuple[Account, Keys]:
    """Make an account with new keys; with `again`, give an existing one new keys.

    Raises AccountRefused for a malformed network, handle, name or language, AccountExists
    otherwise.
    """
    kind = _KINDS.get(network)
    if kind is None:
        raise AccountRefused(f"network: one of {', '.join(NETWORKS)}")
    if not kind.handle.fullmatch(handle):
        raise AccountRefused(f"handle: {kind.handle_rule}")
    if not _LANGUAGE.fullmatch(language):
        raise AccountRefused("language: a language code such as en, ar or fr")
    if not 1 <= len(name) <= 50:
        raise AccountRefused("name: 1 to 50 characters")
    with ledger.writing() as db:
        known = by_handle(db, network, handle)
        if known is not None:
            if not again:
                raise AccountExists(
                    f'@{known.handle} exists already: send "again": true to give it new keys'
                )
            keys = kind.keys(known)
            db.execute(
                "UPDATE accounts SET keys = ?, premium = ? WHERE id = ?",
                (json.dumps(keys), premium, known.id),
            )
            sql = "DELETE FROM tokens WHERE account_id = ? AND kind <> 'idempotency'"
            db.execute(sql, (known.id,))
            return known, keys
        number = ledger.next_id(db)
        account = Account(number, network, kind.native_id(number), handle, name, language, premium)
        keys = kind.keys(account)
        db.execute(
            "INSERT INTO accounts"
            " (id, network, native_id, handle, name, language, premium, keys, made_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                network,
                account.native_id,
                handle,
                name,
                language,
                premium,
                json.dumps(keys),
                to_micros(ledger.clock()),
            ),
        )
    return account, keys


def all_accounts(db: sqlite3.Connection, network: str | None = None) -> list[Account]:
    sql = "SELECT * FROM accounts WHERE ? IS NULL OR network = ? ORDER BY id"
    return [account_from(row) for row in db.execute(sql, (network, network))]


def by_handle(db: sqlite3.Connection, network: str, handle: str) -> Account | None:
    return _one(db, "network = ? AND handle = ?", network, handle)


def by_id(db: sqlite3.Connection, number: int) -> Account | None:
    return _one(db, "id = ?", number)


def by_native_id(db: sqlite3.Connection, network: str, native_id: str) -> Account | None:
    return _one(db, "network = ? AND native_id = ?", network, native_id)


def by_key(
    db: sqlite3.Connection, network: str, name: str, value: str
) -> tuple[Account, Keys] | None:
    """The account one of whose keys this is, and all its keys."""
    row = db.execute(
        "SELECT * FROM accounts WHERE network = ? AND json_extract(keys, '$.' || ?) = ?",
        (network, name, value),
    ).fetchone()
    return (account_from(row), json.loads(row["keys"])) if row is not None else None


def keys_of(db: sqlite3.Connection, account: Account) -> Keys:
    row = db.execute("SELECT keys FROM accounts WHERE id = ?", (account.id,)).fetchone()
    keys: Keys = json.loads(row["keys"])
    return keys


def account_from(row: sqlite3.Row) -> Account:
    return Account(
        row["id"],
        row["network"],
        row["native_id"],
        row["handle"],
        row["name"],
        row["language"],
        bool(row["premium"]),
    )


def _one(db: sqlite3.Connection, where: str, *values: str | int) -> Account | None:
    row = db.execute(f"SELECT * FROM accounts WHERE {where}", values).fetchone()  # noqa: S608
    return account_from(row) if row is not None else None


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))

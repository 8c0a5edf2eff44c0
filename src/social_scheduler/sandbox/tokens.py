"""What callers are given to call with besides their keys: sessions, OAuth tokens, codes, apps."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .ledger import Ledger, from_micros, to_micros


@dataclass(frozen=True)
class Token:
    """`kind` is its network's own word for it; `facts` what it stands for (scopes, redirect …)."""

    value: str
    network: str
    kind: str
    account_id: int | None
    facts: Mapping[str, Any]
    expires_at: datetime | None


def new_value() -> str:
    """A secret that nobody guesses."""
    return secrets.token_urlsafe(32)


def issue(
    ledger: Ledger,
    network: str,
    kind: str,
    account_id: int | None,
    *,
    value: str | None = None,
    facts: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> Token:
    """A new one, with a value of our making unless one is given."""
    made = Token(value or new_value(), network, kind, account_id, dict(facts or {}), expires_at)
    ends = to_micros(expires_at) if expires_at else None
    with ledger.writing() as db:
        db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
            (made.value, network, kind, account_id, json.dumps(made.facts), ends),
        )
    return made


def known(ledger: Ledger, network: str, kind: str, value: str) -> Token | None:
    """The token of that value, also one that has expired: the caller tells the two apart."""
    with ledger.reading() as db:
        return _get(db, network, kind, value)


def spend(ledger: Ledger, network: str, kind: str, value: str) -> Token | None:
    """Take a token away, so that it works once: of two callers one gets it."""
    with ledger.writing() as db:
        found = _get(db, network, kind, value)
        if found is not None:
            db.execute("DELETE FROM tokens WHERE value = ?", (value,))
        return found


def expired(token: Token, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now


def _get(db: sqlite3.Connection, network: str, kind: str, value: str) -> Token | None:
    row = db.execute(
        "SELECT * FROM tokens WHERE value = ? AND network = ? AND kind = ?", (value, network, kind)
    ).fetchone()
    if row is None:
        return None
    ends = row["expires_at"]
    return Token(
        row["value"],
        row["network"],
        row["kind"],
        row["account_id"],
        json.loads(row["facts"]),
        from_micros(ends) if ends is not None else None,
    )

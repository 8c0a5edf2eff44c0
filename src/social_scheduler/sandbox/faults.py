"""Misfortune on request: switches, kept in the ledger, that make chosen calls go wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .accounts import NETWORKS, Account
from .ledger import Ledger
from .rates import ROUTES

# Before the request is looked at: nothing is stored.
BEFORE = frozenset(
    {"error_before", "rate_limited", "reply_forbidden", "unauthorized", "redirect", "reset_before"}
)
# After it was accepted and stored.
AFTER = frozenset({"answer_lost", "error_after", "slow", "malformed"})


class FaultRefused(Exception):
    """A switch that cannot be set as asked; the message says which field and why."""


@dataclass(frozen=True)
class Fault:
    """`after` requests pass first, then `times` requests are hit (None: until switched off).

    `network`, `account` (a handle) and `route` narrow it; None means all. `seconds` is the delay of
    `slow` (default 5) and the time to the reset of `rate_limited` (default 900);
    `location` is where `redirect` points.
    """

    fault: str
    account: str | None = None
    route: str | None = None
    times: int | None = 1
    after: int = 0
    seconds: float | None = None
    location: str | None = None
    network: str | None = None
    id: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def parse_fault(wish: Mapping[str, Any]) -> Fault:
    """A Fault from the operator's JSON; raises FaultRefused."""
    unknown = set(wish) - {field.name for field in fields(Fault)} | ({"id"} & set(wish))
    if unknown:
        raise FaultRefused(f"unknown field {sorted(unknown)[0]!r}")
    name = wish.get("fault")
    if name not in BEFORE | AFTER:
        raise FaultRefused(f"fault: one of {', '.join(sorted(BEFORE | AFTER))}")
    network, route = wish.get("network"), wish.get("route")
    if network is not None and network not in NETWORKS:
        raise FaultRefused(f"network: one of {', '.join(NETWORKS)}, or null for all")
    routes = ROUTES[network] if network else frozenset().union(*ROUTES.values())
    if route is not None and route not in routes:
        raise FaultRefused(f"route: one of {', '.join(sorted(routes))}, or null for all")
    account = wish.get("account")
    if account is not None and not isinstance(account, str):
        raise FaultRefused("account: a handle, or null for all")
    times, after, seconds = wish.get("times", 1), wish.get("after", 0), wish.get("seconds")
    if times is not None and (type(times) is not int or times < 1):
        raise FaultRefused("times: a whole number from 1, or null for always")
    if type(after) is not int or after < 0:
        raise FaultRefused("after: a whole number from 0")
    if seconds is not None and (type(seconds) not in (int, float) or not 0 <= seconds <= 3600):
        raise FaultRefused("seconds: a number from 0 to 3600")
    location = wish.get("location")
    if location is not None and not (isinstance(location, str) and location.isascii()):
        raise FaultRefused("location: an address")
    handle = account.removeprefix("@") if account else None
    return Fault(name, handle, route, times, after, seconds, location, network)


def add_fault(ledger: Ledger, fault: Fault) -> Fault:
    values = (fault.account, fault.fault, fault.route, fault.after, fault.times)
    with ledger.writing() as db:
        number = db.execute(
            "INSERT INTO faults (account, fault, route, passing, times, seconds, location, network)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, fault.seconds, fault.location, fault.network),
        ).lastrowid
        return _from_row(db.execute("SELECT * FROM faults WHERE id = ?", (number,)).fetchone())


def all_faults(ledger: Ledger) -> list[Fault]:
    with ledger.reading() as db:
        return [_from_row(row) for row in db.execute("SELECT * FROM faults ORDER BY id")]


def clear_faults(ledger: Ledger) -> int:
    """Switch everything off; returns how many there were."""
    with ledger.writing() as db:
        return db.execute("DELETE FROM faults").rowcount


def draw(ledger: Ledger, account: Account, route: str, *, is_reply: bool) -> Fault | None:
    """The fault that hits this request, counted down; the oldest switch comes first.

    `reply_forbidden` sees replies only.
    """
    with ledger.writing() as db:
        rows = db.execute(
            "SELECT * FROM faults WHERE (account IS NULL OR account = ?)"
            " AND (network IS NULL OR network = ?) AND (route IS NULL OR route = ?)"
            " AND (fault <> 'reply_forbidden' OR ?) ORDER BY id",
            (account.handle, account.network, route, is_reply),
        ).fetchall()
        for row in rows:
            if row["passing"] > 0:
                db.execute("UPDATE faults SET passing = passing - 1 WHERE id = ?", (row["id"],))
            elif row["times"] is None or row["times"] > 0:
                db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
                return _from_row(row)
    return None


def give_back(ledger: Ledger, fault: Fault) -> None:
    """The request was refused before this fault could bite: it waits for the next one."""
    with ledger.writing() as db:
        db.execute("UPDATE faults SET times = times + 1 WHERE id = ?", (fault.id,))


def _from_row(row: sqlite3.Row) -> Fault:
    return Fault(
        fault=row["fault"],
        account=row["account"],
        route=row["route"],
        times=row["times"],
        after=row["passing"],
        seconds=row["seconds"],
        location=row["location"],
        network=row["network"],
        id=row["id"],
    )

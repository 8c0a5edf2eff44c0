"""How often an account may call: each network's windows, kept in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from .accounts import Account
from .ledger import Ledger, to_micros

QUARTER, FIVE_MINUTES, HALF_HOUR, HOUR, DAY = 900, 300, 1800, 3600, 86400


@dataclass(frozen=True)
class Rate:
    """Calls per `seconds` and account; routes with the same `shared` name are counted together."""

    calls: int
    seconds: int = QUARTER
    shared: str = ""


# From the networks' published tables, and what their servers' sources say.
RATES: Mapping[str, Rate] = {
    "x/post": Rate(100),
    "x/repost": Rate(50),
    "x/delete": Rate(50),
    "x/read": Rate(900),
    "x/timeline": Rate(900),
    "x/me": Rate(75),
    "x/media": Rate(500),
    "x/metadata": Rate(500),
    "x/sign_in": Rate(500),
    "bluesky/session": Rate(30, FIVE_MINUTES),
    "bluesky/refresh": Rate(30, FIVE_MINUTES),
    "bluesky/post": Rate(3000, FIVE_MINUTES, "bluesky/all"),
    "bluesky/delete": Rate(3000, FIVE_MINUTES, "bluesky/all"),
    "bluesky/read": Rate(3000, FIVE_MINUTES, "bluesky/all"),
    "bluesky/timeline": Rate(3000, FIVE_MINUTES, "bluesky/all"),
    "bluesky/me": Rate(3000, FIVE_MINUTES, "bluesky/all"),
    "bluesky/media": Rate(1000, DAY),
    "mastodon/post": Rate(300, FIVE_MINUTES, "mastodon/all"),
    "mastodon/edit": Rate(300, FIVE_MINUTES, "mastodon/all"),
    "mastodon/delete": Rate(30, HALF_HOUR),
    "mastodon/repost": Rate(300, FIVE_MINUTES, "mastodon/all"),
    "mastodon/read": Rate(300, FIVE_MINUTES, "mastodon/all"),
    "mastodon/timeline": Rate(300, FIVE_MINUTES, "mastodon/all"),
    "mastodon/me": Rate(300, FIVE_MINUTES, "mastodon/all"),
    "mastodon/media": Rate(30, HALF_HOUR),
    "mastodon/metadata": Rate(300, FIVE_MINUTES, "mastodon/all"),
    "mastodon/instance": Rate(300, FIVE_MINUTES),
    "mastodon/sign_in": Rate(300, FIVE_MINUTES),
    "telegram/post": Rate(20, 60),
    "telegram/edit": Rate(20, 60),
    "telegram/delete": Rate(20, 60),
    "telegram/read": Rate(1000, 60),
    "telegram/me": Rate(1000, 60),
}
PUBLISHED = {route: rate.calls for route, rate in RATES.items()}
"""Calls per window and account, by network and route."""
ROUTES = {
    network: frozenset(r.partition("/")[2] for r in RATES if r.startswith(f"{network}/"))
    for network in ("x", "bluesky", "mastodon", "telegram")
}


@dataclass(frozen=True)
class Rates:
    """Calls allowed, by network and route; any number may be replaced for a rehearsal."""

    limits: Mapping[str, int] = field(default_factory=lambda: dict(PUBLISHED))


@dataclass(frozen=True)
class Standing:
    """How an account stands: `reset` in seconds since 1970, `window` in seconds."""

    limit: int
    remaining: int
    reset: int
    window: int


class TooMany(Exception):
    """No call is left in this window."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(f"429: nothing is left until {standing.reset}")
        self.standing = standing


def take(ledger: Ledger, rates: Rates, account: Account, route: str) -> Standing:
    """Count one call; raises TooMany when none is left."""
    now = to_micros(ledger.clock())
    name = f"{account.network}/{route}"
    window = timedelta(seconds=RATES[name].seconds) // timedelta(microseconds=1)
    limit, counter = rates.limits[name], RATES[name].shared or name
    with ledger.writing() as db:
        row = db.execute(
            "SELECT started_at, used FROM rates WHERE account_id = ? AND route = ?",
            (account.id, counter),
        ).fetchone()
        started, used = (row["started_at"], row["used"]) if row else (now, 0)
        if now >= started + window:
            started, used = now, 0
        allowed = used < limit
        used += allowed
        db.execute(
            "INSERT OR REPLACE INTO rates VALUES (?, ?, ?, ?)", (account.id, counter, started, used)
        )
    reset = -(-(started + window) // 1_000_000)
    found = Standing(limit, max(0, limit - used), reset, RATES[name].seconds)
    if not allowed:
        raise TooMany(found)
    return found


def standing(rates: Rates, account: Account, route: str, reset: int) -> Standing:
    """How an account stands that has used everything up until `reset`."""
    name = f"{account.network}/{route}"
    return Standing(rates.limits[name], 0, reset, RATES[name].seconds)

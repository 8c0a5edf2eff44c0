"""How often an account may call: X's windows of fifteen minutes, kept in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from .ledger import Ledger, to_micros
from .problems import too_many_requests

# Requests per window and account, from X's published rate limit table.
PUBLISHED = {
    "post": 100,
    "delete": 50,
    "read": 900,
    "timeline": 900,
    "me": 75,
    "media": 500,
    "metadata": 500,
}


@dataclass(frozen=True)
class Rates:
    """Requests allowed per window, by route; any number may be replaced for a rehearsal."""

    limits: Mapping[str, int] = field(default_factory=lambda: dict(PUBLISHED))
    window: timedelta = timedelta(minutes=15)


def take(ledger: Ledger, rates: Rates, account_id: int, route: str) -> dict[str, str]:
    """Count one request and return X's three headers; raises Problem 429 when none is left."""
    now = to_micros(ledger.clock())
    window = rates.window // timedelta(microseconds=1)
    limit = rates.limits[route]
    with ledger.writing() as db:
        row = db.execute(
            "SELECT started_at, used FROM rates WHERE account_id = ? AND route = ?",
            (account_id, route),
        ).fetchone()
        started, used = (row["started_at"], row["used"]) if row else (now, 0)
        if now >= started + window:
            started, used = now, 0
        allowed = used < limit
        used += allowed
        db.execute(
            "INSERT OR REPLACE INTO rates VALUES (?, ?, ?, ?)", (account_id, route, started, used)
        )
    headers = rate_headers(limit, limit - used, -(-(started + window) // 1_000_000))
    if not allowed:
        problem = too_many_requests()
        problem.headers.update(headers)
        raise problem
    return headers


def rate_headers(limit: int, remaining: int, reset: int) -> dict[str, str]:
    """`reset` is in seconds since 1970, as X gives it."""
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(reset),
    }

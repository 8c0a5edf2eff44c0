"""Reads what the workspace says in the end, straight from its database, for the oracle."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from trials.oracle import DeliverySaid, PartSaid

_DELIVERIES = """
SELECT d.id, c.name AS campaign, p.key, a.name AS account, d.state, d.language, d.kind
FROM delivery d JOIN post p ON p.id = d.post_id JOIN campaign c ON c.id = p.campaign_id
JOIN account a ON a.id = d.account_id ORDER BY d.id
"""
_PARTS = "SELECT delivery_id, number, state, remote_id FROM part ORDER BY delivery_id, number"
_STEPS = "SELECT delivery_id, step FROM history WHERE delivery_id IS NOT NULL ORDER BY id"
_HOLDS = 'SELECT scope, value, "until" FROM hold WHERE released_at IS NULL'


def engine(url: str) -> Engine:
    """A connection of the trial's own, beside the program's."""
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)


def final_state(url: str) -> list[DeliverySaid]:
    """Every delivery, its parts, the steps its history tells, and whether a hold stands on it."""
    found = engine(url)
    try:
        with found.connect() as connection:
            deliveries = _rows(connection.execute(text(_DELIVERIES)))
            parts = defaultdict(list)
            for row in _rows(connection.execute(text(_PARTS))):
                said = PartSaid(row["number"], row["state"], row["remote_id"])
                parts[row["delivery_id"]].append(said)
            told = defaultdict(list)
            for row in _rows(connection.execute(text(_STEPS))):
                told[row["delivery_id"]].append(row["step"])
            holds = _rows(connection.execute(text(_HOLDS)))
    finally:
        found.dispose()
    return [
        DeliverySaid(
            f"{d['campaign']}/{d['key']}",
            d["account"],
            d["state"],
            tuple(parts[d["id"]]),
            held=any(_holds(hold, d) for hold in holds),
            told=tuple(told[d["id"]]),
        )
        for d in deliveries
    ]


def states(url: str) -> Counter[str]:
    """How many deliveries are in which state now."""
    found = engine(url)
    try:
        with found.connect() as connection:
            rows = connection.execute(text("SELECT state, count(*) FROM delivery GROUP BY state"))
            return Counter({row[0]: row[1] for row in rows})
    finally:
        found.dispose()


def steps_taken(url: str, step: str) -> int:
    """How often a step of a delivery stands in the history."""
    query = "SELECT count(*) FROM history WHERE step = :step AND delivery_id IS NOT NULL"
    query += " AND part IS NULL"
    found = engine(url)
    try:
        with found.connect() as connection:
            return int(connection.execute(text(query), {"step": step}).scalar_one())
    finally:
        found.dispose()


def published_by(url: str) -> Counter[str]:
    """How many calls each worker made that were published."""
    query = "SELECT worker, count(*) FROM attempt WHERE outcome = 'published' GROUP BY worker"
    found = engine(url)
    try:
        with found.connect() as connection:
            return Counter({row[0]: row[1] for row in connection.execute(text(query))})
    finally:
        found.dispose()


def _holds(hold: dict[str, Any], delivery: dict[str, Any]) -> bool:
    until = hold["until"]
    if until is not None and until <= datetime.now(UTC).timestamp() * 1_000_000:
        return False
    scope, value = hold["scope"], hold["value"]
    reference = f"{delivery['campaign']}/{delivery['key']}"
    values: dict[str, str] = {
        "everything": "",
        "campaign": delivery["campaign"],
        "post": reference,
        "account": delivery["account"],
        "language": delivery["language"],
        "kind": delivery["kind"],
    }
    return bool(values.get(scope) == value)


def _rows(result: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in result.mappings()]

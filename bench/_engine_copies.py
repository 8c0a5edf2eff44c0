"""Many copies of approved posts, by one INSERT … SELECT a table: other ids, another moment.

People's words and approvals stay what they were; where the moment differs, the approvals are
copied as given for that moment. So a queue of a million posts takes seconds, not hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from social_scheduler.message import Window, window_digest
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import EPOCH, Base

COUNT = "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < :times)"
"""`k.n` counts the copies."""
NUMBERED = {"approval", "history"}
"""Tables whose own ids nothing refers to: the database gives new ones."""


@dataclass(frozen=True, slots=True)
class Span:
    """Posts and deliveries with ids from the first to the last, these included."""

    posts: tuple[int, int]
    deliveries: tuple[int, int]

    def __len__(self) -> int:
        """How many deliveries."""
        return self.deliveries[1] - self.deliveries[0] + 1


def copy(tx: Transaction, of: Span, times: int, window: Window) -> Span:
    """So many copies of a span, all with the same window."""
    last = tx.execute(
        text("SELECT (SELECT max(id) FROM post), (SELECT max(id) FROM delivery)")
    ).one()
    size = (of.posts[1] - of.posts[0] + 1) * times, len(of) * times
    values: dict[str, Any] = {
        "times": times,
        "p0": last[0], "p1": of.posts[0], "p2": of.posts[1],
        "d0": last[1], "d1": of.deliveries[0], "d2": of.deliveries[1],
        "due": _micros(window.due_at), "first": _micros(window.not_before),
        "end": _micros(window.not_after), "digest": window_digest(window),
    }  # fmt: skip
    for statement in _statements(last[0]):
        needed = {name: value for name, value in values.items() if f":{name}" in statement}
        tx.execute(text(statement), needed)
    return Span((last[0] + 1, last[0] + size[0]), (last[1] + 1, last[1] + size[1]))


def _micros(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds() * 1_000_000)


def _statements(batch: int) -> list[str]:
    moment = {"due_at": ":due", "not_before": ":first", "not_after": ":end"}
    post = "{} - :p1 + 1 + :p0 + (k.n - 1) * (:p2 - :p1 + 1)"
    delivery = "{} - :d1 + 1 + :d0 + (k.n - 1) * (:d2 - :d1 + 1)"
    by_post, by_delivery = post.format("t.post_id"), delivery.format("t.delivery_id")
    return [
        _statement("post", "id", "p", id=post.format("t.id"), key=f"t.key || '-{batch}-' || k.n"),
        _statement("revision", "post_id", "p", post_id=by_post, **moment),
        _statement("message", "post_id", "p", post_id=by_post),
        _statement(
            "delivery", "id", "d", id=delivery.format("t.id"), post_id=post.format("t.post_id"),
            ready_at=":due", **moment,
        ),
        _statement("part", "delivery_id", "d", delivery_id=by_delivery),
        _statement("approval", "post_id", "p", post_id=by_post, window_digest=":digest"),
        _statement("history", "post_id", "p", post_id=by_post,
                   delivery_id=f"CASE WHEN t.delivery_id IS NULL THEN NULL ELSE {by_delivery} END"),
    ]  # fmt: skip


def _statement(table: str, by: str, which: str, **changed: str) -> str:
    names = [c.name for c in Base.metadata.tables[table].columns]
    if table in NUMBERED:
        names.remove("id")
    values = ", ".join(changed.get(name, f"t.{name}") for name in names)
    # Names of our own tables and columns only.
    return (
        f"INSERT INTO {table} ({', '.join(names)}) {COUNT} SELECT {values} FROM {table} t "  # noqa: S608
        f"CROSS JOIN k WHERE t.{by} BETWEEN :{which}1 AND :{which}2"
    )

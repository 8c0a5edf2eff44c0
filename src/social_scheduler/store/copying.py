"""Rows of every table as lines of JSON and back, alike for every kind of database."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Enum, LargeBinary, Table, func, insert, select, text

from social_scheduler.errors import InvalidInput
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import EPOCH, Base, Connecting, Instant, Token

NOT_COPIED = frozenset({Token.__tablename__, Connecting.__tablename__})
"""Sign-ins and scripts' tokens: whoever finds a backup must not get in with it. Attempts to
connect belong to sign-ins."""

BATCH = 1000

MICROSECOND = timedelta(microseconds=1)

Convert = Callable[[Any], Any]


def tables() -> list[str]:
    """Every table that is copied, those that others refer to first."""
    return [t.name for t in Base.metadata.sorted_tables if t.name not in NOT_COPIED]


def columns(name: str) -> list[str]:
    """A table's columns, in the order of its lines' values."""
    return [column.name for column in _table(name).columns]


def lines(tx: Transaction, name: str) -> Iterator[bytes]:
    """Every row of a table as one line: a JSON array of its values. Streamed."""
    table = _table(name)
    convert = [_to_json(column.type) for column in table.columns]
    rows = (
        tx.connection()
        .execution_options(yield_per=BATCH)
        .execute(select(table).order_by(*table.primary_key.columns))
    )
    for row in rows:
        values = [
            None if value is None else change(value)
            for value, change in zip(row, convert, strict=True)
        ]
        yield json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def load(tx: Transaction, name: str, found: Iterable[bytes], named: Sequence[str]) -> int:
    """Insert lines into a table; `named` are their values' columns. Answers how many."""
    table = _table(name)
    if list(named) != columns(name):
        raise InvalidInput(f"The backup has other columns of {name} than this program.")
    convert = [_from_json(column.type) for column in table.columns]
    count, batch = 0, []
    for line in found:
        values = json.loads(line)
        batch.append(
            {
                column: None if value is None else change(value)
                for column, value, change in zip(named, values, convert, strict=True)
            }
        )
        if len(batch) == BATCH:
            tx.connection().execute(insert(table), batch)
            count += len(batch)
            batch = []
    if batch:
        tx.connection().execute(insert(table), batch)
    return count + len(batch)


def count(tx: Transaction, name: str) -> int:
    """How many rows a table has."""
    return tx.scalar(select(func.count()).select_from(_table(name))) or 0


def first_used(tx: Transaction) -> str | None:
    """A table that has a row already, tokens' too; None when the database is empty."""
    for table in Base.metadata.sorted_tables:
        if tx.execute(select(table).limit(1)).first() is not None:
            return table.name
    return None


def number_on(tx: Transaction) -> None:
    """Let PostgreSQL give numbers above those that were inserted; SQLite does by itself."""
    if tx.connection().dialect.name != "postgresql":
        return
    for name in tables():
        key = list(_table(name).primary_key.columns)
        if len(key) != 1:
            continue
        where = {"table": name, "column": key[0].name}
        owned = text("SELECT pg_get_serial_sequence(:table, :column)")
        sequence = tx.execute(owned, where).scalar() if _is_number(key[0].type) else None
        highest = tx.scalar(select(func.max(key[0]))) if sequence else None
        if highest:
            tx.execute(
                text("SELECT setval(CAST(:sequence AS regclass), :highest)"),
                {"sequence": sequence, "highest": highest},
            )


def _is_number(kind: Any) -> bool:
    return bool(kind.python_type is int)


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def _same(value: Any) -> Any:
    return value


def _to_json(kind: Any) -> Convert:
    if isinstance(kind, Instant):
        return lambda value: (value - EPOCH) // MICROSECOND
    if isinstance(kind, LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    if isinstance(kind, Enum):
        return lambda value: value.value
    return _same


def _from_json(kind: Any) -> Convert:
    if isinstance(kind, Instant):
        return lambda value: EPOCH + timedelta(microseconds=value)
    if isinstance(kind, LargeBinary):
        return base64.b64decode
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return kind.enum_class
    return _same

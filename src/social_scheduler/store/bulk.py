"""Many rows in one statement: the engine's writes, a few columns of thousands of rows a second.

SQLAlchemy would bind every value of every row through its expression language, and PostgreSQL
would plan every row's UPDATE anew. Here each statement's text is made once; SQLite runs it for
a list of rows, PostgreSQL once over all of them. The columns' own types bind the values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Base

Row = Mapping[str, Any]
"""Values by column; all rows of one call have the same columns in the same order."""

_DIALECTS: Mapping[str, Dialect] = {
    "sqlite": sqlite.dialect(),
    "postgresql": postgresql.dialect(),  # type: ignore[no-untyped-call]
}


def update_many(tx: Transaction, table: str, rows: Sequence[tuple[Row, Row]]) -> int:
    """For each (keys, values) set the values where the keys still hold; how many rows did."""
    keys, values = rows[0]
    columns = (*values, *keys)
    statement = _update if _is_sqlite(tx) else _update_rows
    text = statement(table, tuple(keys), tuple(values))
    return _run(tx, table, columns, text, [(*v.values(), *k.values()) for k, v in rows])


def insert_many(
    tx: Transaction, table: str, rows: Sequence[Row], *, replace: tuple[str, ...] = ()
) -> None:
    """New rows; with `replace`, rows whose columns of that key are there already are set anew."""
    columns = tuple(rows[0])
    statement = _insert if _is_sqlite(tx) else _insert_rows
    text = statement(table, columns, replace)
    _run(tx, table, columns, text, [tuple(row.values()) for row in rows])


def _run(
    tx: Transaction,
    table: str,
    columns: tuple[str, ...],
    text: str,
    rows: Sequence[tuple[Any, ...]],
) -> int:
    connection: Connection = tx.connection()
    binders = _binders(table, columns, connection.dialect.name)
    bound: list[list[Any]] = [
        [row[n] for row in rows] if bind is None else [bind(row[n]) for row in rows]
        for n, bind in enumerate(binders)
    ]
    lines = list(zip(*bound, strict=True))
    parameters: Any = lines
    if connection.dialect.name != "sqlite":
        names = [f"a{n}" for n in range(len(columns))]
        # One text: psycopg would take longer to write arrays than the server to read them.
        parameters = {"rows": json.dumps([dict(zip(names, line, strict=True)) for line in lines])}
    return int(connection.exec_driver_sql(text, parameters).rowcount)


def _is_sqlite(tx: Transaction) -> bool:
    return tx.connection().dialect.name == "sqlite"


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


@cache
def _binders(
    table: str, columns: tuple[str, ...], dialect: str
) -> list[Callable[[Any], Any] | None]:
    return [_binder(table, name, _DIALECTS[dialect]) for name in columns]


def _binder(table: str, column: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    kind = _table(table).c[column].type
    if isinstance(kind, JSON):  # SQL's NULL and JSON's are one thing to us
        if dialect.name == "postgresql":
            return None  # it travels as it is
        return lambda value: None if value is None else json.dumps(value)
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _type(table: str, column: str) -> str:
    return _table(table).c[column].type.compile(_DIALECTS["postgresql"])


@cache
def _update(table: str, keys: tuple[str, ...], values: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = ?' for name in values)
    conditions = " AND ".join(f'"{name}" = ?' for name in keys)
    return f'UPDATE "{table}" SET {changes} WHERE {conditions}'  # noqa: S608  (our own names)


@cache
def _update_rows(table: str, keys: tuple[str, ...], values: tuple[str, ...]) -> str:
    columns = (*values, *keys)
    changes = ", ".join(f'"{name}" = given.a{n}' for n, name in enumerate(values))
    conditions = " AND ".join(
        f'"{table}"."{name}" = given.a{n}' for n, name in enumerate(keys, start=len(values))
    )
    return (
        f'UPDATE "{table}" SET {changes} FROM {_given_rows(table, columns)} '  # noqa: S608
        f"WHERE {conditions}"
    )


@cache
def _insert(table: str, columns: tuple[str, ...], replace: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"{_into(table, columns)} VALUES ({marks}){_or_replace(columns, replace)}"


@cache
def _insert_rows(table: str, columns: tuple[str, ...], replace: tuple[str, ...]) -> str:
    given = ", ".join(f"given.a{n}" for n, name in enumerate(columns))
    return (
        f"{_into(table, columns)} SELECT {given} FROM {_given_rows(table, columns)}"  # noqa: S608
        f"{_or_replace(columns, replace)}"
    )


def _into(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    return f'INSERT INTO "{table}" ({names})'


def _or_replace(columns: tuple[str, ...], replace: tuple[str, ...]) -> str:
    if not replace:
        return ""
    keys = ", ".join(f'"{name}"' for name in replace)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in replace)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {changes}"


def _given_rows(table: str, columns: tuple[str, ...]) -> str:
    types = ", ".join(f"a{n} {_type(table, name)}" for n, name in enumerate(columns))
    return f"json_to_recordset(%(rows)s::json) AS given({types})"

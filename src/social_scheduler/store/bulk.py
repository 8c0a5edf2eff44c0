"""Many rows in one statement: the engine's writes, a few columns of thousands of rows a second.

SQLAlchemy would bind every value of every row through its expression language, and PostgreSQL
would plan every row's UPDATE anew. Here each statement's text is made once; SQLite runs it for
a list of rows, PostgreSQL once over all of them. The columns' own types bind the values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Updates:
    """For each (keys, values) the values are set where the keys still hold."""

    table: str
    rows: Sequence[tuple[Row, Row]]


@dataclass(frozen=True, slots=True)
class Inserts:
    """New rows; with `replace`, rows whose columns of that key are there already are set anew."""

    table: str
    rows: Sequence[Row]
    replace: tuple[str, ...] = ()


Change = Updates | Inserts


def update_many(tx: Transaction, table: str, rows: Sequence[tuple[Row, Row]]) -> int:
    """Updates of one table; how many rows still matched."""
    return change_many(tx, Updates(table, rows))[0]


def insert_many(
    tx: Transaction, table: str, rows: Sequence[Row], *, replace: tuple[str, ...] = ()
) -> None:
    """Inserts into one table."""
    change_many(tx, Inserts(table, rows, replace))


def change_many(tx: Transaction, *changes: Change) -> list[int]:
    """How many rows each of some changes reached. No two may reach the same row.

    One statement for all on PostgreSQL, where every statement is a way to the server and back.
    """
    connection: Connection = tx.connection()
    made = [_made(change, connection.dialect.name) for change in changes]
    if connection.dialect.name == "sqlite":
        return [int(connection.exec_driver_sql(text, lines).rowcount) for text, _, lines in made]
    if len(made) == 1:
        ((text, columns, lines),) = made
        given = {"rows0": _as_json(columns, lines)}
        return [int(connection.exec_driver_sql(text.format(0), given).rowcount)]
    parts = [f"c{n} AS ({text.format(n)} RETURNING 1)" for n, (text, _, _) in enumerate(made)]
    counts = ", ".join(f"(SELECT count(*) FROM c{n})" for n in range(len(made)))  # noqa: S608
    given = {f"rows{n}": _as_json(columns, lines) for n, (_, columns, lines) in enumerate(made)}
    found = connection.exec_driver_sql(f"WITH {', '.join(parts)} SELECT {counts}", given)
    return [int(count) for count in found.one()]


Lines = list[tuple[Any, ...]]


def _made(change: Change, dialect: str) -> tuple[str, tuple[str, ...], Lines]:
    """The text of a change, its columns, and its rows as the database takes them."""
    rows: Sequence[tuple[Any, ...]]
    if isinstance(change, Updates):
        keys, values = change.rows[0]
        columns = (*values, *keys)
        statement = _update if dialect == "sqlite" else _update_rows
        text = statement(change.table, tuple(keys), tuple(values))
        rows = [(*v.values(), *k.values()) for k, v in change.rows]
    else:
        columns = tuple(change.rows[0])
        insert = _insert if dialect == "sqlite" else _insert_rows
        text = insert(change.table, columns, change.replace)
        rows = [tuple(row.values()) for row in change.rows]
    binders = _binders(change.table, columns, dialect)
    bound: list[list[Any]] = [
        [row[n] for row in rows] if bind is None else [bind(row[n]) for row in rows]
        for n, bind in enumerate(binders)
    ]
    return text, columns, list(zip(*bound, strict=True))


def _as_json(columns: tuple[str, ...], lines: Lines) -> str:
    # One text: psycopg would take longer to write arrays than the server to read them.
    names = [f"a{n}" for n in range(len(columns))]
    return json.dumps([dict(zip(names, line, strict=True)) for line in lines])


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
    return f"json_to_recordset(%(rows{{}})s::json) AS given({types})"  # which rows: change_many

"""The watchdog's way into the database: the database itself refuses to be written through it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from social_scheduler.errors import WorkspaceError
from social_scheduler.store.database import Database, sqlite_url
from social_scheduler.store.watching import read_only
from tests.postgresql import Databases


def test_sqlite_refuses_every_write_through_it(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a file #1%.db")
    database = Database(url)
    database.upgrade()
    database.close()
    reader = Database(read_only(url))
    try:
        with reader.read() as tx:
            assert tx.scalar(text("SELECT count(*) FROM delivery")) == 0
            with pytest.raises((OperationalError, WorkspaceError), match="readonly"):
                tx.execute(text("DELETE FROM delivery"))
        with pytest.raises((OperationalError, WorkspaceError)), reader.write() as tx:
            tx.execute(text("DELETE FROM delivery"))
    finally:
        reader.close()


@pytest.mark.postgresql
def test_postgresql_refuses_every_write_through_it(postgresql: Databases) -> None:
    name = postgresql.create()
    database = Database(postgresql.address(name))
    database.upgrade()
    database.close()
    try:
        for act in (Database.read, Database.write, Database.work):
            reader = Database(read_only(postgresql.address(name)))
            with pytest.raises((DBAPIError, WorkspaceError), match="read-only"), act(reader) as tx:
                tx.execute(text("DELETE FROM delivery"))
            reader.close()
    finally:
        postgresql.drop(name)


def test_sqlite_makes_no_file_where_there_is_none(tmp_path: Path) -> None:
    reader = Database(read_only(sqlite_url(tmp_path / "none.db")))

    with pytest.raises(WorkspaceError), reader.read() as tx:
        tx.execute(text("SELECT 1"))

    assert list(tmp_path.iterdir()) == []


def test_postgresql_is_asked_for_transactions_that_only_read() -> None:
    url = make_url(
        read_only("postgresql://u:secret@db.example/posts?options=-c%20search_path%3Dposts")
    )

    assert url.password == "secret"
    assert url.query["options"] == "-c search_path=posts -c default_transaction_read_only=on"


def test_what_is_no_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(WorkspaceError) as told:
        read_only("mysql://u:secret@db.example/posts")

    assert "secret" not in str(told.value)

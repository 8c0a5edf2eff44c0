"""The database: durable, one schema, and told in words when it cannot be used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, InternalError, StatementError

import social_scheduler.store
from social_scheduler.errors import WorkspaceError
from social_scheduler.store.database import SCHEMA, Database, sqlite_url
from social_scheduler.store.tables import Base, Instant
from tests.postgresql import Databases
from tests.services.desk import Desk


@pytest.fixture
def address(tmp_path: Path, databases: Databases | None) -> Iterator[str]:
    """The address of an empty database."""
    if databases is None:
        yield sqlite_url(tmp_path / "test.db")
    else:
        name = databases.create()
        yield databases.address(name)
        databases.drop(name)


@pytest.fixture
def empty(address: str) -> Iterator[Database]:
    made = Database(address)
    yield made
    made.close()


@pytest.fixture
def database(empty: Database) -> Database:
    empty.upgrade()
    return empty


def test_the_newest_migration_is_the_schema_this_program_needs() -> None:
    config = Config()
    folder = Path(social_scheduler.store.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))

    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_migrations_make_exactly_the_tables_that_the_program_uses(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_give_every_state_its_check_constraint(database: Database) -> None:
    expected = {
        str(c.name)
        for table in Base.metadata.tables.values()
        for c in table.constraints
        if c.name and str(c.name).startswith("ck_")
    }
    with database.engine.connect() as connection:
        made = {
            check["name"]
            for table in Base.metadata.tables
            for check in inspect(connection).get_check_constraints(table)
        }

    assert expected
    assert expected - made == set()


def test_upgrading_again_changes_nothing(database: Database) -> None:
    database.upgrade()
    database.require_schema()


def test_two_programs_that_upgrade_at_once_do_each_other_no_harm(
    address: str, empty: Database
) -> None:
    upgrade = "import sys; from social_scheduler.store.database import Database as D; "
    command = [sys.executable, "-c", f"{upgrade} D(sys.argv[1]).upgrade()", address]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]

    assert [(each.communicate()[1], each.returncode) for each in running] == [("", 0)] * 2
    empty.require_schema()


def test_a_commit_survives_a_power_cut(database: Database) -> None:
    """An intent that is lost could be sent twice."""
    safe: dict[str, object]
    if database.is_postgresql:
        ask, safe = "SHOW", {"fsync": "on", "synchronous_commit": "on"}
    else:
        ask, safe = "PRAGMA", {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with database.engine.connect() as connection:
        assert {name: connection.scalar(text(f"{ask} {name}")) for name in safe} == safe


def test_workers_share_the_databases_clock_where_there_is_one(database: Database) -> None:
    with database.work() as tx:
        first, second = database.now(tx), database.now(tx)
    if database.is_postgresql:
        assert first is not None
        assert second is not None
        assert first < second  # not the moment the transaction began
        assert first.tzinfo is UTC
    else:
        assert (first, second) == (None, None)


def test_a_database_without_our_tables_is_told(empty: Database) -> None:
    with pytest.raises(WorkspaceError, match="init"):
        empty.require_schema()


def test_a_database_of_another_release_is_told(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WorkspaceError, match=f"schema 9999; this program needs {SCHEMA}"):
        database.require_schema()


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "oracle9://x", "sqlite9:///x", "mysql://x", "postgresql+psycopg2://x/y"],
)
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(WorkspaceError, match=r"database address.*postgresql://"):
        Database(url)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is not a database" * 100)
    broken = Database(sqlite_url(tmp_path / "broken.db"))
    with pytest.raises(WorkspaceError, match=r"damaged.*Restore"):
        broken.require_schema()
    broken.close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    nowhere = Database(sqlite_url(tmp_path / "none/test.db"))
    with pytest.raises(WorkspaceError, match="cannot be used"):
        nowhere.require_schema()
    nowhere.close()


def test_what_is_changed_while_reading_is_not_kept(desk: Desk) -> None:
    database = desk.context.database
    if database.is_postgresql:
        with pytest.raises(InternalError, match="read-only transaction"), database.read() as tx:
            tx.execute(text("UPDATE person SET active = false"))
    else:
        with database.read() as tx:
            tx.execute(text("UPDATE person SET active = false"))
    assert desk.actor("amal").name == "amal"


def test_a_hold_or_token_cannot_belong_to_nobody(desk: Desk) -> None:
    with pytest.raises(IntegrityError), desk.context.database.write() as tx:
        tx.execute(
            text(
                "INSERT INTO token (person_id, digest, kind, label, created_at, expires_at, used_at)"
                " VALUES (999, 'd', 'login', '', 0, 0, 0)"
            )
        )


DIALECT = sqlite.dialect()


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)
def test_an_instant_comes_back_to_the_microsecond_in_utc(wall: datetime, zone: timezone) -> None:
    kind, moment = Instant(), wall.replace(tzinfo=zone)

    back = kind.process_result_value(kind.process_bind_param(moment, DIALECT), DIALECT)

    assert back == moment
    assert back.tzinfo is UTC


def test_a_moment_without_a_zone_is_not_kept(desk: Desk) -> None:
    with pytest.raises((ValueError, StatementError), match="needs a zone"):
        Instant().process_bind_param(datetime(2027, 1, 1), DIALECT)

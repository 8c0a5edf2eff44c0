"""A database that cannot be used is told in words, never with its password, and recovered from."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import ProgrammingError

from social_scheduler.errors import DatabaseBusy, WorkspaceError
from social_scheduler.store.database import Database, sqlite_url
from tests.postgresql import ASKED_FOR_A_PASSWORD, Databases, Server, a_server

SECRET = "open-sesame-7"


@pytest.fixture
def name(postgresql: Databases) -> Iterator[str]:
    """The name of an empty PostgreSQL database."""
    made = postgresql.create()
    yield made
    postgresql.drop(made)


@pytest.fixture
def database(postgresql: Databases, name: str) -> Iterator[Database]:
    opened = Database(postgresql.address(name))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def own(postgresql: Databases) -> Iterator[Server]:
    """A small server that tests may stop."""
    small = {"max_connections": "6", "max_wal_senders": "0", "wal_level": "minimal"}
    with a_server(small) as server:
        yield server


def works(database: Database) -> bool:
    with database.write() as tx:
        return bool(tx.execute(text("SELECT 1")).scalar_one() == 1)


@pytest.mark.postgresql
class TestLost:
    def test_a_dropped_connection_is_told_and_the_next_transaction_works(
        self, postgresql: Databases, name: str, database: Database
    ) -> None:
        with pytest.raises(DatabaseBusy, match=r"lost.*look before"), database.work() as tx:  # noqa: PT012
            tx.execute(text("SELECT 1"))
            assert postgresql.cut(name) == 1
            tx.execute(text("SELECT 1"))

        assert works(database)

    def test_a_connection_that_drops_at_the_commit_may_have_been_kept(
        self, postgresql: Databases, name: str, database: Database
    ) -> None:
        with pytest.raises(DatabaseBusy, match="kept or not"), database.write() as tx:  # noqa: PT012
            tx.execute(text("SELECT 1"))
            postgresql.cut(name)

        assert works(database)

    def test_connections_that_dropped_while_idle_are_not_even_noticed(
        self, postgresql: Databases, name: str, database: Database
    ) -> None:
        assert works(database)
        assert postgresql.cut(name) == 1
        assert works(database)

    @pytest.mark.parametrize("mode", ["fast", "immediate"])
    def test_a_server_that_restarts_is_waited_for(self, own: Server, mode: str) -> None:
        database = Database(own.address("postgres"))
        try:
            with pytest.raises(DatabaseBusy, match="lost"), database.work() as tx:  # noqa: PT012
                tx.execute(text("SELECT 1"))
                own.stop(mode)
                tx.execute(text("SELECT 1"))
            for act in (database.read, database.work, database.write):
                with pytest.raises(DatabaseBusy, match="cannot be reached"), act() as tx:
                    tx.execute(text("SELECT 1"))
        finally:
            own.start()

        assert works(database)
        database.close()

    def test_a_server_with_too_many_connections_is_waited_for(self, own: Server) -> None:
        database = Database(own.address("postgres"))
        with ExitStack() as others:
            with pytest.raises(psycopg.OperationalError):  # noqa: PT012
                for _ in range(7):
                    others.enter_context(psycopg.connect(own.address("postgres")))
            with pytest.raises(DatabaseBusy, match="too many connections"):
                works(database)

        assert works(database)
        database.close()


@pytest.mark.postgresql
class TestRefused:
    @pytest.mark.parametrize(
        ("user", "place", "words"),
        [
            (ASKED_FOR_A_PASSWORD, "postgres", "name or password"),
            ("nobody_we_know", "postgres", "name or password"),
            ("postgres", "not_there", "no such database"),
        ],
    )
    def test_a_person_must_correct_it_and_the_password_is_not_shown(
        self, own: Server, user: str, place: str, words: str
    ) -> None:
        database = Database(own.address(place, user, SECRET))
        with pytest.raises(WorkspaceError, match=words) as caught:
            works(database)
        database.close()

        assert not isinstance(caught.value, DatabaseBusy)
        assert SECRET not in "".join(traceback.format_exception(caught.value))

    def test_a_server_that_forgets_is_refused(self) -> None:
        """With fsync=off a power cut loses intents, and what they announced is said twice."""
        with a_server({"fsync": "off"}) as server:
            database = Database(server.address("postgres"))
            with pytest.raises(WorkspaceError, match=r"may forget.*fsync = on"):
                works(database)
            database.close()

    def test_a_database_that_can_only_be_read_is_told(
        self, postgresql: Databases, name: str, database: Database
    ) -> None:
        postgresql.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with pytest.raises(WorkspaceError, match=r"only be read.*primary"), database.write() as tx:
            tx.execute(text("CREATE TABLE x ()"))

    @pytest.mark.parametrize(
        ("state", "passing", "words"),
        [
            ("40001", True, "too long"),
            ("40P01", True, "too long"),
            ("57014", True, "too long"),
            ("53300", True, "too many connections"),
            ("08006", True, "lost"),
            ("53100", False, "no space"),
            ("58030", False, "damaged"),
            ("XX001", False, "damaged"),
            ("42501", False, "name or password"),
        ],
    )
    def test_what_the_server_says_is_told_with_whether_waiting_helps(
        self, database: Database, state: str, passing: bool, words: str
    ) -> None:
        with pytest.raises(WorkspaceError, match=words) as caught, database.write() as tx:
            tx.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))

        assert isinstance(caught.value, DatabaseBusy) is passing
        assert works(database)

    def test_a_lock_that_others_keep_is_told(self, database: Database) -> None:
        with database.write() as tx:
            tx.execute(text("CREATE TABLE thing ()"))
        with database.work() as first:
            first.execute(text("LOCK TABLE thing"))
            with pytest.raises(DatabaseBusy, match="Try again"), database.work() as second:  # noqa: PT012
                second.execute(text("SET LOCAL lock_timeout = '20ms'"))
                second.execute(text("LOCK TABLE thing"))

    def test_a_mistake_of_ours_stays_what_it_is(self, database: Database) -> None:
        with pytest.raises(ProgrammingError), database.write() as tx:
            tx.execute(text("SELECT * FROM never_made"))


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://amal:{SECRET}@127.0.0.1:1/desk",
        f"postgresql://amal:p@{SECRET}:{SECRET}@host/desk",
        f"postgresql+other://amal:{SECRET}@host/desk",
        f"postgresql://amal:{SECRET}@127.0.0.1:1/desk?no_such_option=1",
    ],
)
def test_a_wrong_address_is_told_without_its_password(address: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        works(Database(address))

    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_without_the_driver_the_extra_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(WorkspaceError, match=r"pip install 'social-scheduler\[postgresql\]'"):
        Database("postgresql://127.0.0.1/desk")


def test_a_file_that_another_writes_to_is_waited_for(tmp_path: Path) -> None:
    first, second = (Database(sqlite_url(tmp_path / "test.db")) for _ in range(2))
    event.listen(second.engine, "connect", lambda made, _: made.execute("PRAGMA busy_timeout=10"))
    with first.write() as tx:
        tx.execute(text("CREATE TABLE thing (x)"))
        with pytest.raises(DatabaseBusy, match="Try again"):
            works(second)

    assert works(second)
    first.close()
    second.close()

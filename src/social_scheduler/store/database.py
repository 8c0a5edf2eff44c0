"""Opening the database: transactions, durability, and the schema it must have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError as BadAddress
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from social_scheduler.errors import WorkspaceError

Transaction = Session
"""One transaction, as `Database.write` and `Database.read` give it. Nothing else commits."""

BUSY_SECONDS = 15

SCHEMA = "0001"
"""The newest migration: the schema this program was built for."""


class Database:
    """The one place where transactions begin and end.

    SQLite runs in WAL mode with `synchronous=FULL`: a committed intent must survive a power
    cut, or the post it announces could be sent twice.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
            arguments: dict[str, Any] = {}
            if self.url.get_backend_name() == "sqlite":
                arguments = {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
            self.engine = create_engine(self.url, **arguments)
        except (BadAddress, NoSuchModuleError, ImportError) as problem:
            raise WorkspaceError(
                f"The database address cannot be used: {problem}",
                "Give sqlite:///path/to/file.db, or leave SOCIAL_SCHEDULER_DATABASE_URL out.",
            ) from None
        if self.url.get_backend_name() == "sqlite":
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writing = self.engine.execution_options(writes=True)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may change things; committed when the block ends without error."""
        with _told(), Session(self._writing, expire_on_commit=False) as tx, tx.begin():
            yield tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent look; nothing it changes is kept."""
        with _told(), Session(self.engine, expire_on_commit=False) as tx:
            yield tx

    def upgrade(self) -> None:
        """Bring the schema to the version this program was built for."""
        # Alembic is slow to import and only needed here; commands must start quickly.
        from alembic import command
        from alembic.config import Config

        config = Config()
        folder = files("social_scheduler.store") / "migrations"
        config.set_main_option("script_location", str(folder))
        with _told(), self._writing.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()

    def require_schema(self) -> None:
        """Refuse a database this program was not built for."""
        with _told(), self.engine.connect() as connection:
            found = None
            if inspect(connection).has_table("alembic_version"):
                found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found is None:
            raise WorkspaceError("The database is empty.", "Run `social-scheduler init` first.")
        if found != SCHEMA:
            raise WorkspaceError(
                f"The database has schema {found}; this program needs {SCHEMA}.",
                "Run `social-scheduler init --upgrade` with the newer of the two.",
            )

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path}"


def sqlite_file(url: str) -> Path | None:
    """The file a SQLite address names; None for another database or one in memory."""
    found = make_url(url)
    named = found.get_backend_name() == "sqlite" and found.database
    return Path(named) if named and named != ":memory:" else None


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see below
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: a transaction that reads first and writes later would
    # fail with "database is locked" without waiting.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told() -> Iterator[None]:
    """Turn a database that cannot be used into words; programming mistakes stay as they are."""
    try:
        yield
    except OperationalError as problem:
        raise WorkspaceError(
            f"The database cannot be used: {problem.orig}.",
            "Check that the workspace folder is there, writable and not full.",
        ) from problem
    except DBAPIError as problem:
        if "malformed" in str(problem) or "not a database" in str(problem):
            raise WorkspaceError(
                f"The database file is damaged: {problem.orig}.", "Restore it from a backup."
            ) from problem
        raise

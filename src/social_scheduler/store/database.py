"""Opening the database: transactions, their order, and the schema it must have."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from sqlalchemy import Engine, inspect, make_url, text
from sqlalchemy.orm import Session

from social_scheduler.errors import DatabaseBusy, WorkspaceError
from social_scheduler.store.engines import (
    BUSY_SECONDS,
    PERSON,
    READING,
    UPGRADE,
    WORKER,
    make_engine,
    parse_address,
)
from social_scheduler.store.trouble import told

Transaction = Session
"""One transaction, as `Database` gives it. Nothing else commits."""

SCHEMA = "0003"
"""The newest migration: the schema this program was built for."""


_ALEMBIC = threading.Lock()
"""Alembic keeps what it is doing in globals: one upgrade at a time in a process."""


class Database:
    """The one place where transactions begin and end.

    =========  ===================  ============================================
    act        on SQLite            on PostgreSQL
    =========  ===================  ============================================
    `write`    BEGIN IMMEDIATE      advisory lock, exclusive; READ COMMITTED
    `work`     BEGIN IMMEDIATE      the same lock, shared; READ COMMITTED
    `read`     BEGIN                no lock; REPEATABLE READ, READ ONLY
    =========  ===================  ============================================

    So a person's act (hold, cancel, edit, approve) is alone among writers: it is wholly before
    or wholly after a worker's intent, never beside it, and two people never overwrite what the
    other has just read. Workers' acts run beside one another; there conditional updates, row
    locks and the fence of each delivery decide who was first. A person waits at most 15 s.

    A committed intent must survive a power cut, or what it announces could be said twice:
    SQLite runs with WAL and `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`, and
    a server with `fsync=off` is refused.
    """

    def __init__(self, address: str) -> None:
        self.url = parse_address(address)
        self.engine = make_engine(self.url)
        self._reading = self._acting(READING)
        self._writing = self._acting(PERSON)
        self._working = self._acting(WORKER)
        self._writer = threading.Lock()

    def _acting(self, act: str) -> Engine:
        """The same connections, for transactions of one kind."""
        if not self.is_postgresql:
            return self.engine.execution_options(act=act)
        if act == READING:
            return self.engine.execution_options(
                act=act, isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        return self.engine.execution_options(act=act, isolation_level="READ COMMITTED")

    @property
    def is_postgresql(self) -> bool:
        """Whether several workers may share it."""
        return self.url.get_backend_name() == "postgresql"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """On SQLite, one writer of this process after the other.

        SQLite would have them wait by sleeping; here the next one goes on at once.
        """
        if self.is_postgresql:
            yield
            return
        if not self._writer.acquire(timeout=BUSY_SECONDS):
            raise DatabaseBusy("The database is busy.", "Try again.")
        try:
            yield
        finally:
            self._writer.release()

    def _session(self, engine: Engine) -> Session:
        return Session(engine, expire_on_commit=False)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A person's act, alone among writers; committed when the block ends without error."""
        with self._alone(), told(self.url), self._session(self._writing) as tx, tx.begin():
            yield tx

    @contextmanager
    def work(self) -> Iterator[Transaction]:
        """A worker's act: beside other workers' acts, never beside a person's."""
        with self._alone(), told(self.url), self._session(self._working) as tx, tx.begin():
            yield tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent look; nothing it changes is kept."""
        with (
            told(self.url, reading=True),
            Session(self._reading, expire_on_commit=False) as tx,
        ):
            yield tx

    def now(self, tx: Transaction) -> datetime | None:
        """The database's clock, which all workers share; None where there is one machine."""
        if not self.is_postgresql:
            return None
        found: datetime = tx.execute(text("SELECT clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)

    def upgrade(self) -> None:
        """Bring the schema to the version this program was built for."""
        # Alembic is slow to import and only needed here; commands must start quickly.
        from alembic import command
        from alembic.config import Config

        config = Config()
        folder = files("social_scheduler.store") / "migrations"
        config.set_main_option("script_location", str(folder))
        # Two at once: the second waits for the first, and finds nothing left to do.
        with _ALEMBIC, told(self.url), self._acting(UPGRADE).connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()

    def require_schema(self) -> None:
        """Refuse a database this program was not built for."""
        with told(self.url), self._reading.connect() as connection:
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

"""Makes the connections to SQLite and PostgreSQL, each set so that a commit survives a power cut."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError as BadAddress

from social_scheduler.errors import WorkspaceError

BUSY_SECONDS = 15
"""How long one person's act waits for another's."""

LOCK_KEY = 0x736F6369616C
"""The advisory lock that orders all writers of one PostgreSQL database."""

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}

POOL = {"pool_size": 8, "max_overflow": 56, "pool_timeout": BUSY_SECONDS, "pool_use_lifo": True}
"""Enough for a worker's threads; what is idle beyond eight is closed."""

POSTGRESQL_SETTINGS = {
    # A plan kept from when few deliveries were in flight becomes ruinous when many are.
    "plan_cache_mode": "force_custom_plan",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "30s",
    "lock_timeout": f"{BUSY_SECONDS}s",
    "statement_timeout": "60s",
    "TimeZone": "UTC",
}

READING, PERSON, WORKER, UPGRADE = "reading", "person", "worker", "upgrade"
"""Who is acting: the execution option `act` of a connection."""

_LOCKS = {
    PERSON: f"SELECT pg_advisory_xact_lock({LOCK_KEY})",
    # A worker that stands still in the middle must not keep people from stopping the others.
    WORKER: "SELECT set_config('idle_in_transaction_session_timeout', '5s', true), "
    f"pg_advisory_xact_lock_shared({LOCK_KEY})",
    UPGRADE: "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; "
    f"SELECT pg_advisory_xact_lock({LOCK_KEY})",
}


def parse_address(address: str) -> URL:
    """The address of a database; WorkspaceError, which never repeats it, if it is none."""
    try:
        url = make_url(address)
        known = DRIVERS.get(url.get_backend_name(), "")
        if not known or url.drivername not in {url.get_backend_name(), known}:
            raise BadAddress
    except (BadAddress, ValueError):
        raise WorkspaceError(
            "The database address cannot be used.",
            "Give sqlite:///path/to/file.db or postgresql://name:password@host/database, "
            "or leave SOCIAL_SCHEDULER_DATABASE_URL out.",
        ) from None
    return url.set(drivername=known)


def make_engine(url: URL) -> Engine:
    """An engine whose every transaction begins as its execution option `act` says."""
    if url.get_backend_name() == "sqlite":
        options: dict[str, Any] = {
            "connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}
        }
        if url.database not in {None, "", ":memory:"}:
            options |= POOL
        engine = create_engine(url, hide_parameters=True, **options)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(
            url,
            hide_parameters=True,  # an error must not carry words that are not public yet
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args=_postgresql_arguments(url),
            **POOL,
        )
    except ImportError:
        raise WorkspaceError(
            "A PostgreSQL database needs the package psycopg, which is not installed.",
            "Run pip install 'social-scheduler[postgresql]'.",
        ) from None
    event.listen(engine, "connect", _refuse_forgetful)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _postgresql_arguments(url: URL) -> dict[str, Any]:
    """What is said to libpq at every connection; the address's own `options` come first."""
    own = url.query.get("options", "")
    options = [own if isinstance(own, str) else " ".join(own)]
    options += [f"-c {name}={value}" for name, value in POSTGRESQL_SETTINGS.items()]
    unless_given = {
        "application_name": "social-scheduler",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    kept = {name: value for name, value in unless_given.items() if name not in url.query}
    return {**kept, "options": " ".join(options).strip()}


def _refuse_forgetful(connection: Any, record: object) -> None:
    """A server that does not wait for its disk forgets intents, and says things twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        fsync, commit = cursor.fetchone()
    connection.rollback()
    if fsync != "on" or commit == "off":
        raise WorkspaceError(
            "This PostgreSQL server may forget what it has committed "
            f"(fsync={fsync}, synchronous_commit={commit}).",
            "Set fsync = on in postgresql.conf and restart the server.",
        )


def _begin_postgresql(connection: Connection) -> None:
    act = connection.get_execution_options().get("act", READING)
    if act in _LOCKS:
        connection.exec_driver_sql(_LOCKS[act])


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
    reads = connection.get_execution_options().get("act", READING) == READING
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

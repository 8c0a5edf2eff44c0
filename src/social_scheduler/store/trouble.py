"""Turns a database that cannot be used into words, with its remedy and without its password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from social_scheduler.errors import DatabaseBusy, WorkspaceError

LOST = (
    "The connection to the database was lost: {why}.",
    "It may have been kept or not: look before you do it again, once the server answers.",
)
AWAY = (
    "The database cannot be reached: {why}.",
    "Nothing was changed. Try again, and see that the server runs and the address is right.",
)
LOCKED = ("Others were writing to the database for too long: {why}.", "Try again.")
FULL = ("There are too many connections to the database: {why}.", "Try again, or allow more.")
NO_ENTRY = (
    "The database refuses the name or password it was given: {why}.",
    "Correct SOCIAL_SCHEDULER_DATABASE_URL, or the rights of that name on the server.",
)
READ_ONLY = (
    "The database can only be read: {why}.",
    "Give the address of the primary server, or make the database writable.",
)
NO_SPACE = ("The database has no space left: {why}.", "Make room on the server's disk.")
DAMAGED = ("The database is damaged: {why}.", "Restore it from a backup.")
NOT_THERE = ("There is no such database: {why}.", "Create it, or correct the address.")
NO_ADDRESS = (
    "The database address cannot be used: {why}.",
    "Correct SOCIAL_SCHEDULER_DATABASE_URL.",
)
SQLITE_UNUSABLE = (
    "The database cannot be used: {why}.",
    "Check that the workspace folder is there, writable and not full.",
)

PASSING = {id(words) for words in (LOST, AWAY, LOCKED, FULL)}

# By SQLSTATE, longest beginning first: postgresql.org/docs/current/errcodes-appendix.html
STATES = {
    "08": LOST, "57P": LOST, "25P0": LOST,
    "55P03": LOCKED, "57014": LOCKED, "40001": LOCKED, "40P01": LOCKED,
    "53300": FULL, "53100": NO_SPACE, "53200": LOST,
    "28": NO_ENTRY, "42501": NO_ENTRY,
    "3D000": NOT_THERE, "25006": READ_ONLY,
    "58": DAMAGED, "XX001": DAMAGED, "XX002": DAMAGED,
}  # fmt: skip

# A refused connection has no SQLSTATE. Where the server speaks another language these words do
# not match and it counts as lost: whoever can wait then waits.
PHRASES = {
    "authentication failed": NO_ENTRY,
    "no password supplied": NO_ENTRY,
    "pg_hba.conf": NO_ENTRY,
    "role ": NO_ENTRY,
    "permission denied for database": NO_ENTRY,
    "too many clients": FULL,
    "too many connections": FULL,
    "connection slots": FULL,
    "database system": AWAY,  # is starting up, is shutting down, is in recovery mode
    "does not exist": NOT_THERE,
    "connection failed": AWAY,
    "connection is bad": AWAY,
    "connection timeout": AWAY,
}


@contextmanager
def told(url: URL, *, reading: bool = False) -> Iterator[None]:
    """Say in words why the database cannot be used; programming mistakes stay as they are.

    `DatabaseBusy` where waiting helps, `WorkspaceError` where a person must do something.
    """
    try:
        yield
    except NoFreeConnection as problem:
        raise DatabaseBusy(
            "All of this program's connections to the database are in use.", "Try again."
        ) from problem
    except DBAPIError as problem:
        words = _words(problem, sqlite=url.get_backend_name() == "sqlite")
        if words is None or (words is READ_ONLY and reading):
            raise
        kind = DatabaseBusy if id(words) in PASSING else WorkspaceError
        raise kind(words[0].format(why=_why(problem, url)), words[1]) from problem


def _words(problem: DBAPIError, *, sqlite: bool) -> tuple[str, str] | None:
    """What to tell; None for what is no trouble of the database but a mistake of ours."""
    said = str(problem.orig)
    if sqlite:
        if "malformed" in said or "not a database" in said:
            return DAMAGED
        if isinstance(problem, OperationalError):
            return LOCKED if "locked" in said else SQLITE_UNUSABLE
        return None
    state = getattr(problem.orig, "sqlstate", None)
    if state:
        return next((STATES[state[:n]] for n in (5, 4, 3, 2) if state[:n] in STATES), None)
    if not isinstance(problem, OperationalError | InternalError):
        if "connection option" in said:
            return NO_ADDRESS
        return LOST if problem.connection_invalidated else None
    return next((words for phrase, words in PHRASES.items() if phrase in said), LOST)


def _why(problem: DBAPIError, url: URL) -> str:
    """The database's own words in one line, without the password of the address."""
    said = " ".join(str(problem.orig).split()).rstrip(".")
    password = str(url.password or "")
    return said.replace(password, "***") if password else said

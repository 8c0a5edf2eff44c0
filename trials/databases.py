"""PostgreSQL for the trials: a server of their own, which they may stop, kill and cut off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from tests.postgresql import Databases, a_server

from trials.catalogue import NotRun
from trials.evidence import engine


class Server:
    """A running server, and the databases that trials make on it."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases

    def new_database(self) -> str:
        """A fresh database; answers its address."""
        return self.databases.address(self.databases.create())

    def cut_connections(self, address: str) -> int:
        """Every connection to a database but ours ends now, in the middle of whatever it does."""
        return self.databases.cut(name_in(address))

    def ask(self, sql: str) -> None:
        """One statement, outside any transaction."""
        self.databases.run(sql)

    def version(self) -> str:
        """The server's own word for its version."""
        found = engine(self.databases.address("postgres"))
        try:
            with found.connect() as connection:
                return str(connection.execute(text("SHOW server_version")).scalar_one())
        finally:
            found.dispose()

    def restart(self, *, immediate: bool) -> None:
        """Stop and start it; `immediate` is what a crash leaves behind."""
        if self.databases.server is None:
            raise NotRun("the server is not ours to restart")
        self.databases.server.restart("immediate" if immediate else "fast")


@contextmanager
def server() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    with a_server() as running:
        yield Server(Databases(running.address("postgres"), running))


def name_in(address: str) -> str:
    """The database's name in an address."""
    return address.partition("?")[0].rpartition("/")[2]

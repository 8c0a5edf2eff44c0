"""What every measurement of `bench/engine.py` is given: databases, folders, and how large it is."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from _engine_place import Place

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.postgresql import Databases, a_server

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


@dataclass
class Base:
    """One run. The PostgreSQL server is started when it is first needed."""

    folder: Path
    quick: bool
    million: bool
    _stack: ExitStack
    _databases: Databases | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def of(self, full: int, quick: int) -> int:
        """The size of something."""
        return quick if self.quick else full

    def server(self) -> Databases:
        """A PostgreSQL server, with its own settings but for the number of connections."""
        if self._databases is None:
            # `PostgreSQL` as it is installed: fsync on; more shared memory, as anybody would give.
            running = self._stack.enter_context(
                a_server({"shared_buffers": "512MB", "max_wal_size": "4GB"})
            )
            self._databases = Databases(running.address("postgres"), running)
        return self._databases

    @contextmanager
    def place(self, database: str, accounts: int, *, calls_at_once: int = 64) -> Iterator[Place]:
        """A new workspace; its database goes with it."""
        root = self.folder / f"place-{next(self._numbers)}"
        if database == SQLITE:
            with Place.made(root, f"sqlite:///{root}/social-scheduler.db", accounts,
                            calls_at_once=calls_at_once) as place:  # fmt: skip
                yield place
            return
        server = self.server()
        name = server.create()
        try:
            address = server.address(name)
            with Place.made(root, address, accounts, calls_at_once=calls_at_once) as place:
                yield place
        finally:
            server.drop(name)

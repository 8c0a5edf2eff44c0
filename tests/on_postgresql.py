"""Pytest plugin: every test that asks for `databases` runs on SQLite and on a real PostgreSQL.

One server a run, shared by the workers of xdist and started when the first test asks for it;
one database a test. SOCIAL_SCHEDULER_TEST_POSTGRESQL, the address of a server where databases
may be created, is used instead where it is set. No server: skipped, which fails under CI.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import postgresql as server_module
from tests.postgresql import CannotStart, Databases, Server, private_folder

ADDRESS = "SOCIAL_SCHEDULER_TEST_POSTGRESQL"


class SharedServer:
    """The one server of a test run: started by whoever needs it first, ended with the run."""

    def __init__(self, home: Path) -> None:
        self.server = Server(home)
        self._alive = (home / "alive").open("a")

    def claim(self) -> None:
        """The main process of the run holds this lock for as long as it lives."""
        fcntl.flock(self._alive, fcntl.LOCK_EX)

    def ensure(self) -> Server:
        """The server, running."""
        with (self.server.home / "starting").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.server.running:
                self.server.start()
                # Started through sh, so that it is no child of ours: it outlives a killed run.
                guard = 'exec "$@" >/dev/null 2>&1 </dev/null &'
                here = [sys.executable, server_module.__file__, str(self.server.home)]
                subprocess.run(["sh", "-c", guard, "guard", *here], check=True)
        return self.server

    def end(self) -> None:
        """Stop it, and let the guard go."""
        self.server.remove()
        self._alive.close()


HOME = pytest.StashKey[SharedServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Every process of a run knows the folder; nothing is started yet."""
    given = getattr(config, "workerinput", {}).get("postgresql")
    config.stash[HOME] = SharedServer(Path(given) if given else private_folder())
    if not given:
        config.stash[HOME].claim()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the server is, or will be."""
    node.workerinput["postgresql"] = str(node.config.stash[HOME].server.home)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The main process ends the server."""
    if not hasattr(config, "workerinput"):
        config.stash[HOME].end()


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> Databases:
    """A PostgreSQL server; skips, with the reason, where there can be none."""
    if given := os.environ.get(ADDRESS):
        return Databases(given)
    try:
        server = pytestconfig.stash[HOME].ensure()
    except (CannotStart, OSError, KeyError) as problem:
        pytest.skip(f"no PostgreSQL: {problem}; or set {ADDRESS} to the address of one")
    return Databases(server.address("postgres"), server)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def databases(request: pytest.FixtureRequest) -> Databases | None:
    """Each of the two kinds of database in turn; None stands for SQLite."""
    if request.param == "sqlite":
        return None
    found: Databases = request.getfixturevalue("postgresql")
    return found

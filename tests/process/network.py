"""The rehearsal network that the commands publish to: one process, always at one address."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

from social_scheduler.sandbox import LedgerEntry
from tests.sandbox.running import Sandbox, start_sandbox


class Network:
    """A sandbox that can be stopped and come back where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()
        self.sandbox: Sandbox | None = None
        self._port = 0
        self._accounts: list[tuple[object, ...]] = []
        self.start()

    @property
    def url(self) -> str:
        """Its address, whether it runs or not."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Run; nothing happens when it does already."""
        if self.sandbox is None:
            starting = start_sandbox(self._folder, port=self._port)
            self.sandbox = self._running.enter_context(starting)
            self._port = urlsplit(self.sandbox.url).port or 0

    def stop(self) -> None:
        """From now on connections are refused."""
        self._running.close()
        self.sandbox = None

    def ledger(self) -> list[LedgerEntry]:
        """Every post it accepted, in order: the judge of what was said."""
        assert self.sandbox is not None
        return self.sandbox.ledger()

    def fault(
        self,
        fault: str,
        *,
        route: str | None = "post",
        times: int | None = 1,
        after: int = 0,
        seconds: float | None = None,
        location: str | None = None,
    ) -> None:
        """Something goes wrong with the next call, or with the one `after` that many."""
        assert self.sandbox is not None
        self.sandbox.fault(
            fault, route=route, times=times, after=after, seconds=seconds, location=location
        )

    def forget_faults(self) -> None:
        """Nothing goes wrong any more."""
        assert self.sandbox is not None
        self.sandbox.clear_faults()

    def keep_accounts(self) -> None:
        """From now on `forget` goes back to these accounts and these keys."""
        with closing(self._open()) as ledger:
            self._accounts = ledger.execute("SELECT * FROM accounts").fetchall()

    def forget(self) -> None:
        """As if nothing had ever been said here."""
        self.start()
        with closing(self._open()) as ledger:
            for table in (
                "post_media",
                "posts",
                "records",
                "commits",
                "uploads",
                "tokens",
                "faults",
                "rates",
                "nonces",
                "accounts",
            ):
                ledger.execute(f"DELETE FROM {table}")
            for row in self._accounts:
                ledger.execute(f"INSERT INTO accounts VALUES ({', '.join('?' * len(row))})", row)
            ledger.commit()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._folder / "sandbox.sqlite", timeout=10)

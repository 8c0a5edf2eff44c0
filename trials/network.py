"""The rehearsal network of a trial: a process of its own that takes the same words twice.

X refuses words that an account said within a day. That would hide a doubled post from the
ledger, so here it is accepted, and the judge sees it. No limit on how many an account may
send in a quarter of an hour, and a log of every call to publish: when it came in, when the
answer was out. `python -m trials.network LEDGER PORT LOG` prints its address.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from starlette.types import ASGIApp, Receive, Scope, Send

from social_scheduler.sandbox import LedgerEntry, Rates, read_ledger
from social_scheduler.sandbox import posts as sandbox_posts
from social_scheduler.sandbox import server as sandbox_server
from social_scheduler.sandbox.rates import PUBLISHED

TIMEOUT = 30.0
ROOT = Path(__file__).resolve().parent.parent


class Network:
    """One network process, always at one address, that can be stopped and come back."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = environment
        self.path = folder / "network.sqlite"
        self.log = folder / "calls.log"
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.start()

    def start(self) -> None:
        """Listen; nothing happens when it does already."""
        if self._process is not None:
            return
        command = [sys.executable, "-m", "trials.network", str(self.path), self._port]
        self._process = subprocess.Popen(
            [*command, str(self.log)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(self._environment or {})},
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the rehearsal network did not start")
        self._port = self.url.rpartition(":")[2]

    def stop(self) -> None:
        """From now on connections are refused."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(TIMEOUT)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def add_account(self, handle: str, language: str) -> dict[str, str]:
        """A new account; answers it with its keys."""
        wish = {"handle": handle, "name": handle, "language": language, "again": True}
        answer: dict[str, str] = self._ask("POST", "accounts", wish)
        return answer

    def fault(self, fault: str, **options: Any) -> None:
        """Something goes wrong; see social_scheduler.sandbox.faults. By default every `post`."""
        self._ask("POST", "faults", {"fault": fault, "route": "post", "times": None, **options})

    def no_faults(self) -> None:
        """Nothing goes wrong any more."""
        self._ask("DELETE", "faults", None)

    def ledger(self) -> list[LedgerEntry]:
        """Every post it accepted, in order."""
        return read_ledger(self.path)

    def calls(self) -> list[Seen]:
        """Every call to publish that it saw, in the order they came in."""
        if not self.log.exists():
            return []
        lines = self.log.read_text(encoding="utf-8").splitlines()
        begun: dict[int, Seen] = {}
        for line in lines:
            what, number, at = json.loads(line)
            if what == "in":
                begun[number] = Seen(at)
            else:
                begun[number].answered = at
        return list(begun.values())

    def _ask(self, method: str, what: str, wish: dict[str, Any] | None) -> Any:
        url = f"{self.url}/sandbox/{what}"
        answer = requests.request(method, url, json=wish, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()


@dataclass
class Seen:
    """One call to publish, in POSIX seconds; `answered` is None while it waits."""

    came_in: float
    answered: float | None = None


def in_flight(calls: Sequence[Seen], at: float) -> int:
    """How many calls were under way at a moment."""
    return sum(c.came_in <= at and (c.answered is None or c.answered > at) for c in calls)


class _Logged:
    """Writes down when each call to publish came in, and when its answer was out."""

    def __init__(self, app: ASGIApp, path: Path) -> None:
        self.app, self.number = app, int(time.time() * 1000) << 20
        self.file = path.open("a", buffering=1, encoding="utf-8")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/2/tweets"):
            await self.app(scope, receive, send)
            return
        self.number += 1
        number = self.number
        self.file.write(json.dumps(["in", number, time.time()]) + "\n")
        try:
            await self.app(scope, receive, send)
        finally:
            self.file.write(json.dumps(["out", number, time.time()]) + "\n")


def main() -> None:
    """Run the network until it is stopped."""
    ledger, port, log = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    sandbox_posts.DUPLICATE_WINDOW = timedelta(0)
    made = sandbox_server.create_app

    def create_app(*arguments: Any, **options: Any) -> ASGIApp:
        return _Logged(made(*arguments, **options), log)

    sandbox_server.create_app = create_app
    sandbox_server.serve(
        "127.0.0.1",
        port,
        ledger,
        ready=lambda url: print(url, flush=True),
        rates=Rates(dict.fromkeys(PUBLISHED, 10_000_000)),
    )


if __name__ == "__main__":
    main()

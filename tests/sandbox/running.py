"""A sandbox as a separate process, for every test that needs a network to publish to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests_oauthlib import OAuth1

from social_scheduler.sandbox import LedgerEntry, read_ledger

TIMEOUT = 20.0


@dataclass(frozen=True)
class SandboxAccount:
    """An account and its secrets, by the names its network gives them."""

    id: str
    network: str
    handle: str
    name: str
    language: str
    keys: dict[str, str]

    def auth(self) -> OAuth1:
        """Signs requests with the keys of an account on X."""
        k = self.keys
        return OAuth1(k["api_key"], k["api_secret"], k["access_token"], k["access_secret"])


@dataclass
class Sandbox:
    """A running sandbox: `url` is its base address, `path` its ledger file."""

    url: str
    path: Path
    process: subprocess.Popen[str]

    def ledger(self, network: str | None = None) -> list[LedgerEntry]:
        """Every post accepted so far (by one network), in order."""
        return read_ledger(self.path, network=network)

    def add_account(
        self,
        handle: str,
        language: str = "en",
        *,
        network: str = "x",
        name: str | None = None,
        again: bool = False,
        premium: bool = False,
    ) -> SandboxAccount:
        wish = {"handle": handle, "name": name or handle, "language": language, "again": again}
        made = self._post("/sandbox/accounts", wish | {"network": network, "premium": premium})
        about = {n: made.pop(n) for n in ("id", "network", "handle", "name", "language")}
        return SandboxAccount(**about, keys=made)

    def fault(
        self,
        fault: str,
        *,
        network: str | None = None,
        account: str | None = None,
        route: str | None = None,
        times: int | None = 1,
        after: int = 0,
        seconds: float | None = None,
        location: str | None = None,
    ) -> dict[str, Any]:
        """Switch a fault on; see social_scheduler.sandbox.faults for the names."""
        wish = {"fault": fault, "account": account, "route": route, "times": times, "after": after}
        more = {"network": network, "seconds": seconds, "location": location}
        return self._post("/sandbox/faults", wish | more)

    def clear_faults(self) -> None:
        requests.delete(self.url + "/sandbox/faults", timeout=TIMEOUT).raise_for_status()

    def stop(self) -> int:
        """Stop it in good order; returns its exit code."""
        self.process.terminate()
        return self.process.wait(TIMEOUT)

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self.process.kill()
        self.process.wait(TIMEOUT)

    def _post(self, path: str, wish: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(self.url + path, json=wish, timeout=TIMEOUT)
        if answer.status_code >= 400:
            raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
        result: dict[str, Any] = answer.json()
        return result


@contextmanager
def start_sandbox(
    tmp_path: Path, *, ledger: Path | None = None, port: int = 0, post_limit: int | None = None
) -> Iterator[Sandbox]:
    """Start a sandbox on a free port and stop it at the end; its ledger lives in `tmp_path`."""
    path = ledger or tmp_path / "sandbox.sqlite"
    command = [sys.executable, "-m", "social_scheduler.sandbox", "--port", str(port)]
    command += ["--ledger", str(path)]
    if post_limit is not None:
        command += ["--post-limit", str(post_limit)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise AssertionError(
                    f"the sandbox did not start: exit code {process.wait(TIMEOUT)}"
                )
            yield Sandbox(url, path, process)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(TIMEOUT)
                except subprocess.TimeoutExpired:
                    process.kill()

"""A Mastodon server for tests: mastodon_mock in a process of its own, and what its ledger holds."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from social_scheduler.message import Attachment, Message, MessagePart
from social_scheduler.platforms import EPOCH, Call, Connection, Upload
from social_scheduler.platforms.mastodon import servers

TIMEOUT = 20.0
MOCK_SOURCE = "https://github.com/matthewdeanmartin/mastodon_mock"
"""It treats keys as Mastodon does, but names its own code."""


@dataclass(frozen=True)
class MockAccount:
    """An account on the server, and its token."""

    id: str
    handle: str
    token: str


@dataclass(frozen=True)
class MockServer:
    """A running server: `url` is its base address."""

    url: str

    def add_account(self, handle: str) -> MockAccount:
        """Sign somebody up."""
        wish = {"username": handle, "email": f"{handle}@example.org", "agreement": "true"}
        made = self._post("/api/v1/accounts", wish | {"password": "a long password"})
        token = made["access_token"]
        who = self.get("/api/v1/accounts/verify_credentials", token)
        return MockAccount(who["id"], handle, token)

    def posts(self, account: MockAccount) -> list[dict[str, Any]]:
        """What the account has said so far, in order; at most forty."""
        path = f"/api/v1/accounts/{account.id}/statuses?limit=40"
        found: list[dict[str, Any]] = self.get(path, account.token)
        return found[::-1]

    def said(self, account: MockAccount) -> list[str]:
        """The words of its posts, exactly as they came, in order."""
        return [self.source(account, post["id"]) for post in self.posts(account)]

    def source(self, account: MockAccount, remote_id: str) -> str:
        """The words of one post, exactly as they came."""
        return str(self.get(f"/api/v1/statuses/{remote_id}/source", account.token)["text"])

    def get(self, path: str, token: str) -> Any:
        """Ask it directly, past any proxy."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(self.url + path, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, fields: dict[str, str]) -> Any:
        answer = requests.post(self.url + path, data=fields, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def start_mock(folder: Path, settings: str = "") -> Iterator[MockServer]:
    """Start mastodon_mock on a free port, with nothing in it, and stop it at the end."""
    config = folder / "mock.toml"
    config.write_text(settings, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mastodon_mock", "serve", "--in-memory"]
    command += ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # Addresses of posts lead to the server itself.
    command += ["--domain", f"127.0.0.1:{port}", "--log-level", "critical"]
    process = subprocess.Popen(command, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        with patch.object(servers, "SOURCES", servers.SOURCES | {MOCK_SOURCE}):
            yield MockServer(url)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(TIMEOUT)
        process.kill()
        process.wait(TIMEOUT)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"mastodon_mock did not start: exit code {process.returncode}")
        with suppress(requests.RequestException):
            if requests.get(url + "/health", timeout=1).ok:
                return
        time.sleep(0.05)
    raise AssertionError("mastodon_mock did not start in a minute")


def connect(url: str, token: str, *, read: float = 5) -> Connection:
    """An account's connection to `url`."""
    return Connection(url, {"access_token": token}, read_timeout=read)


def call(
    text: str = "Good morning.",
    *,
    media: tuple[Attachment, ...] = (),
    uploads: tuple[Upload, ...] = (),
    reply_to: str | None = None,
    account: str = "1",
    options: dict[str, str] | None = None,
    key: str | None = None,
    language: str = "en",
    server: str = "https://mastodon.social",
    due_at: datetime = EPOCH,
) -> Call:
    """A message of one part, about to be said; its key is made of its words."""
    message = Message(
        platform="mastodon",
        server=server,
        account=account,
        language=language,
        parts=(MessagePart(text=text, media=media),),
        options=options or {},
    )
    key = key or sha256(message.canonical()).hexdigest()
    return Call(message, 1, key, reply_to, uploads, due_at)

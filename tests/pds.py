"""Bluesky's reference server (PDS) for tests: the real one, on this machine, with accounts of ours.

`python3 dev.py test` builds it; see dev_servers.py. It can be stopped and started again on its data.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dev_servers
import requests

from social_scheduler.platforms import Connection

PROGRAM = Path(__file__).with_suffix(".mjs")
STARTS_WITHIN = 60
THREADGATE = "app.bsky.feed.threadgate"


class NotBuilt(Exception):
    """There is no server to be had here; the text says why."""


@dataclass(frozen=True)
class Person:
    """An account on the server, with an app password as people make one for us."""

    did: str
    handle: str
    password: str
    """The account's own, which we must not be given."""
    app_password: str

    @property
    def keys(self) -> dict[str, str]:
        """What is pasted when the account is connected."""
        return {"identifier": self.handle, "app_password": self.app_password}


class Pds:
    """One server with its folder; `url` stays the same over restarts."""

    _numbers = itertools.count(1)

    def __init__(self, *, rate_limits: bool = False) -> None:
        found = dev_servers.find_pds()
        if found is None:
            raise NotBuilt("Bluesky's server is not built here: run python3 dev.py test")
        self._node, self._home = found
        self._folder = Path(tempfile.mkdtemp(prefix="pds-"))
        port, plc_port = _free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self._settings = {
            "port": port,
            "plcPort": plc_port,
            "folder": str(self._folder),
            "keyHex": secrets.token_hex(32),
            "rateLimits": rate_limits,
        }
        self.process: subprocess.Popen[str] | None = None
        """It, while it runs."""
        self._sessions: dict[str, str] = {}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self._folder / "log").open("a")
        self.process = subprocess.Popen(
            [self._node.program, self._program(), json.dumps(self._settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, "LOG_ENABLED": "0", "NODE_OPTIONS": ""},
        )  # fmt: skip
        log.close()
        late = threading.Timer(STARTS_WITHIN, self.process.kill)
        late.start()
        try:
            said = self.process.stdout.readline() if self.process.stdout else ""
        finally:
            late.cancel()
        if said.strip() != "ready":
            raise NotBuilt(f"Bluesky's server did not start: {(self._folder / 'log').read_text()}")

    def stop(self) -> None:
        """End it as a crash would; what it has answered for is on disk."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def version(self) -> str:
        """What its health page says it is."""
        return str(self._told("GET", "_health")["version"])

    def person(self, name: str = "") -> Person:
        """A new account, with a new app password."""
        handle = f"{name or 'person'}-{next(self._numbers)}.example.org"
        password = secrets.token_urlsafe(12)
        made = self._told(
            "POST",
            "com.atproto.server.createAccount",
            {"handle": handle, "email": f"{handle}@example.org", "password": password},
        )
        app = self._told(
            "POST",
            "com.atproto.server.createAppPassword",
            {"name": "social-scheduler"},
            made["accessJwt"],
        )
        self._sessions[made["did"]] = made["accessJwt"]
        return Person(made["did"], handle, password, app["password"])

    def connection(self, person: Person, *, through: str = "", read: float = 30) -> Connection:
        """The person's connection, directly or `through` a proxy."""
        return Connection(through or self.url, person.keys, read_timeout=read)

    def records(self, person: Person, collection: str = "app.bsky.feed.post") -> list[Any]:
        """What stands in an account, oldest key first: uri, cid and value."""
        query = f"repo={person.did}&collection={collection}&limit=100&reverse=true"
        found: list[Any] = self._told("GET", f"com.atproto.repo.listRecords?{query}")["records"]
        return found

    def call(self, person: Person, method: str, body: Mapping[str, Any]) -> Any:
        """What somebody else does with the account meanwhile."""
        return self._told("POST", method, body, self._sessions[person.did])

    def clear(self, person: Person) -> None:
        """Empty an account for the next test."""
        gone = [
            {
                "$type": "com.atproto.repo.applyWrites#delete",
                "collection": collection,
                "rkey": record["uri"].rpartition("/")[2],
            }
            for collection in ("app.bsky.feed.post", "app.bsky.feed.repost", THREADGATE)
            for record in self.records(person, collection)
        ]
        if gone:
            body = {"repo": person.did, "writes": gone}
            self.call(person, "com.atproto.repo.applyWrites", body)

    def _told(
        self, verb: str, method: str, body: Mapping[str, Any] | None = None, token: str = ""
    ) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(
            verb, f"{self.url}/xrpc/{method}", json=body, headers=headers, timeout=30
        )
        assert answer.ok, f"{method}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def _program(self) -> Path:
        """Our starter beside the packages, where Node looks for them."""
        body = PROGRAM.read_bytes()
        there = self._home / f"start-{hashlib.sha256(body).hexdigest()[:12]}.mjs"
        if not there.exists():
            draft = there.with_suffix(f".{os.getpid()}")
            draft.write_bytes(body)
            draft.replace(there)
        return there


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports

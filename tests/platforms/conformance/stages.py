"""Where each network is rehearsed: how its server is started, and what its own ledger holds.

A module that the scan finds needs a stage here, or the suite fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.pds import NotBuilt, Pds, Person
from tests.platforms.mastodon.servers import MockAccount, MockServer, start_mock
from tests.sandbox.running import Sandbox, start_sandbox

EVERY_SCRIPT: tuple[str, ...] = (
    "Good morning. ",
    "صباح الخير ",
    "Заря 日出 ",
    "क्षि ",
    "ক্ষ ",
    "நி กำ ",
    "🇮🇶",
    "1️⃣#️⃣",
    "👨‍👩‍👧‍👦 ",
    "👩🏽‍🏭",
    "e\u0301",
    "https://example.org/a/long/way?x=1&y=2 ",
)
"""Texts that are counted differently from network to network."""
PLAIN_LETTERS = EVERY_SCRIPT[:3]


@dataclass(frozen=True)
class Said:
    """One live post as the server itself has it; None where the network has no such thing."""

    id: str
    text: str
    alts: tuple[str, ...] | None
    media: int
    language: str | None
    reply_to: str | None


@dataclass(frozen=True)
class Guest:
    """An account on a stage. `keys` are what is pasted when it is connected."""

    native_id: str
    handle: str
    keys: Mapping[str, str]
    secrets: frozenset[str]
    """Names of those keys that nobody may ever see."""


class Stage(Protocol):
    """A running server of one network."""

    url: str
    counted: tuple[str, ...]
    """Texts that this server counts as the network itself does."""
    generous: bool
    """Whether one account may say much in little time; then it is not worth making another."""

    def guest(self) -> Guest:
        """A new account, which has said nothing."""

    def ledger(self, guest: Guest) -> list[Said]:
        """What of the account's is live, oldest first; asked past any proxy."""


class SandboxStage:
    """Our own rehearsal network, in the shape of one network."""

    counted: tuple[str, ...] = EVERY_SCRIPT
    generous = False

    def __init__(self, sandbox: Sandbox, network: str, secrets: set[str], handles: str) -> None:
        self.url = sandbox.url
        self._sandbox, self._network, self._secrets = sandbox, network, frozenset(secrets)
        self._handles, self._numbers = handles, itertools.count(1)

    def guest(self) -> Guest:
        """A new account."""
        made = self._sandbox.add_account(
            self._handles.format(next(self._numbers)), network=self._network
        )
        return Guest(made.id, made.handle, made.keys, self._secrets)

    def ledger(self, guest: Guest) -> list[Said]:
        """From the ledger's file."""
        return [
            Said(
                entry.id,
                entry.text,
                tuple(media.alt_text or "" for media in entry.media),
                len(entry.media),
                entry.language or None,
                entry.reply_to,
            )
            for entry in self._sandbox.ledger(self._network)
            if entry.account == guest.handle and entry.removed_at is None
        ]


class MastodonStage:
    """mastodon_mock, which counts code points, and addresses in full: letters only."""

    counted: tuple[str, ...] = PLAIN_LETTERS
    generous = False

    def __init__(self, server: MockServer) -> None:
        self.url = server.url
        self._server = server
        self._numbers = itertools.count(1)

    def guest(self) -> Guest:
        """A new account."""
        made = self._server.add_account(f"guest_{next(self._numbers)}")
        return Guest(
            made.id, made.handle, {"access_token": made.token}, frozenset({"access_token"})
        )

    def ledger(self, guest: Guest) -> list[Said]:
        """From its timeline, and the words as they came from each post's source."""
        account = MockAccount(guest.native_id, guest.handle, guest.keys["access_token"])
        return [
            Said(
                post["id"],
                self._server.source(account, post["id"]),
                tuple(media["description"] or "" for media in post["media_attachments"]),
                len(post["media_attachments"]),
                post["language"],
                post["in_reply_to_id"],
            )
            for post in self._server.posts(account)
        ]


class BlueskyStage:
    """Bluesky's own reference server."""

    counted: tuple[str, ...] = EVERY_SCRIPT
    generous = True

    def __init__(self, pds: Pds) -> None:
        self.url = pds.url
        self._pds = pds
        self._people: dict[str, Person] = {}

    def guest(self) -> Guest:
        """A new account."""
        person = self._pds.person()
        self._people[person.did] = person
        return Guest(person.did, person.handle, person.keys, frozenset({"app_password"}))

    def ledger(self, guest: Guest) -> list[Said]:
        """The records in its repository."""
        found = []
        for record in self._pds.records(self._people[guest.native_id]):
            value = record["value"]
            images = value.get("embed", {}).get("images", [])
            found.append(
                Said(
                    record["uri"],
                    value["text"],
                    tuple(image["alt"] for image in images),
                    len(images),
                    ",".join(value.get("langs", [])) or None,
                    value.get("reply", {}).get("parent", {}).get("uri"),
                )
            )
        return found


def _in_the_sandbox(
    network: str, handles: str, *secrets: str
) -> Callable[[Path], AbstractContextManager[Stage]]:
    @contextmanager
    def start(folder: Path) -> Iterator[Stage]:
        with start_sandbox(folder) as sandbox:
            yield SandboxStage(sandbox, network, set(secrets), handles)

    return start


@contextmanager
def _mastodon(folder: Path) -> Iterator[Stage]:
    with start_mock(folder) as server:
        yield MastodonStage(server)


@contextmanager
def _bluesky(_: Path) -> Iterator[Stage]:
    try:
        pds = Pds()
    except NotBuilt as why:
        pytest.skip(str(why))
    try:
        pds.start()
        yield BlueskyStage(pds)
    finally:
        pds.remove()


_X_SECRETS = ("api_key", "api_secret", "access_token", "access_secret")
STAGES: Mapping[str, Callable[[Path], AbstractContextManager[Stage]]] = {
    "bluesky": _bluesky,
    "mastodon": _mastodon,
    "telegram": _in_the_sandbox("telegram", "guest_{}", "bot_token"),
    "x": _in_the_sandbox("x", "guest_{}", *_X_SECRETS),
}
REHEARSED: Mapping[str, Callable[[Path], AbstractContextManager[Stage]]] = {
    "bluesky": _in_the_sandbox("bluesky", "guest-{}.example.org", "app_password"),
    "mastodon": _in_the_sandbox("mastodon", "guest_{}", "access_token"),
}
"""Networks with a server of their own, in the shape that rehearsals and the demo use."""
NEEDS = {"bluesky": pytest.mark.pds}
"""What `dev.py test` has to build for a network's stage."""

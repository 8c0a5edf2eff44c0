"""A real server in a process of its own, an account of each test's own, and a proxy in front."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest

from social_scheduler.platforms import Connection
from tests.lossy import Lossy, lossy
from tests.platforms.mastodon.servers import MockAccount, MockServer, connect, start_mock


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    with start_mock(tmp_path_factory.mktemp("mastodon")) as running:
        yield running


@pytest.fixture
def account(server: MockServer, request: pytest.FixtureRequest) -> MockAccount:
    """An account of this test's own."""
    return server.add_account(f"c_{sha256(request.node.name.encode()).hexdigest()[:12]}")


@pytest.fixture
def proxy(server: MockServer) -> Iterator[Lossy]:
    with lossy(server.url) as running:
        yield running


@pytest.fixture
def here(server: MockServer, account: MockAccount) -> Connection:
    """The account's connection."""
    return connect(server.url, account.token)

"""One rehearsal network for the package's modules; every test has an account of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from social_scheduler.platforms import Connection
from social_scheduler.platforms.x import PLATFORM as X
from tests.sandbox.running import Sandbox, SandboxAccount, start_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[SandboxAccount]:
    """An account of this test's own."""
    number = sha256(request.node.name.encode()).hexdigest()[:12]
    yield sandbox.add_account(f"c_{number}")
    sandbox.clear_faults()


@pytest.fixture
def here(sandbox: Sandbox, account: SandboxAccount) -> Connection:
    """The account's connection."""
    return Connection(sandbox.url, {name: account.keys[name] for name in X.keys})


@pytest.fixture
def since() -> datetime:
    return datetime.now(UTC)

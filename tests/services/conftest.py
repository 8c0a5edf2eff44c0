"""The workspace that tests of services act in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import Databases
from tests.services.desk import Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path, databases: Databases | None) -> Iterator[Desk]:
    """A fresh workspace with people, two accounts and a scripted network, on each database."""
    with open_desk(tmp_path, databases) as opened:
        yield opened

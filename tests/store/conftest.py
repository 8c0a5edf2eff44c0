"""The workspace that tests of the store act in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.desk import Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A fresh workspace with people, two accounts and a scripted network."""
    with open_desk(tmp_path) as opened:
        yield opened

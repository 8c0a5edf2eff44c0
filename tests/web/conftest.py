"""The newsroom that all tests of the desk share: made once, copied for each test that changes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.newsroom import Newsroom, make_newsroom, running


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace as it is on Monday morning; never changed."""
    root = tmp_path_factory.mktemp("newsroom") / "workspace"
    make_newsroom(root)
    return root


@pytest.fixture
def newsroom(prepared: Path, tmp_path: Path) -> Iterator[Newsroom]:
    """A desk of one's own."""
    root = tmp_path / "workspace"
    shutil.copytree(prepared, root)
    with running(root) as room:
        yield room


@pytest.fixture(scope="module")
def standing(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A desk for tests that only look."""
    root = tmp_path_factory.mktemp("standing") / "workspace"
    shutil.copytree(prepared, root)
    with running(root) as room:
        yield room

"""What all tests share: no skips under CI, both databases, process tests one by one, the browser."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

pytest_plugins = ["no_skips", "tests.on_postgresql", "tests.on_pds"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the process tests of a file, and those that share a browser or a server, on one worker."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif item.get_closest_marker("pds"):
            item.add_marker(pytest.mark.xdist_group("pds"))
        elif item.get_closest_marker("process"):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The Chromium or Chrome that dev.py found (BROWSER_PATH); skips where there is none."""
    path = os.environ.get("BROWSER_PATH")
    if not path:
        pytest.skip("no browser: run `python3 dev.py test`, or set BROWSER_PATH to a Chromium")
    return path


@pytest.fixture(scope="module")
def chromium(browser_path: str) -> Iterator[Browser]:
    """A real browser; as root Chromium has no sandbox of its own."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        yield found
        found.close()

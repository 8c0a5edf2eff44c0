"""Pytest plugin: `pds` is Bluesky's own server, started once, its version told at the end.

Where it was not built the tests that ask for it are skipped, with the reason; under CI that fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dev
import pytest

from tests.pds import NotBuilt, Pds

VERSION = pytest.StashKey[str]()
_TOLD = "pds_version"


@pytest.fixture(scope="session")
def pds(pytestconfig: pytest.Config) -> Iterator[Pds]:
    """Bluesky's server, for all tests of a run that are marked `pds`; each makes its own accounts."""
    server = started(pytestconfig)
    yield server
    server.remove()


def started(config: pytest.Config, *, rate_limits: bool = False) -> Pds:
    """A server that answers; whoever asked for it removes it."""
    try:
        server = Pds(rate_limits=rate_limits)
        server.start()
    except NotBuilt as problem:
        pytest.skip(str(problem))
    tell_version(config, server)
    return server


def tell_version(config: pytest.Config, server: Pds) -> None:
    """Have the version told when the run ends; a worker of xdist hands it to the main process."""
    config.stash[VERSION] = server.version
    if hasattr(config, "workeroutput"):
        config.workeroutput[_TOLD] = server.version


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """When tests are only listed: tell dev.py whether the server has to be built for them."""
    marked = sum(item.get_closest_marker("pds") is not None for item in items)
    return [f"{marked} {dev.NEED_SERVERS}"] if marked and config.option.collectonly else []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker of xdist has told."""
    if told := getattr(node, "workeroutput", {}).get(_TOLD):
        node.config.stash[VERSION] = told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which server it was, in its own words."""
    if version := terminalreporter.config.stash.get(VERSION, ""):
        terminalreporter.line(f"Bluesky's reference server: version {version}, by its health page")

"""Every network that the scan finds, each on its stage, with an account of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from social_scheduler.platforms import discover
from tests.platforms.conformance.performing import Performer
from tests.platforms.conformance.stages import NEEDS, REHEARSED, STAGES, Stage

PLACES = [
    *(
        pytest.param((name, STAGES), id=name, marks=NEEDS.get(name, ()))
        for name in sorted(discover())
    ),
    *(pytest.param((name, REHEARSED), id=f"{name} in the sandbox") for name in sorted(REHEARSED)),
]


@pytest.fixture(scope="session", params=PLACES)
def place(request: pytest.FixtureRequest) -> Any:
    """A network's name, and the stages among which is its own."""
    return request.param


@pytest.fixture(scope="session")
def stage(place: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    network, stages = place
    if network not in stages:
        pytest.fail(f"{network} has no stage: say in stages.py how its server is started")
    with stages[network](tmp_path_factory.mktemp(network)) as running:
        yield running


@pytest.fixture
def performer(place: Any, stage: Stage) -> Performer:
    """An account on the network's stage, which has said nothing."""
    network, _ = place
    return Performer(network, discover()[network], stage, stage.guest())

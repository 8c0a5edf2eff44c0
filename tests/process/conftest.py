"""One network and one enrolled team a session; every test goes on with a copy of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process.network import Network
from tests.process.team import Plan, Team


@pytest.fixture(scope="session")
def network_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    network = Network(tmp_path_factory.mktemp("network"))
    yield network
    network.stop()


@pytest.fixture(scope="session")
def enrolled(tmp_path_factory: pytest.TempPathFactory, network_of_all: Network) -> Team:
    team = Team.enrolled(tmp_path_factory.mktemp("teams") / "enrolled", network_of_all)
    network_of_all.keep_accounts()
    return team


@pytest.fixture
def network(network_of_all: Network, enrolled: Team) -> Network:
    """The network, on which nothing was ever said and nothing goes wrong."""
    network_of_all.forget()
    return network_of_all


@pytest.fixture
def team(enrolled: Team, network: Network, tmp_path: Path) -> Team:
    """A team that has queued nothing yet."""
    return enrolled.copy(tmp_path / "workspace")


@pytest.fixture(scope="session")
def made(enrolled: Team) -> dict[str, Team]:
    """Workspaces that were made once: one for each campaign that was queued and approved."""
    return {}


@pytest.fixture
def approved(
    enrolled: Team, made: dict[str, Team], network: Network, tmp_path: Path
) -> Callable[[Plan], Team]:
    """Gives a team whose campaign is queued, approved and due within two seconds at the most."""

    def give(plan: Plan) -> Team:
        key = repr(plan)
        if key not in made:
            made[key] = enrolled.copy(enrolled.folder.with_name(f"approved-{len(made)}"))
            made[key].queued(plan)
            made[key].approve(plan)
            if plan.kind == "quote":
                made[key].approve(plan, who="karim")
        return made[key].copy(tmp_path / "workspace")

    return give

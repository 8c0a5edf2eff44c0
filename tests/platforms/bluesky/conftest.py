"""Accounts on Bluesky's own server, and a proxy in front of it that loses answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from social_scheduler.platforms import Connection
from tests.lossy import Lossy, lossy
from tests.pds import Pds, Person


@pytest.fixture(scope="session")
def everybody(pds: Pds) -> tuple[Person, Person]:
    """Two accounts, for making one takes longer than most tests."""
    return pds.person("amal"), pds.person("noor")


@pytest.fixture
def person(pds: Pds, everybody: tuple[Person, Person]) -> Person:
    """An account that has said nothing yet."""
    for each in everybody:
        pds.clear(each)
    return everybody[0]


@pytest.fixture
def other(person: Person, everybody: tuple[Person, Person]) -> Person:
    """Somebody else."""
    return everybody[1]


@pytest.fixture
def here(pds: Pds, person: Person) -> Connection:
    """The account's connection."""
    return pds.connection(person)


@pytest.fixture(scope="session")
def a_proxy(pds: Pds) -> Iterator[Lossy]:
    """One proxy for all tests."""
    with lossy(pds.url) as proxy:
        yield proxy


@pytest.fixture
def proxy(a_proxy: Lossy) -> Lossy:
    """The proxy, with nothing planned."""
    a_proxy.clear()
    return a_proxy


@pytest.fixture
def due() -> datetime:
    """Now."""
    return datetime.now(UTC)

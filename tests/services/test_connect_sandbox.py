"""What is told when the sandbox makes no account: another network, another server, a wrong handle."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from social_scheduler.errors import InvalidInput, WorkspaceError
from social_scheduler.platforms import discover
from social_scheduler.services.connect_sandbox import keys_from_sandbox
from social_scheduler.services.context import Context
from tests.platforms.pigeons import pigeon_loft
from tests.sandbox.running import start_sandbox
from tests.services.desk import Desk
from tests.services.test_accounts import entry

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox.url


def rehearsal(desk: Desk, url: str) -> Context:
    """A rehearsal with every network there is, and one that the sandbox does not play."""
    return dataclasses.replace(
        desk.context, sandbox_url=url, platforms={**desk.context.platforms, **discover()}
    )


def test_a_network_that_it_does_not_play_is_told_with_the_way_to_rehearse_it(
    desk: Desk, sandbox_url: str
) -> None:
    with pytest.raises(WorkspaceError) as told:
        keys_from_sandbox(rehearsal(desk, sandbox_url), entry())
    said = "The sandbox plays x, bluesky, mastodon, telegram; it does not play wire."
    assert told.value.problem == said
    assert "sandbox_url" in (told.value.remedy or "")
    assert "--keys-file" in (told.value.remedy or "")


def test_a_handle_that_its_network_cannot_have_is_told_in_words(
    desk: Desk, sandbox_url: str
) -> None:
    wrong = entry(platform="x", handle="coalition.example")
    with pytest.raises(InvalidInput) as told:
        keys_from_sandbox(rehearsal(desk, sandbox_url), wrong)
    assert "1 to 15 letters" in told.value.problem
    assert not set('{}"') & set(told.value.problem)
    assert told.value.remedy == "Correct accounts.yaml."


def test_a_server_that_is_no_sandbox_is_not_taken_for_one(desk: Desk) -> None:
    with pigeon_loft() as loft, pytest.raises(WorkspaceError, match="is no sandbox"):
        keys_from_sandbox(rehearsal(desk, loft.url), entry())

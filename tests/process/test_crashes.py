"""The worker is killed at every named moment; the network's ledger alone says what came of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from social_scheduler.services.publish import CRASH_POINTS
from tests.process.commands import wait_until
from tests.process.network import Network
from tests.process.plans import ALL_SAID, EVERYTHING, PARTS, PICTURE, PICTURED, SAID, TEXT, THREAD
from tests.process.team import Plan, Team

pytestmark = pytest.mark.process
Approved = Callable[[Plan], Team]
KILLED = -9

DEATHS = {
    # Each worker dies at this occurrence of its moment: in the text, the picture, the thread.
    "prepared": ["prepared", "prepared"],
    "claimed": ["claimed"],
    "looked": ["looked", "looked:2", "looked:3"],
    "intended": ["intended", "intended", "intended:2"],
    "journalled": ["journalled", "journalled", "journalled:2"],
    "answered": ["answered", "answered", "answered:2"],
    "outcome journalled": ["outcome journalled", "outcome journalled", "outcome journalled:2"],
    "outcome committed": ["outcome committed", "outcome committed", "outcome committed:2"],
    "proved": ["proved"],
}
BEFORE_THE_CALL = ("intended", "journalled")
"""Moments of which nobody can tell afterwards whether the call was made."""
BESIDE_THE_CALL = ("prepared", "proved")
"""Moments of other work, during which another thread may be about to make a call."""


def test_every_moment_at_which_a_worker_can_be_killed_is_tried() -> None:
    assert set(DEATHS) == set(CRASH_POINTS)


@pytest.mark.parametrize("moment", CRASH_POINTS)
def test_killed_there_nothing_is_said_twice_and_nothing_is_lost(
    approved: Approved, moment: str
) -> None:
    team = approved(EVERYTHING)
    for point in DEATHS[moment]:
        team.work("--crash-at", point, code=KILLED)
    ended = team.start("work", "--until-idle").wait()
    unclear = [post for state, post in team.unsettled() if state == "unconfirmed"]
    assert (ended.code == 3) == bool(unclear)
    if moment in BEFORE_THE_CALL:
        assert unclear == EVERYTHING.references
        assert team.said() == PARTS[:1]
    elif moment not in BESIDE_THE_CALL:
        assert unclear == []
    for reference in unclear:
        team.run("settle", "send-again", reference, "x-en", who="dana")
    team.work()
    assert sorted(team.said()) == sorted(ALL_SAID)
    assert chain_is_whole(team)
    assert team.unsettled() == []


def test_killed_during_the_call_it_is_found_on_the_timeline(
    approved: Approved, network: Network
) -> None:
    team = approved(TEXT)
    network.fault("slow", seconds=20)
    worker = team.start("work", fresh=True)
    wait_until(lambda: team.said() == [SAID], "the network accepted the post")
    worker.kill()
    assert worker.wait().code == KILLED
    team.work()
    assert team.said() == [SAID]
    steps = [line["step"] for line in team.history("bridge/open")]
    assert "lose" in steps
    assert "found" in steps


def test_killed_at_part_three_with_its_answer_lost_the_thread_goes_on_at_part_four(
    approved: Approved, network: Network
) -> None:
    team = approved(THREAD)
    network.fault("answer_lost", after=2)
    team.work("--crash-at", "answered:3", code=KILLED)
    assert team.said() == PARTS[:3]
    team.work()
    assert team.said() == PARTS
    assert chain_is_whole(team)


def test_a_worker_that_was_killed_does_not_keep_the_next_one_from_starting(
    approved: Approved,
) -> None:
    team = approved(PICTURE)
    worker = team.start("work")
    wait_until(lambda: "publishes from" in worker.said(), "the worker started")
    worker.kill()
    worker.wait()
    team.work()
    assert team.said() == [PICTURED]


def chain_is_whole(team: Team) -> bool:
    """Whether every part of the thread answers the one before it."""
    thread = [entry for entry in team.ledger() if entry.text in PARTS]
    before = [None, *(entry.id for entry in thread[:-1])]
    return [e.text for e in thread] == PARTS and [e.reply_to for e in thread] == before

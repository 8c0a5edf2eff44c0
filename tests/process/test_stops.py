"""Holds, withdrawals, settling, and workers that must not start at all."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable

import pytest

from tests.process.commands import wait_until
from tests.process.network import Network
from tests.process.plans import ARABIC, PAIR, PARTS, SAID, TEXT, THREAD
from tests.process.team import Plan, Team

pytestmark = pytest.mark.process
Approved = Callable[[Plan], Team]
DATABASE = "social-scheduler.db"


def hold(team: Team, *what: str) -> str:
    """Dana stops something; answers the hold's number."""
    placed = team.run("hold", "add", *what, "--reason", "A rumour", "--json", who="dana").json()
    return str(placed["id"])


def test_what_was_held_when_due_goes_out_only_when_a_person_says_so(approved: Approved) -> None:
    team = approved(TEXT)
    number = hold(team, "--everything")
    worked = team.work()
    assert team.said() == []
    assert "dana holds everything: A rumour" in worked.err
    team.run("hold", "release", number, who="dana")
    team.work()
    assert team.said() == []
    assert team.unsettled() == [("missed", "bridge/open")]
    team.run("settle", "send-again", "bridge/open", "x-en", who="dana")
    team.work()
    assert team.said() == [SAID]


def test_a_hold_on_one_language_stops_that_language_only(approved: Approved) -> None:
    team = approved(PAIR)
    number = hold(team, "--language", "ar")
    team.work()
    assert team.said() == [SAID]
    team.run("hold", "release", number, who="dana")
    team.run("settle", "send-again", "bridge/open", "x-ar", who="dana")
    team.work()
    assert sorted(team.said()) == sorted([SAID, ARABIC])


def test_a_hold_in_the_middle_of_a_thread_leaves_it_partial(
    approved: Approved, network: Network
) -> None:
    team = approved(THREAD)
    network.fault("slow", after=1, seconds=2)
    worker = team.start("work", "--until-idle")
    wait_until(lambda: team.said() == PARTS[:2], "the second part was accepted")
    with worker.standing_still():
        hold(team, "--everything")
    done = worker.wait()
    assert done.code == 3
    assert "dana holds everything" in done.err
    assert team.said() == PARTS[:2]
    assert team.unsettled() == [("partial", "bridge/story")]


def test_withdrawn_before_it_is_due_it_is_never_said(approved: Approved) -> None:
    team = approved(TEXT)
    told = team.run("review", "withdraw", "bridge/open", "--json", who="amal").json()
    assert told["deliveries"] == {"x-en": "cancelled"}
    team.work()
    assert team.said() == []
    assert team.unsettled() == []


def test_missed_it_waits_for_a_person_who_may_send_it_again_once(team: Team) -> None:
    team.queued(TEXT)
    team.approve(TEXT)
    number = hold(team, "--everything")
    team.work()
    team.run("hold", "release", number, who="dana")
    team.work()
    assert team.said() == []
    assert team.unsettled() == [("missed", "bridge/open")]
    team.run("settle", "send-again", "bridge/open", "x-en", who="amal", code=4)
    team.run("settle", "send-again", "bridge/open", "x-en", who="dana")
    team.run("settle", "send-again", "bridge/open", "x-en", who="dana", code=1)
    team.work()
    team.work()
    assert team.said() == [SAID]


def test_a_person_who_looked_says_that_it_is_live(approved: Approved, network: Network) -> None:
    team = approved(TEXT)
    network.fault("answer_lost")
    network.fault("error_before", route="timeline", times=None)
    team.work(code=3)
    [entry] = team.ledger()
    url = f"{network.url}/i/web/status/{entry.id}"
    team.run("settle", "it-is-live", "bridge/open", "x-en", "--url", url, who="dana")
    network.forget_faults()
    team.work()
    assert team.said() == [SAID]
    [line] = team.ask("published")
    assert (line["url"], line["verdict"]) == (url, "equal")


def test_a_person_lets_it_be(approved: Approved, network: Network) -> None:
    team = approved(TEXT)
    network.fault("error_before")
    team.work(code=3)
    team.run("settle", "drop", "bridge/open", "x-en", "--reason", "Too late", who="dana")
    team.work()
    assert team.said() == []
    assert team.unsettled() == []


def test_a_second_worker_refuses_to_start(approved: Approved) -> None:
    team = approved(TEXT)
    first = team.start("work")
    wait_until(lambda: team.said() == [SAID], "the first one published")
    second = team.run("work", "--until-idle", code=5)
    assert "Another worker with this journal is running" in second.err
    first.kill()
    first.wait()


def test_without_its_journal_a_worker_publishes_nothing(approved: Approved) -> None:
    team = approved(TEXT)
    shutil.rmtree(team.folder / "journal")
    worked = team.work(code=5)
    assert "journal" in worked.err
    assert team.said() == []


@pytest.mark.parametrize("work_goes_on", [False, True])
def test_an_older_copy_of_the_database_is_not_published_from(
    approved: Approved, network: Network, work_goes_on: bool
) -> None:
    team = approved(TEXT)
    shutil.copy(team.folder / DATABASE, team.folder / "older.db")
    team.work()
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (team.folder / name).unlink(missing_ok=True)
    shutil.copy(team.folder / "older.db", team.folder / DATABASE)
    if work_goes_on:  # its change number overtakes the one that the journal saw
        for _ in range(4):
            team.run("hold", "release", hold(team, "--kind", "crisis"), who="dana")
    worked = team.work(code=5)
    assert "older than the publishing journal" in worked.err
    assert team.said() == [SAID]


def test_a_hold_that_a_restored_database_forgot_is_not_forgotten(approved: Approved) -> None:
    team = approved(TEXT)
    shutil.copy(team.folder / DATABASE, team.folder / "older.db")
    hold(team, "--everything")
    team.work()
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (team.folder / name).unlink(missing_ok=True)
    shutil.copy(team.folder / "older.db", team.folder / DATABASE)
    team.work(code=5)
    assert team.said() == []


def test_told_to_stop_a_worker_ends_the_call_under_way_and_keeps_its_answer(
    approved: Approved, network: Network
) -> None:
    team = approved(THREAD)
    network.fault("slow", after=1, seconds=1)
    worker = team.start("work")
    wait_until(lambda: team.said() == PARTS[:2], "the second part was accepted")
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait().code == 0
    live = [line["part"] for line in team.history("bridge/story") if line["target"] == "live"]
    assert len(live) == len(team.said())
    team.work()
    assert team.said() == PARTS


def test_what_somebody_approved_does_not_go_out_once_they_may_not_approve_any_more(
    approved: Approved,
) -> None:
    team = approved(TEXT)
    team.run("people", "change", "rana", "--role", "duty", who="admin")
    worked = team.work()
    assert team.said() == []
    assert "the post is in review, not approved" in worked.err
    team.approve(TEXT, who="karim")
    team.work()
    assert team.said() == [SAID]


def test_withdrawn_in_the_middle_a_thread_ends_there(approved: Approved, network: Network) -> None:
    team = approved(THREAD)
    network.fault("slow", after=1, seconds=2)
    worker = team.start("work", "--until-idle")
    wait_until(lambda: team.said() == PARTS[:2], "the second part was accepted")
    with worker.standing_still():
        team.run("review", "withdraw", "bridge/story", who="amal")
    assert worker.wait().code == 3
    assert team.said() == PARTS[:2]
    assert team.unsettled() == [("partial", "bridge/story")]

"""Every way the network can fail, through the worker's process; the ledger judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.process.commands import wait_until, wait_until_past
from tests.process.network import Network
from tests.process.plans import PARTS, PICTURE, PICTURED, SAID, TEXT, THREAD
from tests.process.team import Plan, Team

pytestmark = pytest.mark.process
Approved = Callable[[Plan], Team]


@pytest.mark.parametrize("fault", ["answer_lost", "error_after", "malformed"])
def test_accepted_but_not_told_it_is_found_and_not_said_again(
    approved: Approved, network: Network, fault: str
) -> None:
    team = approved(TEXT)
    network.fault(fault)
    worked = team.work()
    assert "unconfirmed" in worked.err
    assert team.said() == [SAID]
    assert team.unsettled() == []


def test_no_answer_in_time_is_found_and_not_said_again(
    approved: Approved, network: Network
) -> None:
    team = approved(TEXT)
    network.fault("slow", seconds=3)
    worked = team.work(environment={"SOCIAL_SCHEDULER_READ_TIMEOUT": "1"})
    assert "did not answer within 1 s" in worked.err
    assert team.said() == [SAID]


@pytest.mark.parametrize("fault", ["error_before", "reset_before", "redirect"])
def test_what_is_nowhere_to_be_found_waits_for_a_person_and_is_never_repeated(
    approved: Approved, network: Network, fault: str
) -> None:
    team = approved(TEXT)
    network.fault(fault, location=f"{network.url}/2/tweets" if fault == "redirect" else None)
    worked = team.work(code=3)
    assert "1 unconfirmed" in worked.err
    [line] = team.ask("settle", "list")
    assert (line["state"], line["reference"]) == ("unconfirmed", "bridge/open")
    assert "a person has to decide" in line["trouble"]
    team.work(code=3)
    assert team.said() == []
    team.run("settle", "send-again", "bridge/open", "x-en", who="dana")
    team.work()
    assert team.said() == [SAID]


def test_a_rate_limit_inside_the_window_is_waited_for(approved: Approved, network: Network) -> None:
    team = approved(TEXT)
    network.fault("rate_limited", seconds=2)
    worked = team.work()
    assert "rate limited" in worked.err
    assert team.said() == [SAID]


@pytest.mark.parametrize("route", ["post", "me"])
def test_a_rate_limit_beyond_the_window_is_missed_at_once(
    approved: Approved, network: Network, route: str
) -> None:
    team = approved(replace(TEXT, late="30 minutes"))
    network.fault("rate_limited", route=route, seconds=3600)
    team.work()
    assert team.unsettled() == [("missed", "bridge/open")]
    assert team.said() == []


def test_a_refused_reply_leaves_the_thread_partial_for_a_person(
    approved: Approved, network: Network
) -> None:
    team = approved(THREAD)
    network.fault("reply_forbidden", after=1)
    worked = team.work(code=3)
    assert "Reply to this conversation is not allowed" in worked.err
    assert team.unsettled() == [("partial", "bridge/story")]
    assert team.said() == PARTS[:2]
    team.run("settle", "send-again", "bridge/story", "x-en", who="dana")
    team.work()
    assert team.said() == PARTS


@pytest.mark.parametrize("route", ["post", "me"])
def test_refused_keys_suspend_the_account_until_it_is_connected_again(
    approved: Approved, network: Network, route: str
) -> None:
    team = approved(TEXT)
    network.fault("unauthorized", route=route)
    worked = team.work()
    assert team.said() == []
    assert "X does not accept this account's keys" in worked.err
    states = {a["name"]: a["state"] for a in team.ask("accounts", "list")}
    assert states == {"x-en": "suspended", "x-ar": "connected"}
    team.run("accounts", "connect", "x-en", who="admin")
    team.work()
    assert team.said() == [SAID]


def test_a_picture_that_cannot_be_handed_over_is_handed_over_later(
    approved: Approved, network: Network
) -> None:
    team = approved(PICTURE)
    network.fault("error_before", route="media")
    team.work()
    assert team.said() == [PICTURED]


def test_a_refused_connection_is_postponed_until_the_network_is_back(
    approved: Approved, network: Network
) -> None:
    team = approved(TEXT)
    network.stop()
    worker = team.start("work", "--until-idle")
    wait_until(lambda: "refused or out of reach" in worker.said(), "the connection was refused")
    network.start()
    assert worker.wait().code == 0
    assert team.said() == [SAID]


def test_a_name_that_cannot_be_looked_up_is_postponed_until_it_can(
    approved: Approved, tmp_path: Path
) -> None:
    team = approved(TEXT)
    down = tmp_path / "resolver-is-down"
    down.touch()
    (tmp_path / "sitecustomize.py").write_text(RESOLVER.format(down=str(down)), encoding="utf-8")
    broken = {"PYTHONPATH": str(tmp_path)}
    worker = team.start("work", "--until-idle", fresh=True, environment=broken)
    wait_until(lambda: "could not be looked up" in worker.said(), "the name was not found")
    down.unlink()
    assert worker.wait().code == 0
    assert team.said() == [SAID]


def test_a_window_that_closes_while_the_network_is_away_is_missed(
    team: Team, network: Network
) -> None:
    plan = replace(TEXT, closes=2)
    due = team.queued(plan)
    team.approve(plan)
    network.stop()
    team.work()
    wait_until_past(due + timedelta(seconds=2))
    team.work()
    network.start()
    team.work()
    assert team.said() == []
    assert team.unsettled() == [("missed", "bridge/open")]
    refused = team.run("settle", "send-again", "bridge/open", "x-en", who="dana", code=1)
    assert "expires at" in refused.err
    assert team.said() == []


RESOLVER = """\
# Loaded by Python at its start: this machine's resolver is down while a file is there.
import os
import socket

_look_up = socket.getaddrinfo


def _down(*arguments, **options):
    if os.path.exists({down!r}):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _look_up(*arguments, **options)


socket.getaddrinfo = _down
"""

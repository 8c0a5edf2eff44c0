"""`social-scheduler watch` as its own process: what is wrong reaches people, once, and only reads."""

from __future__ import annotations

import base64
import hmac
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.alarms.servers import Receiver, receiver
from tests.process.commands import Started, wait_until
from tests.process.plans import SAID, TEXT
from tests.process.team import Plan, Team, in_seconds

pytestmark = pytest.mark.process
Approved = Callable[[Plan], Team]
KEY = b"thirty-two bytes, more or less.."


def approved_soon(team: Team) -> None:
    """A post that is approved and due in ten minutes, and no worker runs."""
    team.write(TEXT, due=in_seconds(600))
    team.run("queue", who="amal")
    team.approve(TEXT)


def listen(team: Team, at: Receiver) -> None:
    """Set the workspace up so that alarms are posted there."""
    settings = team.folder / "settings.toml"
    with settings.open("a", encoding="utf-8") as file:
        file.write(f'watch_webhook_url = "{at.url}"\n')
    secret = team.folder / "vault" / "watch-webhook-secret"
    secret.touch(0o600)
    secret.write_text(f"whsec_{base64.b64encode(KEY).decode()}\n", encoding="utf-8")


@contextmanager
def watching(team: Team) -> Iterator[Started]:
    """A watch that runs while the block does, and ends as it should."""
    started = team.start("watch", "--every", "1")
    try:
        yield started
    finally:
        os.kill(started.pid, signal.SIGTERM)
        assert started.wait().code == 0, started.said()


def told(at: Receiver) -> list[dict[str, Any]]:
    """What was posted, each with a signature that holds."""
    for request in list(at.requests):
        headers = request.headers
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
        digest = base64.b64encode(hmac.digest(KEY, content, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
    return [json.loads(request.body)["data"] for request in list(at.requests)]


def test_where_nothing_is_due_all_is_well_without_a_worker_or_a_sign_in(team: Team) -> None:
    assert team.run("watch", "--once", fresh=True).out.strip() == "All is well."
    assert team.run("watch", "--once", "--json").json() == {"ok": True, "alarms": [], "holds": []}


def test_what_is_wrong_is_printed_and_is_exit_code_3(team: Team) -> None:
    approved_soon(team)
    team.run("hold", "add", "--everything", "--reason", "attack reported", who="dana")

    shown = team.run("watch", "--once", code=3)
    said = team.run("watch", "--once", "--json", code=3).json()

    words = " ".join(shown.out.split())
    assert "no worker is publishing, and something approved is due" in words
    assert "attack reported" in words
    assert [a["cause"] for a in said["alarms"]] == ["no-worker"]
    assert said["ok"] is False
    assert not (team.folder / "watch.json").exists()


def test_an_alarm_and_its_end_are_posted_once_also_after_a_restart(team: Team) -> None:
    approved_soon(team)
    with receiver() as at:
        listen(team, at)
        with watching(team) as first:
            wait_until(lambda: len(told(at)) == 1, "the alarm was posted")
            said = first.said()
        with watching(team):
            team.run("review", "withdraw", "bridge/open", "--reason", "not now", who="amal")
            wait_until(lambda: len(told(at)) == 2, "its end was posted")

    alarm, end = told(at)
    assert ([a["cause"] for a in alarm["new"]], alarm["over"]) == (["no-worker"], [])
    assert (end["new"], [o["cause"] for o in end["over"]]) == ([], ["no-worker"])
    assert "ALARM no worker is publishing" in said
    everything = b"".join(r.body for r in at.requests).decode() + said
    assert SAID not in everything
    assert base64.b64encode(KEY).decode() not in everything


def test_one_watch_is_enough(team: Team) -> None:
    with watching(team) as first:
        wait_until(lambda: "Watching" in first.said(), "it watches")
        assert "Another watch runs" in team.run("watch", code=5).err


def test_a_lost_database_is_an_alarm_and_another_folder_a_slip_of_the_pen(team: Team) -> None:
    (team.folder / "social-scheduler.db").rename(team.folder / "away.db")
    [alarm] = team.run("watch", "--once", "--json", code=3).json()["alarms"]
    assert alarm["cause"] == "database"

    nowhere = {"SOCIAL_SCHEDULER_WORKSPACE": str(team.folder / "campaigns")}
    team.run("watch", "--once", environment=nowhere, code=5)


def test_a_test_goes_out_by_every_way(team: Team) -> None:
    assert "nowhere to send" in team.run("watch", "--test", code=1).err
    with receiver() as at:
        listen(team, at)
        team.run("watch", "--test")
        at.script = [500]
        assert "answered 500" in team.run("watch", "--test", code=1).err
    assert [a["cause"] for data in told(at) for a in data["new"]] == ["test", "test"]


def test_a_secret_that_others_can_read_is_refused_before_anything_is_watched(team: Team) -> None:
    with receiver() as at:
        listen(team, at)
        (team.folder / "vault" / "watch-webhook-secret").chmod(0o644)
        refused = team.run("watch", code=5)
    assert "can be read by others" in refused.err

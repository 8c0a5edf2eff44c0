"""The restore drill, by commands: the database is destroyed, and nothing is said twice."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.process.network import Network
from tests.process.plans import TEXT
from tests.process.team import Plan, Team

pytestmark = pytest.mark.process


def plan(name: str, *posts: str) -> Plan:
    """A campaign of short posts: each says its own name."""
    written = [{"id": post, "text": {"en": f"News of {name}: {post}."}} for post in posts]
    return replace(TEXT, posts=written, name=name)


def said(name: str, post: str) -> str:
    return f"News of {name}: {post}."


def destroy(team: Team) -> None:
    for file in team.folder.glob("social-scheduler.db*"):
        file.unlink()


def restore(team: Team, file: Path) -> dict[str, Any]:
    """Put the backup back, sign in again, and reconcile."""
    team.run("restore", str(file))
    for name in ("dana", "admin"):
        team.run("login", name, who=name)
    told: dict[str, Any] = team.ask("reconcile")
    return told


def test_the_drill(team: Team, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    first, second = plan("first", "a"), plan("second", "b", "c")
    third, fourth = plan("third", "d"), plan("fourth", "e")
    team.queued(first)
    team.approve(first)
    team.work()
    for each in (second, third, fourth):
        team.queued(each)
        team.approve(each)
    team.run("backup", str(file))

    for name in ("third", "fourth"):
        team.run("hold", "add", "--campaign", name, "--reason", f"No {name}", who="dana")
    team.run("review", "withdraw", "second/c", who="amal")
    team.work()
    assert team.said() == [said("first", "a"), said("second", "b")]

    destroy(team)
    told = restore(team, file)
    assert told["gaps"] == []
    assert [line.split(": published")[0] for line in told["learned"]] == ["second/b part 1 to x-en"]
    assert len(told["stopped"]) == 3, "two holds and a withdrawal"
    assert {each["post"] for each in told["overdue"]} == {"third/d", "fourth/e"}
    holds = team.ask("hold", "list")
    assert {hold["reason"] for hold in holds if hold["placed_by"] == "dana"} >= {
        "No third",
        "No fourth",
    }
    team.work()
    assert len(team.said()) == 2, "held, item by item"
    [view] = team.ask("review", "show", "second/c")
    assert view["line"]["state"] == "withdrawn"

    for hold in holds:
        if hold["reason"] != "No third":
            team.run("hold", "release", str(hold["id"]), who="dana")
    for state, reference in team.unsettled():
        if reference == "fourth/e":
            assert state == "missed"
            team.run("settle", "send-again", reference, "x-en", who="dana")
    team.work()
    assert team.said() == [said("first", "a"), said("second", "b"), said("fourth", "e")]
    assert team.ask("reconcile")["nothing"]


def test_what_was_queued_after_the_backup_is_a_gap_until_a_person_settles_it(
    team: Team, network: Network, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    team.run("backup", str(file))
    lost = plan("lost", "a")
    team.queued(lost)
    team.approve(lost)
    team.work()
    destroy(team)
    [gap] = restore(team, file)["gaps"]
    assert gap.startswith("lost/a part 1 to x-en: published http")
    for name in ("amal", "rana"):
        team.run("login", name, who=name)
    team.queued(lost)
    team.approve(lost)
    assert "(gap 1)" in team.work().err
    assert team.said() == [said("lost", "a")]
    [listed] = team.ask("reconcile", "list")
    options = ["--they-are-live", listed["url"]]
    team.run("reconcile", "settle", str(listed["id"]), *options, who="dana")
    team.work()
    assert team.said() == [said("lost", "a")]
    assert team.ask("reconcile", "list") == []


def test_a_worker_does_not_start_in_a_copy_that_was_put_back(team: Team, tmp_path: Path) -> None:
    """Put back without our command: the file itself, as a snapshot would."""
    first = plan("first", "a")
    team.queued(first)
    team.approve(first)
    copy = tmp_path / "copy.db"
    shutil.copy(team.folder / "social-scheduler.db", copy)
    wal = team.folder / "social-scheduler.db-wal"
    if wal.exists():
        shutil.copy(wal, tmp_path / "copy.db-wal")
    team.work()
    destroy(team)
    for name in ("", "-wal"):
        if (tmp_path / f"copy.db{name}").exists():
            shutil.copy(tmp_path / f"copy.db{name}", team.folder / f"social-scheduler.db{name}")
    refused = team.work(code=5)
    assert "social-scheduler reconcile" in refused.err
    assert len(team.ask("reconcile")["learned"]) == 1
    team.work()
    assert team.said() == [said("first", "a")]


def test_a_second_host_begins_with_everything_held(
    team: Team, network: Network, tmp_path: Path
) -> None:
    first = plan("first", "a")
    file = tmp_path / "backup.tar.gz"
    team.queued(first)
    team.approve(first)
    team.run("backup", str(file))
    other = Team(tmp_path / "other", network)
    other.folder.mkdir()
    shutil.copy(team.folder / "settings.toml", other.folder)
    shutil.copytree(team.folder / "keys", other.folder / "keys")
    other.run("restore", str(file))
    for name in ("dana", "admin"):
        other.run("login", name, who=name)
    assert other.work(code=5).err.count("journal")
    other.run("worker", "enrol", "second", who="admin")
    other.work("--name", "second")
    assert other.said() == []
    [everything] = other.ask("hold", "list")
    other.run("hold", "release", str(everything["id"]), who="dana", code=1)
    told = other.run("worker", "lost", "worker", "--yes", "--json", who="admin").json()
    assert told["missing"] == []
    assert "second" in [line["name"] for line in other.ask("worker", "list")]
    assert [path.name for path in (other.folder / "journal").iterdir()] == ["second.jsonl"]

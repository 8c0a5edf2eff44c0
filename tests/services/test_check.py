"""Checking campaign files against a workspace, and planning what they say, byte by byte."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from social_scheduler.errors import InvalidCampaign, InvalidInput
from social_scheduler.message import Message
from social_scheduler.planning import PlannedPost
from social_scheduler.services import enqueue
from social_scheduler.services.check import check, find_files, plan
from tests.services.desk import Desk

ACCOUNTS = """\
accounts:
  - name: x-en
    platform: x
    handle: ExampleEN
    language: en
  - name: x-ar
    platform: x
    handle: ExampleAR
    language: ar
"""
POLICY = "rules:\n  - approvals: 1\n"
CAMPAIGN = """\
campaign: week
kind: spotlight
title: "The week"
owner: amal
timezone: Asia/Baghdad
to: [x-en, x-ar]
media:
  loom:
    file: loom.png
    alt:
      en: |
        A loom.
      ar: |
        نول.
posts:
  - id: opening
    at: 2027-01-12 10:30
    media: [loom]
    text:
      en: |
        Good morning
      ar: |
        صباح الخير
"""


@pytest.fixture
def folder(desk: Desk) -> Path:
    folder = desk.context.root / "campaigns"
    folder.mkdir(exist_ok=True)
    (folder / "accounts.yaml").write_text(ACCOUNTS, "utf-8")
    (folder / "policy.yaml").write_text(POLICY, "utf-8")
    (folder / "week.yaml").write_text(CAMPAIGN, "utf-8")
    Image.new("RGB", (40, 30), "red").save(folder / "loom.png")
    return folder


def connect(desk: Desk) -> None:
    desk.account("x-en", "en", platform="x", handle="ExampleEN", native_id="1")
    desk.account("x-ar", "ar", platform="x", handle="ExampleAR", native_id="2")


def planned(desk: Desk) -> list[PlannedPost]:
    files = find_files([], desk.context.root)
    outcome = check(files, now=desk.clock(), context=desk.context)
    assert outcome.report.errors == []
    ((facts, posts),) = plan(desk.context, outcome)
    enqueue.enqueue(desk.context, desk.actor("amal"), facts, posts)
    return posts


def test_a_sound_file_is_planned_to_the_byte(desk: Desk, folder: Path) -> None:
    connect(desk)

    (post,) = planned(desk)

    assert (post.campaign, post.key, post.wall) == ("week", "opening", "2027-01-12 10:30")
    assert f"{post.window.due_at:%Y-%m-%d %H:%M}" == "2027-01-12 07:30"
    assert post.place == "week.yaml:16"
    said = {m.speaker.name: Message.from_canonical(m.body) for m in post.messages}
    assert said["x-ar"].parts[0].text == "صباح الخير"
    assert said["x-en"].account == "1"
    picture = said["x-en"].media[0]
    assert picture.alt == "A loom."
    with desk.context.media.verified_open(picture.sha256) as file:
        assert file.read(4) == b"\x89PNG"


def test_planning_the_same_file_again_gives_the_same_bytes(desk: Desk, folder: Path) -> None:
    connect(desk)

    assert planned(desk) == planned(desk)
    assert desk.steps().count("submit") == 1


def test_a_mistake_stops_the_planning_of_everything(desk: Desk, folder: Path) -> None:
    connect(desk)
    (folder / "week.yaml").write_text(CAMPAIGN.replace("owner: amal", "owner: mallory"), "utf-8")
    outcome = check(find_files([], desk.context.root), now=desk.clock(), context=desk.context)

    (finding,) = outcome.report.errors
    assert (finding.file, finding.line) == ("week.yaml", 4)
    assert "mallory" in finding.problem
    with pytest.raises(InvalidCampaign):
        list(plan(desk.context, outcome))


def test_without_a_workspace_people_are_not_looked_up(desk: Desk, folder: Path) -> None:
    (folder / "week.yaml").write_text(CAMPAIGN.replace("owner: amal", "owner: mallory"), "utf-8")

    assert check(find_files([folder], folder), now=desk.clock()).report.errors == []


def test_an_account_that_is_not_connected_is_told(desk: Desk, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="accounts connect x-en"):
        planned(desk)


@pytest.mark.parametrize("values", [{"handle": "Other"}, {"language": "fr"}, {"platform": "wire"}])
def test_an_account_connected_as_something_else_is_told(
    desk: Desk, folder: Path, values: dict[str, str]
) -> None:
    connect(desk)
    desk.account(
        "x-en",
        **{"language": "en", "platform": "x", "handle": "ExampleEN", "native_id": "1", **values},
    )
    with pytest.raises(InvalidInput, match="but it was connected with"):
        planned(desk)


def test_a_file_that_is_queued_already_may_be_past(desk: Desk, folder: Path) -> None:
    connect(desk)
    planned(desk)
    desk.clock.forward(days=30)

    planned(desk)

    (folder / "week.yaml").write_text(CAMPAIGN.replace("id: opening", "id: other"), "utf-8")
    outcome = check(find_files([], desk.context.root), now=desk.clock(), context=desk.context)
    assert [f.line for f in outcome.report.errors] == [17]


def test_files_are_found_below_the_folder_that_has_accounts(desk: Desk, folder: Path) -> None:
    (folder / "deeper").mkdir()
    (folder / "deeper/more.yaml").write_text(CAMPAIGN, "utf-8")

    assert find_files([folder / "deeper"], folder).root == folder.resolve()
    assert len(find_files([folder, folder / "week.yaml"], folder).paths) == 2
    with pytest.raises(InvalidInput, match="There is no"):
        find_files([folder / "none.yaml"], folder)


def test_a_folder_without_accounts_is_told(tmp_path: Path) -> None:
    (tmp_path / "week.yaml").write_text(CAMPAIGN, "utf-8")
    with pytest.raises(InvalidInput, match=r"no accounts\.yaml"):
        find_files([tmp_path / "week.yaml"], tmp_path)


def test_a_server_of_a_network_that_has_one_address_is_a_mistake(desk: Desk, folder: Path) -> None:
    said = ACCOUNTS.replace(
        "handle: ExampleEN", "handle: ExampleEN\n    server: https://evil.example"
    )
    (folder / "accounts.yaml").write_text(said, "utf-8")

    outcome = check(find_files([folder], folder), now=desk.clock(), context=desk.context)

    [finding] = outcome.report.findings
    assert (finding.file, finding.line) == ("accounts.yaml", 5)
    assert finding.problem == "X is at https://api.x.com only"


@pytest.mark.parametrize("name", ["quote", "repost"])
def test_a_post_of_the_sandbox_is_known_in_its_rehearsal_alone(
    desk: Desk, folder: Path, name: str
) -> None:
    address = f"{desk.context.sandbox_url}/i/web/status/1234567890123456789"
    said = "text:\n      en: A\n      ar: B\n".replace("A", '"Hear them."').replace(
        "B", '"أنصتوا."'
    )
    post = f"repost: {address}\n" if name == "repost" else f"quote: {address}\n    {said}"
    source = (
        CAMPAIGN.partition("media:\n  loom")[0]
        + f"posts:\n  - id: q\n    at: 2027-01-12 10:30\n    {post}"
    )
    (folder / "week.yaml").write_text(source, "utf-8")
    now, files = desk.clock(), find_files([], desk.context.root)

    assert check(files, now=now, context=desk.context).report.errors == []
    live = dataclasses.replace(desk.context, kind="live")
    for found in (check(files, now=now), check(files, now=now, context=live)):
        told = str(found.report.errors[0])
        assert "leads to one machine alone" in told
        assert "write https://" not in told

"""What is queued of a film: the copy that is sent, its sides and length, and its captions."""

from __future__ import annotations

from pathlib import Path

import pytest

from social_scheduler.errors import InvalidInput
from social_scheduler.media.store import read_captions
from social_scheduler.message import Attachment, Message
from social_scheduler.services.check import check, find_files, plan
from tests.media import filming
from tests.services.desk import Desk

CAMPAIGN = """\
campaign: week
kind: spotlight
title: "The week"
owner: amal
timezone: Asia/Baghdad
to: [x-en, telegram-en]
media:
  loom:
    file: loom.mp4
    captions: {en: loom.vtt}
    alt:
      en: |
        A loom.
posts:
  - id: opening
    at: 2027-01-12 10:30
    media: [loom]
    text:
      en: |
        Good morning
"""
ACCOUNTS = """\
accounts:
  - {name: x-en, platform: x, handle: ExampleEN, language: en}
  - {name: telegram-en, platform: telegram, handle: ExampleEN, language: en}
"""
WORDS = "WEBVTT\n\nNOTE mine\n\n00:00.000 --> 00:00.900\nHello\n"


@pytest.fixture
def folder(desk: Desk) -> Path:
    folder = desk.context.root / "campaigns"
    folder.mkdir(exist_ok=True)
    (folder / "accounts.yaml").write_text(ACCOUNTS, "utf-8")
    (folder / "policy.yaml").write_text("rules:\n  - approvals: 1\n", "utf-8")
    (folder / "week.yaml").write_text(CAMPAIGN, "utf-8")
    (folder / "loom.vtt").write_text(WORDS, "utf-8")
    filming.film(folder / "loom.mp4", size=(64, 48), said=filming.SECRETS)
    desk.account("x-en", "en", platform="x", handle="ExampleEN", native_id="1")
    desk.account("telegram-en", "en", platform="telegram", handle="ExampleEN", native_id="2")
    return folder


def attached(desk: Desk, told: list[tuple[Path, float]] | None = None) -> dict[str, Attachment]:
    outcome = check(find_files([], desk.context.root), now=desk.clock(), context=desk.context)
    assert outcome.report.errors == []
    progress = None if told is None else (lambda path, share: told.append((path, share)))
    ((_, (post,)),) = plan(desk.context, outcome, progress=progress)
    said = {m.speaker.platform: Message.from_canonical(m.body) for m in post.messages}
    return {name: message.media[0] for name, message in said.items()}


def test_a_film_is_queued_with_its_sides_its_length_and_its_captions(
    desk: Desk, folder: Path
) -> None:
    told: list[tuple[Path, float]] = []
    media = attached(desk, told)
    film = media["x"]
    assert (film.type, film.width, film.height, film.milliseconds) == ("video/mp4", 64, 48, 1000)
    assert film.moves
    assert film.captions
    assert film.captions.language == "en"
    with desk.context.media.verified_open(film.captions.sha256) as words:
        assert words.read() == read_captions(folder / "loom.vtt").written()
    assert [path.name for path, _ in told][:1] == ["loom.mp4"]


def test_where_no_captions_are_taken_none_are_queued(desk: Desk, folder: Path) -> None:
    media = attached(desk)
    assert media["telegram"].captions is None
    assert media["telegram"].sha256 == media["x"].sha256


def test_what_cannot_be_copied_is_told_with_its_name(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = check(find_files([], desk.context.root), now=desk.clock(), context=desk.context)
    (folder / "loom.mp4").write_bytes((folder / "loom.mp4").read_bytes()[:-500])
    with pytest.raises(InvalidInput) as error:
        list(plan(desk.context, outcome))
    assert "campaigns/loom.mp4 cannot be used: it is damaged or cut short." in error.value.problem
    assert error.value.remedy.startswith("Export the film again")

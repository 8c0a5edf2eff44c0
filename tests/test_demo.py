"""The demo: the whole path by the public commands, judged by the rehearsal network's ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from social_scheduler.campaign.checks import campaign_files, check_folder
from social_scheduler.cli.demo_files import copy_samples
from social_scheduler.cli.demo_judge import Said, judge
from social_scheduler.media import inspect
from social_scheduler.platforms import limits

NOW = datetime(2027, 3, 10, 15, 4, 5, tzinfo=UTC)


@pytest.mark.process
@pytest.mark.timeout(180)
def test_demo_once_publishes_what_was_approved_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SOCIAL_SCHEDULER_")}

    done = subprocess.run(
        [sys.executable, "-m", "social_scheduler", "demo", "--once", "--keep", str(folder)],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "exactly what was approved, each once" in done.stderr) == (0, True), (
        done.stdout + done.stderr
    )
    for handle in (
        "@CoalitionDemoAR",
        "@en.coalition-demo.example",
        "@coalition_fr",
    ):
        assert handle in done.stdout
    for network in ("x", "bluesky", "mastodon", "telegram"):
        assert f" on {network}" in done.stderr
    assert (folder / "journal" / "worker.jsonl").exists()


def test_copied_samples_are_sound_at_the_new_date_and_begin_when_told(tmp_path: Path) -> None:
    first = NOW + timedelta(seconds=25)

    copied = copy_samples(tmp_path, now=NOW, first=first, soon=first + timedelta(minutes=5))

    report = check_folder(tmp_path, now=NOW, limits=limits(), inspect=inspect)
    assert report.errors == []
    assert len(copied) == len(campaign_files(tmp_path)) == 5
    for file in campaign_files(tmp_path):
        assert "at: 2027-03-10 15:04:30 UTC" in file.read_text(encoding="utf-8")
    story = (tmp_path / "life-after-daesh/campaign.yaml").read_text(encoding="utf-8")
    assert "at: 2027-03-10 15:09:30 UTC" in story
    assert "at: 2027-03-10 15:10:30 UTC" in story


def entry(text: str, **more: object) -> dict[str, object]:
    """A post as `sandbox ledger --json` tells it."""
    plain = {"network": "x", "account": "handle", "text": text, "media": [], "extra": {}}
    return plain | more


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([], "approved but not published"),
        ([entry("words"), entry("words")], "published but not approved, or twice"),
        ([entry("other")], "published but not approved, or twice"),
        ([entry("words", network="mastodon")], "approved but not published: x @handle"),
        ([entry("words", extra={"warning": "Sad"})], "published but not approved"),
    ],
)
def test_the_judge_tells_what_is_missing_doubled_or_different(
    said: list[dict[str, object]], told: str
) -> None:
    assert any(told in difference for difference in judge([Said("x", "handle", "words")], said))


def test_the_judge_is_content_with_each_part_once() -> None:
    wanted = Said("x", "handle", "words", (("0" * 64, "A picture", ""),))
    media = [{"sha256": "0" * 64, "alt_text": "A picture", "kind": "picture"}]

    assert judge([wanted], [entry("words", media=media)]) == []


def test_the_judge_compares_a_cards_title_and_picture() -> None:
    wanted = Said("bluesky", "handle", "words", card=("Title", "0" * 64))
    media = [{"sha256": "0" * 64, "alt_text": None, "kind": "card"}]
    same = entry("words", network="bluesky", media=media, extra={"card": {"title": "Title"}})

    assert judge([wanted], [same]) == []
    assert judge([wanted], [same | {"extra": {"card": {"title": "Other"}}}]) != []

"""The demo: the whole path by the public commands, judged by the rehearsal network's ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from social_scheduler.campaign.checks import campaign_files, check_folder
from social_scheduler.cli.demo import Expected, judge
from social_scheduler.cli.demo_files import copy_samples
from social_scheduler.media.pictures import inspect
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
    assert "@CoalitionDemoAR" in done.stdout
    assert (folder / "journal" / "worker.jsonl").exists()


def test_copied_samples_are_sound_at_the_new_date_and_begin_when_told(tmp_path: Path) -> None:
    first = NOW + timedelta(seconds=25)

    copied = copy_samples(tmp_path, now=NOW, first=first, soon=first + timedelta(minutes=5))

    report = check_folder(tmp_path, now=NOW, limits=limits(), inspect=inspect)
    assert report.errors == []
    assert len(copied) == len(campaign_files(tmp_path)) == 5
    for file in campaign_files(tmp_path):
        assert "at: 2027-03-10 15:04:30 UTC" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([], "approved but not published"),
        (["words", "words"], "published but not approved, or twice"),
        (["other"], "published but not approved, or twice"),
    ],
)
def test_thejudge_tells_what_is_missing_doubled_or_different(said: list[str], told: str) -> None:
    expected = [Expected("handle", "words", (), NOW)]
    ledger = [{"account": "handle", "text": text, "media": []} for text in said]

    assert any(told in difference for difference in judge(expected, ledger))


def test_thejudge_is_content_with_each_part_once() -> None:
    expected = [Expected("handle", "words", (("0" * 64, "A picture"),), NOW)]
    media = [{"sha256": "0" * 64, "alt_text": "A picture"}]

    assert judge(expected, [{"account": "handle", "text": "words", "media": media}]) == []

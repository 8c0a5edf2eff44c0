"""A short run of the fault programme, as its own process; the whole of it is `dev.py trials`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
A_HANDFUL = ("--short", "--kills", "5", "--only", "random-kills")
ONE_PAIR = ("--short", "--pairs", "1", "--only", "crash-points")

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


def trials(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trials", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def test_after_a_handful_of_kills_every_promise_is_kept(database: str) -> None:
    done = trials("--database", database, *A_HANDFUL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "during a call" in done.stdout


def test_after_a_kill_at_a_named_moment_every_promise_is_kept() -> None:
    done = trials("--database", "sqlite", *ONE_PAIR)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_engine_that_does_not_read_its_journal_is_caught() -> None:
    done = trials("--mutation", "journal-not-read")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "caught in older-copy" in done.stdout


def test_it_says_what_there_is_to_try() -> None:
    listed = trials("--list").stdout
    assert all(name in listed for name in ("random-kills", "restores", "fence-not-checked"))


def test_a_trial_that_is_not_there_is_named() -> None:
    done = trials("--only", "luck")
    assert done.returncode == 2
    assert "no trial 'luck'" in done.stderr

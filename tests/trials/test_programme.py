"""A short run of the fault programme, as its own process; the whole of it is `dev.py trials`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHORT = ("crash-points", "random-kills", "answers-lost", "redirects", "holds-race")


def trials(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trials", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.process
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SHORT)
def test_a_sample_of_it_finds_every_promise_kept(name: str) -> None:
    done = trials("--database", "sqlite", "--short", "--kills", "6", "--only", name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_says_what_there_is_to_try() -> None:
    listed = trials("--list").stdout
    assert all(name in listed for name in SHORT)


def test_a_trial_that_is_not_there_is_named() -> None:
    done = trials("--only", "luck")
    assert done.returncode == 2
    assert "no trial 'luck'" in done.stderr

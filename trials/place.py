"""What was tried, and where: the commit, and the machine's cores and programs."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = ("trials/", "tests/", "docs/", "bench/")
"""Folders that are not what is tried."""


def commit() -> str:
    """The commit of the files that are tried; a + says that they were changed since."""
    head = _git("rev-parse", "--short", "HEAD").strip()
    changed = [line[3:] for line in _git("status", "--porcelain").splitlines()]
    return head + "+" * (head != "" and any(not path.startswith(OURS) for path in changed))


def machine() -> dict[str, str]:
    """What the figures depend on."""
    release = platform.release().partition("-")[0]
    return {
        "processor cores": str(os.cpu_count()),
        "system": f"{platform.system()} {release}, {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""

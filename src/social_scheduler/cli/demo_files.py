"""Copies the sample campaigns with their dates moved, so that a demo begins now.

All dates move by one whole number of weeks; the first post of each campaign moves to the
moment given, the others of a story to a few minutes later, and an embargo that would
stop a first post moves along.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from social_scheduler.campaign.checks import campaign_files
from social_scheduler.errors import WorkspaceError

DATED = re.compile(
    r"^(?P<key>\s*(?:- )?(?:at|week_of|embargo|expires|event): *)(?P<rest>.*)$", re.M
)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FIRST_AT = re.compile(r"^(?P<key>\s+at: *).*$", re.M)
EMBARGO = re.compile(r"^(?P<key>embargo: *).*$", re.M)


@dataclass(frozen=True, slots=True)
class Copied:
    """One sample as copied: its campaign's name and the post that goes out first."""

    campaign: str
    first: str


def samples() -> Path:
    """The folder of sample campaigns: in a checkout, or as installed."""
    package = Path(str(files("social_scheduler")))
    for folder in (package.parents[1] / "campaigns", package / "samples"):
        if (folder / "accounts.yaml").exists():
            return folder
    raise WorkspaceError("The sample campaigns are not here.", "Run the demo from a checkout.")


def copy_samples(target: Path, *, now: datetime, first: datetime, soon: datetime) -> list[Copied]:
    """Copy every sample into `target`, moved as the module says."""
    source = samples()
    shutil.copytree(
        source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    texts = {path: path.read_text(encoding="utf-8") for path in campaign_files(target)}
    days = [date.fromisoformat(d) for text in texts.values() for d in _days(text)]
    weeks = -((min(days) - now.date() - timedelta(days=2)).days // 7)
    copied = []
    for path, text in texts.items():
        moved = DATED.sub(lambda m: m["key"] + _moved(m["rest"], weeks), text)
        moved = EMBARGO.sub(rf"\g<key>{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC", moved)
        moved = FIRST_AT.sub(
            rf"\g<key>{first.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", moved, count=1
        )
        if "\nkind: story\n" in moved:
            moved = _others_at(moved, soon)
        path.write_text(moved, encoding="utf-8")
        copied.append(Copied(_named("campaign", moved), _named(r"\s+- id", moved)))
    return copied


def _others_at(text: str, moment: datetime) -> str:
    """All posts but the first, one a minute from this moment."""
    found = list(FIRST_AT.finditer(text))[1:]
    for number, match in reversed(list(enumerate(found))):
        at = moment.astimezone(UTC) + timedelta(minutes=number)
        written = f"{match['key']}{at:%Y-%m-%d %H:%M:%S} UTC"
        text = text[: match.start()] + written + text[match.end() :]
    return text


def _days(text: str) -> list[str]:
    return [day for match in DATED.finditer(text) for day in DAY.findall(match["rest"])]


def _moved(text: str, weeks: int) -> str:
    return DAY.sub(lambda m: str(date.fromisoformat(m[0]) + timedelta(weeks=weeks)), text)


def _named(key: str, text: str) -> str:
    found = re.search(rf"^{key}: *(\S+)", text, re.M)
    if found is None:
        raise WorkspaceError(f"A sample has no {key}.", "Restore the samples.")
    return found[1]

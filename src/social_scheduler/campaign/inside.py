"""Finds the file that a campaign names, and looks at nothing outside the campaign's folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from social_scheduler.campaign.mistakes import did_you_mean

_INSIDE = "copy the file into this campaign's folder and name it from there: media/workshop.jpg"


def inside(folder: Path, name: str) -> Path | tuple[str, str]:
    """The file of a name, or what is wrong with it; nothing outside the folder is looked at."""
    if "\\" in name:
        return "a path is written with / between folders", f"write {name.replace(chr(92), '/')}"
    if "://" in name:
        return "this is an address, and media are files", _INSIDE
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or name.startswith("~") or "\0" in name:
        return "the file lies outside the folder of this file", _INSIDE
    path = folder / pure
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            return "a link leads to a file outside the folder of this file", _INSIDE
    except (OSError, RuntimeError):
        return f"there is no file {name}", _near(folder, pure)
    return real if real.is_file() else (f"{name} is not a file", _INSIDE)


def _near(folder: Path, pure: PurePosixPath) -> str:
    try:
        names = [entry.name for entry in (folder / pure.parent).iterdir() if entry.is_file()]
    except (OSError, ValueError):
        names = []
    if not names:
        return "paths start in this file's folder: check the name"
    return did_you_mean(pure.name, names)

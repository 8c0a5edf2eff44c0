"""The file that a backup is: what is in it, and whether all of it is as it was written.

A .tar.gz with `manifest.json` first, then `tables/NAME.jsonl` (one JSON array a row, in the
manifest's columns; moments are microseconds since 1970 UTC, bytes are base64), then
`media/SHA-256`, the files that are uploaded.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from social_scheduler.errors import InvalidInput

FORMAT = 1
MANIFEST = "manifest.json"
TABLES = "tables/"
MEDIA = "media/"
LONGEST_MANIFEST = 64 << 20
CHUNK = 1 << 20

_MEMBER = re.compile(r"tables/[a-z_]+\.jsonl|media/[0-9a-f]{64}")

Progress = Callable[[str], None]


class Copied(BaseModel):
    """One table in a backup."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: list[str]
    rows: int
    sha256: str


class Manifest(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    version: str
    """The program that made it."""
    schema_revision: str
    workspace: str
    kind: str
    moment: str
    """ISO 8601, UTC: all of it is as it was then."""
    change: int
    """The number of the newest history row, and its digest."""
    mark: str
    tables: dict[str, Copied]
    media: list[str]
    damaged: list[str]
    """Files that were not as they should be when the backup was made; they are left out."""


def read_manifest(file: Path) -> Manifest:
    """What a backup says of itself; InvalidInput when it is none."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            first = archive.next()
            content = archive.extractfile(first) if first and first.name == MANIFEST else None
            if content is None:
                raise InvalidInput(f"{file} is no backup: {MANIFEST} is not in it.")
            return Manifest.model_validate_json(content.read(LONGEST_MANIFEST))
    except FileNotFoundError:
        raise InvalidInput(f"There is no file {file}.") from None
    except (OSError, EOFError, tarfile.TarError, ValidationError) as problem:
        raise _damaged(file, type(problem).__name__) from None


def check(file: Path, into: Path | None = None, progress: Progress = lambda _: None) -> Manifest:
    """Read a backup from end to end and compare every digest; keep its members below `into`.

    InvalidInput when anything is missing, more, or not as it was written.
    """
    manifest = read_manifest(file)
    expected = {f"{TABLES}{name}.jsonl": table.sha256 for name, table in manifest.tables.items()}
    expected |= {MEDIA + sha256: sha256 for sha256 in manifest.media}
    try:
        with tarfile.open(file, "r:gz") as archive:
            archive.next()
            while (member := archive.next()) is not None:
                content = archive.extractfile(member) if member.isreg() else None
                wanted = expected.pop(member.name, None)
                if content is None or wanted is None or not _MEMBER.fullmatch(member.name):
                    raise _damaged(file, f"{member.name} does not belong in it")
                if _copy(content, into and into / member.name) != wanted:
                    raise _damaged(file, f"{member.name} is not as it was written")
                progress(f"{member.name} is as it was written")
    except (OSError, EOFError, tarfile.TarError) as problem:
        raise _damaged(file, str(problem) or type(problem).__name__) from None
    if expected:
        raise _damaged(file, f"{min(expected)} is missing")
    return manifest


def _copy(content: IO[bytes], target: Path | None) -> str:
    digest = hashlib.sha256()
    if target is None:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("wb") as writer:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def _damaged(file: Path, what: str) -> InvalidInput:
    return InvalidInput(f"The backup {file} is damaged: {what}.", "Use another one.")

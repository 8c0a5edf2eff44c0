"""Backups: everything the database and the media folder hold at one moment, without secrets."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from social_scheduler import __version__
from social_scheduler.errors import Conflict, InvalidInput
from social_scheduler.media.store import MediaChanged
from social_scheduler.services.archive import (
    FORMAT,
    MANIFEST,
    MEDIA,
    TABLES,
    Copied,
    Manifest,
    Progress,
    check,
)
from social_scheduler.services.context import Context
from social_scheduler.store import copying
from social_scheduler.store.database import SCHEMA, Transaction
from social_scheduler.store.publishing import last_change, mark_of

KEPT = re.compile(r"[0-9a-f]{64}")

LEVEL = 3
"""Of gzip: most of it is text, and a backup is made often."""


def write_backup(context: Context, file: Path, progress: Progress = lambda _: None) -> Manifest:
    """Write a backup beside work that goes on; it has its name only when it was read back whole.

    For this user only. Keys and sign-ins are not in it; password hashes are, so that people
    can sign in after a restore.
    """
    if file.exists():
        raise Conflict(f"There is a file {file} already.", "Give another name.")
    if not file.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder {file.absolute().parent}.", "Make it first.")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        with contextlib.ExitStack() as files:
            with context.database.read() as tx:
                moment = context.now()  # before the look: never later than what is in it
                tables = {n: _table(tx, n, files, file.parent, progress) for n in copying.tables()}
                change = last_change(tx)
                mark = mark_of(tx, change) or ""
            media, damaged = _media(context)
            manifest = Manifest(
                format=FORMAT,
                version=__version__,
                schema_revision=SCHEMA,
                workspace=context.uid,
                kind=context.kind,
                moment=moment.astimezone(UTC).isoformat(),
                change=change,
                mark=mark,
                tables={name: copied for name, (copied, _) in tables.items()},
                media=media,
                damaged=damaged,
            )
            lines = {name: reader for name, (_, reader) in tables.items()}
            _write(context, draft, manifest, lines, moment, progress)
        progress("reading it back")
        check(draft)
        os.link(draft, file)  # fails, unlike a rename, when somebody made one meanwhile
    except FileExistsError:
        raise Conflict(f"There is a file {file} already.", "Give another name.") from None
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(file.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return manifest


def _table(
    tx: Transaction, name: str, files: contextlib.ExitStack, folder: Path, progress: Progress
) -> tuple[Copied, IO[bytes]]:
    """One table's lines in a file without a name: their length must be known beforehand."""
    lines: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (ended by `files`)
    files.enter_context(lines)
    digest, rows = hashlib.sha256(), 0
    for line in copying.lines(tx, name):
        digest.update(line)
        lines.write(line)
        rows += 1
        if rows % 100_000 == 0:
            progress(f"{name}: {rows:,} rows")
    lines.seek(0)
    return Copied(columns=copying.columns(name), rows=rows, sha256=digest.hexdigest()), lines


def _media(context: Context) -> tuple[list[str], list[str]]:
    """The kept files by SHA-256: whole ones, and those that are not as they should be."""
    whole, damaged = [], []
    kept = (context.root / "media").glob("[0-9a-f][0-9a-f]/*")
    for sha256 in sorted(path.name for path in kept if KEPT.fullmatch(path.name)):
        try:
            context.media.verified_open(sha256).close()
            whole.append(sha256)
        except MediaChanged:
            damaged.append(sha256)
    return whole, damaged


def _write(
    context: Context,
    draft: Path,
    manifest: Manifest,
    lines: dict[str, IO[bytes]],
    moment: datetime,
    progress: Progress,
) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=LEVEL) as archive:
            told = manifest.model_dump_json(indent=1).encode()
            _add(archive, MANIFEST, io.BytesIO(told), len(told), moment)
            for name, reader in lines.items():
                size = os.fstat(reader.fileno()).st_size
                _add(archive, f"{TABLES}{name}.jsonl", reader, size, moment)
            for number, sha256 in enumerate(manifest.media, start=1):
                with context.media.verified_open(sha256) as reader:
                    size = reader.seek(0, io.SEEK_END)
                    reader.seek(0)
                    _add(archive, MEDIA + sha256, reader, size, moment)
                if number % 100 == 0:
                    progress(f"{number:,} of {len(manifest.media):,} files")
        out.flush()
        os.fsync(out.fileno())


def _add(
    archive: tarfile.TarFile, name: str, content: IO[bytes], size: int, moment: datetime
) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(moment.timestamp())
    archive.addfile(member, content)

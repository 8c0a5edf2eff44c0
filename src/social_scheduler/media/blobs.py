"""Keeps files, each under the SHA-256 of its bytes, on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, cast

from social_scheduler.errors import WorkspaceError
from social_scheduler.media import headers

IN_MEMORY: Final = 16_000_000
"""Larger files are not held in memory."""
CHUNK: Final = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LEFTOVER = ".part"
_FORGOTTEN = 24 * 3600


class MediaChanged(WorkspaceError):
    """A stored file no longer has the bytes it is named for."""

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"The stored file {sha256[:12]}… was changed after it was approved.",
            "Restore it from a backup, or queue the post again from the original.",
        )
        self.sha256 = sha256


class Blobs:
    """Files by their SHA-256 below one directory. Safe to use from several threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._verified: dict[str, tuple[int, ...]] = {}

    def path(self, sha256: str) -> Path:
        """Where the file of this digest lies, or would lie."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256 in small hexadecimal digits")
        return self._root / sha256[:2] / sha256

    def exists(self, sha256: str) -> bool:
        """Whether there is a file of this digest; its bytes are not looked at."""
        return self.path(sha256).is_file()

    def put(self, data: bytes, kind: str) -> str:
        """Keeps these bytes and returns their SHA-256; they are on the disk when it returns."""
        if headers.kind_of(data) != kind:
            raise ValueError(f"these bytes are not {kind}")
        sha256 = hashlib.sha256(data).hexdigest()
        if not self._has(sha256):
            self._write(self.path(sha256), data)
        return sha256

    def keep(self, source: Path) -> str:
        """Keeps a copy of a whole file, however large, and returns its SHA-256."""
        with source.open("rb") as file, self.draft() as draft:
            if headers.kind_of(file.read(headers.SNIFFED)) is None:
                raise ValueError(f"{source.name} is no picture, film or captions")
            file.seek(0)
            while chunk := file.read(CHUNK):
                draft.write(chunk)
            return self.adopt(draft)

    @contextmanager
    def draft(self) -> Iterator[BinaryIO]:
        """A new file for this user only, to be filled and then adopted; else it is gone."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        part = self._root / f"{secrets.token_hex(16)}{_LEFTOVER}"
        try:
            with part.open("x+b") as file:
                part.chmod(0o600)
                yield file
        finally:
            part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what stopped processes left behind: a draft may be as large as a film."""
        for old in self._root.rglob(f"*{_LEFTOVER}"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - old.stat().st_mtime > _FORGOTTEN:
                    old.unlink()

    def adopt(self, draft: BinaryIO) -> str:
        """Keeps a filled draft under its SHA-256; it is on the disk when it returns."""
        draft.flush()
        draft.seek(0)
        sha256 = digest_of(draft)
        os.fsync(draft.fileno())
        if not self._has(sha256):
            target = self.path(sha256)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            Path(draft.name).replace(target)
            for directory in (target.parent, self._root):
                _sync(directory)
        return sha256

    def open(self, sha256: str) -> BinaryIO:
        """The file, open for reading. FileNotFoundError if it was never kept."""
        return self.path(sha256).open("rb")

    def verified_open(self, sha256: str) -> BinaryIO:
        """The file's bytes, at their start, after they were found to be those of the digest.

        They are a copy that nobody else can reach, in memory or (large ones) in a file without
        a name: what is read is what was hashed, even if somebody writes into the file meanwhile.
        Raises MediaChanged; FileNotFoundError if it was never kept.
        """
        with self.open(sha256) as file:
            own: BinaryIO
            if os.fstat(file.fileno()).st_size <= IN_MEMORY:
                own = BytesIO()
            else:
                own = cast(BinaryIO, tempfile.TemporaryFile(dir=self._root))  # noqa: SIM115
            digest = hashlib.sha256()
            try:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
                    own.write(chunk)
                if digest.hexdigest() != sha256:
                    raise MediaChanged(sha256)
                own.seek(0)
            except BaseException:
                own.close()
                raise
        return own

    def shown(self, sha256: str) -> BinaryIO:
        """The file itself, to be shown to people again and again in pieces.

        It is hashed when it was changed, or is first asked for. What is sent to a network comes
        from `verified_open`. Raises MediaChanged; FileNotFoundError if it was never kept.
        """
        file = self.open(sha256)
        try:
            seen = _identity(file)
            if self._verified.get(sha256) != seen:
                if digest_of(file) != sha256:
                    raise MediaChanged(sha256)
                if _identity(file) != seen:
                    raise MediaChanged(sha256)
                with self._lock:
                    self._verified[sha256] = seen
                file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _has(self, sha256: str) -> bool:
        """Whether these bytes are kept and whole; a damaged file is written again."""
        try:
            self.shown(sha256).close()
        except (FileNotFoundError, MediaChanged):
            return False
        return True

    def _write(self, target: Path, data: bytes) -> None:
        """The whole file or none of it, whenever the machine stops."""
        for directory in (self._root, target.parent):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{secrets.token_hex(8)}{_LEFTOVER}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        for directory in (target.parent, self._root):
            _sync(directory)


def digest_of(file: BinaryIO) -> str:
    """The SHA-256 of an open file from where it stands, never more than a piece in memory."""
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _identity(file: BinaryIO) -> tuple[int, ...]:
    """Changes with every write into the file, and when another takes its place."""
    seen = os.fstat(file.fileno())
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

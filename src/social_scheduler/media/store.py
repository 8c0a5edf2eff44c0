"""Keeps the files that will be uploaded, each under the SHA-256 of its bytes, on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import threading
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import PIL

from social_scheduler.errors import WorkspaceError
from social_scheduler.media import headers, pictures, pixels

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LEFTOVER = ".part"


class MediaChanged(WorkspaceError):
    """A stored file no longer has the bytes it is named for."""

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"The stored file {sha256[:12]}… was changed after it was approved.",
            "Restore it from a backup, or queue the post again from the original.",
        )
        self.sha256 = sha256


@dataclass(frozen=True, slots=True)
class Derivative:
    """The clean copy of a picture: what will be uploaded. Sizes in pixels and bytes.

    `location_removed`: the original said where it was taken; its author should know.
    """

    sha256: str
    kind: str
    width: int
    height: int
    bytes: int
    source_sha256: str
    location_removed: bool


class MediaStore:
    """Files by their SHA-256 below one directory. Safe to use from several threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._derivatives: dict[str, Derivative] = {}
        self._sources: dict[tuple[str, int, int, int, int], str] = {}

    def path(self, sha256: str) -> Path:
        """Where the file of this digest lies, or would lie."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256 in small hexadecimal digits")
        return self._root / sha256[:2] / sha256

    def exists(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def put(self, data: bytes, kind: str) -> str:
        """Keeps these bytes and returns their SHA-256; they are on the disk when it returns."""
        if headers.kind_of(data) != kind:
            raise ValueError(f"these bytes are not {kind}")
        sha256 = hashlib.sha256(data).hexdigest()
        target = self.path(sha256)
        if not (target.is_file() and target.read_bytes() == data):
            self._write(target, data)
        return sha256

    def open(self, sha256: str) -> BinaryIO:
        """The file, open for reading. FileNotFoundError if it was never kept."""
        return self.path(sha256).open("rb")

    def verified_open(self, sha256: str) -> BinaryIO:
        """The file's bytes, at their start, after they were found to be those of the digest.

        They are held in memory: what is read is what was hashed, even if somebody writes into
        the file meanwhile. Raises MediaChanged; FileNotFoundError if it was never kept.
        """
        data = self.path(sha256).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise MediaChanged(sha256)
        return BytesIO(data)

    def derive(self, source: Path, *, max_bytes: int, max_side: int) -> Derivative:
        """The clean copy of a picture within these limits, made once and kept.

        A picture used by many posts is read and encoded once. Raises PictureError.
        """
        with pictures.opened(source) as file:
            seen = os.fstat(file.fileno())
            identity = (str(source), seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
            with self._lock:
                digest = self._sources.get(identity)
                known = digest and self._derivatives.get(_key(digest, max_bytes, max_side))
            if known and self.exists(known.sha256):
                return known
            data = file.read(pictures.MAX_FILE_BYTES + 1)
        digest = hashlib.sha256(data).hexdigest()
        key = _key(digest, max_bytes, max_side)
        derivative = self._remembered(key) or self._make(data, digest, key, max_bytes, max_side)
        with self._lock:
            self._sources[identity] = digest
            self._derivatives[key] = derivative
        return derivative

    def _make(
        self, data: bytes, digest: str, key: str, max_bytes: int, max_side: int
    ) -> Derivative:
        original = pictures.inspect_file(BytesIO(data))
        copy, kind = pictures.clean_file(BytesIO(data), max_bytes=max_bytes, max_side=max_side)
        result = pictures.inspect_file(BytesIO(copy))
        derivative = Derivative(
            sha256=self.put(copy, kind),
            kind=kind,
            width=result.width,
            height=result.height,
            bytes=len(copy),
            source_sha256=digest,
            location_removed=original.has_location,
        )
        self._write(self._note(key), json.dumps(asdict(derivative), sort_keys=True).encode())
        return derivative

    def _remembered(self, key: str) -> Derivative | None:
        try:
            derivative = Derivative(**json.loads(self._note(key).read_bytes()))
            self.verified_open(derivative.sha256).close()
        except (OSError, ValueError, TypeError, MediaChanged):
            return None  # only ever a short cut: without it the copy is made again
        return derivative

    def _note(self, key: str) -> Path:
        return self._root / "derived" / f"{key}.json"

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


def _key(digest: str, max_bytes: int, max_side: int) -> str:
    parts = (digest, max_bytes, max_side, PIL.__version__, pixels.RECIPE)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

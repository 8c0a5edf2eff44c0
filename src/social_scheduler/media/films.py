"""Looks at films, and has the copies made that are published: always in a process apart."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final

from social_scheduler.media import apart, boxes, headers, pictures
from social_scheduler.media.apart import Progress
from social_scheduler.media.problems import FilmError

MAX_FILM_BYTES: Final = 2_000_000_000
MAX_COPY_BYTES: Final = 1_000_000_000
MAX_SIDE: Final = 1920
_LOOK_SECONDS = 120.0
_COPY_SECONDS = (120.0, 20.0, 7200.0)
"""At least, for each second of the film, at most."""
_EXPORT = "export the film again as MP4 (H.264 and AAC)"
_INSTALL = "run: pip install social-scheduler[video]"


@dataclass(frozen=True, slots=True)
class Film:
    """What looking through a film file tells. Sides in pixels, upright; `sounds`: soundtracks."""

    kind: str
    width: int
    height: int
    bytes: int
    milliseconds: int
    sounds: int
    has_location: bool
    has_metadata: bool
    moving: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """What a copy came to; `natural`: nothing was taken away to make it small enough."""

    width: int
    height: int
    milliseconds: int
    sounds: int
    natural: bool


def available() -> bool:
    """Whether films can be worked on here: PyAV comes with the extra `video`."""
    return importlib.util.find_spec("av") is not None


def is_film(path: Path) -> bool:
    """Whether a file begins as a film does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return headers.kind_of(file.read(headers.SNIFFED)) in headers.FILMS


def inspect(path: Path) -> Film:
    """What a film is, found by reading all of it; raises FilmError.

    The same file is looked through once, as long as the process lives.
    """
    seen = path.stat()
    return _inspected(path, (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))


@lru_cache(maxsize=256)
def _inspected(path: Path, identity: tuple[int, ...]) -> Film:
    with opened(path) as file:
        return inspect_file(file)


def opened(path: Path) -> BinaryIO:
    """The film, open for reading, if it is a plain file that is not too large."""
    if not path.is_file():
        raise FilmError(f"{path.name} is not a file", "check the name and where it lies")
    file = path.open("rb")
    size = os.fstat(file.fileno()).st_size
    if size > MAX_FILM_BYTES:
        file.close()
        raise FilmError(
            f"it has {size / 1e6:,.0f} MB, more than {MAX_FILM_BYTES / 1e6:,.0f}",
            "export it smaller",
        )
    return file


def inspect_file(file: BinaryIO) -> Film:
    """As `inspect`, of a file that is already open."""
    kind, size, said = _surveyed(file)
    _require_av()
    told = apart.work("look", file, {"kind": kind}, seconds=_LOOK_SECONDS)
    return Film(
        kind=kind,
        width=_count(told, "width"),
        height=_count(told, "height"),
        bytes=size,
        milliseconds=_count(told, "milliseconds"),
        sounds=_count(told, "sounds"),
        has_location=said.has_location or bool(told.get("has_location")),
        has_metadata=said.has_metadata or bool(told.get("has_metadata")),
    )


def copy(
    file: BinaryIO,
    out: BinaryIO,
    film: Film,
    *,
    max_bytes: int,
    max_side: int,
    natural: bool = True,
    progress: Progress | None = None,
) -> Made:
    """Write the copy of a film that is published into `out`; raises FilmError.

    MP4 with H.264 and AAC, nothing else in it, no side longer than `max_side`; without `natural`
    it is not tried first as good as it can be.
    """
    least, each, most = _COPY_SECONDS
    wish = {"kind": film.kind, "max_bytes": max_bytes, "max_side": max_side, "natural": natural}
    seconds = min(most, least + each * film.milliseconds / 1000)
    made = _made("copy", file, out, wish, seconds, progress)
    boxes.require_clean(out, os.fstat(out.fileno()).st_size)
    return made


def moving_picture(
    file: BinaryIO,
    out: BinaryIO,
    *,
    as_film: bool,
    max_bytes: int,
    max_side: int,
    progress: Progress | None = None,
) -> Made:
    """Write a moving picture anew into `out`, as GIF or as MP4; raises FilmError."""
    if as_film:
        _require_av()
    wish = {"max_bytes": max_bytes, "max_side": max_side}
    work = "gif-film" if as_film else "gif"
    made = _made(work, file, out, wish, _LOOK_SECONDS * 2, progress)
    if as_film:
        boxes.require_clean(out, os.fstat(out.fileno()).st_size)
    return made


def poster(file: BinaryIO, out: BinaryIO) -> None:
    """Write a JPEG of one picture of an MP4 of ours into `out`; raises FilmError."""
    _require_av()
    wish = {"kind": headers.MP4}
    apart.work("poster", file, wish, seconds=_LOOK_SECONDS, out=out.fileno(), out_bytes=1_000_000)
    pictures.inspect_file(out)


def _made(
    work: str,
    file: BinaryIO,
    out: BinaryIO,
    wish: dict[str, Any],
    seconds: float,
    progress: Progress | None,
) -> Made:
    most = wish["max_bytes"]
    told = apart.work(
        work,
        file,
        wish,
        seconds=seconds,
        out=out.fileno(),
        out_bytes=most + most // 8 + 1_000_000,
        progress=progress,
    )
    if os.fstat(out.fileno()).st_size > most:
        raise FilmError(f"it does not fit into {most:,} bytes", "cut it shorter")
    return Made(
        width=_count(told, "width"),
        height=_count(told, "height"),
        milliseconds=_count(told, "milliseconds"),
        sounds=_count(told, "sounds"),
        natural=told.get("natural") is True,
    )


def _surveyed(file: BinaryIO) -> tuple[str, int, boxes.Survey]:
    """Kind, size and lists of a film, before anything decodes it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    kind = headers.kind_of(file.read(headers.SNIFFED))
    if kind not in headers.FILMS or kind is None:
        raise FilmError("it is not an MP4, MOV or WEBM film", _EXPORT)
    if headers.is_something_else_too(file, size):
        raise FilmError("it is a film and another kind of file at once", _EXPORT)
    if kind == headers.WEBM:
        return kind, size, boxes.Survey(0, has_location=False, has_metadata=False)
    return kind, size, boxes.survey(file, size)


def _require_av() -> None:
    if not available():
        raise FilmError("films cannot be worked on here: PyAV is not installed", _INSTALL)


def _count(told: dict[str, Any], name: str) -> int:
    value = told.get(name)
    if not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise FilmError("it is damaged, or made to do harm", _EXPORT)
    return value

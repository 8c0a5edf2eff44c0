"""Makes and keeps the copies of pictures, films and captions that will be uploaded."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final
from weakref import WeakValueDictionary

import PIL

from social_scheduler.media import films, headers, pictures, pixels
from social_scheduler.media.apart import Progress
from social_scheduler.media.blobs import Blobs, MediaChanged, digest_of
from social_scheduler.media.problems import FilmError
from social_scheduler.message import Limits
from social_scheduler.text import webvtt

__all__ = ["Derivative", "MediaChanged", "MediaStore"]

FILM_RECIPE: Final = 1
"""Goes up when the same film would give other bytes, so that older copies are not taken for it."""


@dataclass(frozen=True, slots=True)
class Derivative:
    """The clean copy of a picture or film: what will be uploaded. Sizes in pixels and bytes.

    `location_removed`: the original said where it was taken; its author should know.
    """

    sha256: str
    kind: str
    width: int
    height: int
    bytes: int
    source_sha256: str
    location_removed: bool
    milliseconds: int = 0
    poster: str = ""
    """The SHA-256 of a still picture of a film, for pages; it is never uploaded."""


class MediaStore(Blobs):
    """Copies by their SHA-256, and which copy was made of what."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._making = threading.Lock()
        self._at_work: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._derivatives: dict[str, Derivative] = {}
        self._sources: dict[tuple[str, tuple[int, ...]], str] = {}

    def derive(self, source: Path, limits: Limits, progress: Progress | None = None) -> Derivative:
        """The clean copy of a picture or film within these limits, made once and kept.

        One that is used by many posts is read and encoded once. Raises MediaError.
        """
        if films.is_film(source):
            return self._film(source, limits, progress)
        with pictures.opened(source) as file:
            digest = self._digest(source, file.fileno())
            still = self._known("picture", digest, *_of_picture(limits))
            if still:
                return still
            if pictures.inspect_file(file).moving:
                return self._moving(source, digest, limits, progress)
            file.seek(0)
            data = file.read(pictures.MAX_FILE_BYTES + 1)
        return self._picture(data, hashlib.sha256(data).hexdigest(), limits)

    def captions(self, source: Path, milliseconds: int) -> str:
        """The captions of a film of this length, written anew; their SHA-256.

        Raises CaptionsError for what is no WebVTT, or goes on after the film ends.
        """
        captions = read_captions(source)
        if milliseconds and captions.ends > milliseconds + 1000:
            raise webvtt.CaptionsError(
                f"the captions end after {captions.ends / 1000:.1f} seconds, "
                f"the film after {milliseconds / 1000:.1f}",
                "shorten the last cues",
            )
        return self.put(captions.written(), headers.VTT)

    def poster(self, sha256: str) -> str:
        """The SHA-256 of a still picture of a film that is kept; made again if it was lost."""
        note = self._note(f"poster-{sha256}")
        if known := self._known_poster(note):
            return known
        with self._alone(sha256):
            if known := self._known_poster(note):  # by somebody who asked at the same time
                return known
            with self.shown(sha256) as film, self.draft() as out:
                films.poster(film, out)
                poster = self.adopt(out)
            self._write(note, json.dumps({"poster": poster}).encode())
        return poster

    def _known_poster(self, note: Path) -> str:
        try:
            poster = str(json.loads(note.read_bytes())["poster"])
            self.shown(poster).close()
        except (OSError, ValueError, TypeError, LookupError, MediaChanged):
            return ""  # only ever a short cut
        return poster

    @contextmanager
    def _alone(self, sha256: str) -> Iterator[None]:
        """One at a time is at work on a film: its decoder is started once."""
        with self._making:
            lock = self._at_work.setdefault(sha256, threading.Lock())
        with lock:
            yield

    def _picture(self, data: bytes, digest: str, limits: Limits) -> Derivative:
        max_bytes, max_side, kinds = _of_picture(limits)
        original = pictures.inspect_file(BytesIO(data))
        copy, kind = pictures.clean_file(
            BytesIO(data), max_bytes=max_bytes, max_side=max_side, kinds=frozenset(kinds)
        )
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
        return self._noted(derivative, "picture", digest, max_bytes, max_side, kinds)

    def _moving(
        self, source: Path, digest: str, limits: Limits, progress: Progress | None
    ) -> Derivative:
        """A moving picture: as GIF where the network takes it, else as a film that plays once."""
        as_film = not limits.moving_picture_bytes
        if as_film and not limits.films:
            raise FilmError("it moves, and this network takes no films", "save one still picture")
        most = limits.film_bytes if as_film else limits.moving_picture_bytes
        side = _film_side(limits) if as_film else limits.picture_side
        wanted = ("moving", digest, as_film, most, side)
        if known := self._known(*wanted):
            return known
        with pictures.opened(source) as file, self.draft() as out:
            location = pictures.inspect_file(file).has_location
            made = films.moving_picture(
                file, out, as_film=as_film, max_bytes=most, max_side=side, progress=progress
            )
            kind = headers.MP4 if as_film else headers.GIF
            derivative = self._adopted(out, made, kind, digest, location)
        return self._noted(derivative, *wanted)

    def _film(self, source: Path, limits: Limits, progress: Progress | None) -> Derivative:
        """A film: the same copy for all networks that it fits, a smaller one where it must be."""
        if not limits.films:
            raise FilmError("this network takes no films", "show a picture there")
        film = films.inspect(source)
        if limits.film_milliseconds and film.milliseconds > limits.film_milliseconds:
            raise FilmError(
                f"it is {film.milliseconds / 1000:.1f} seconds long, and this network takes "
                f"{limits.film_milliseconds / 1000:.0f}",
                "cut it shorter",
            )
        side, most = _film_side(limits), limits.film_bytes or films.MAX_COPY_BYTES
        side = min(side, max(film.width, film.height) // 2 * 2 or 2)
        with films.opened(source) as file:
            digest = self._digest(source, file.fileno())
            best = self._known("film", digest, side)
            if best and best.bytes <= most:
                return best
            if known := self._known("film", digest, side, most):
                return known
            with self.draft() as out:
                made = films.copy(
                    file,
                    out,
                    film,
                    max_bytes=most,
                    max_side=side,
                    natural=best is None,
                    progress=progress,
                )
                copy = self._adopted(out, made, headers.MP4, digest, film.has_location)
            if self._digest(source, file.fileno()) != digest:
                raise FilmError("it was changed while it was read", "try again")
        wanted = ("film", digest, side) if made.natural else ("film", digest, side, most)
        return self._noted(copy, *wanted)

    def _adopted(
        self, out: BinaryIO, made: films.Made, kind: str, digest: str, location: bool
    ) -> Derivative:
        size = os.fstat(out.fileno()).st_size
        sha256 = self.adopt(out)
        return Derivative(
            sha256=sha256,
            kind=kind,
            width=made.width,
            height=made.height,
            bytes=size,
            source_sha256=digest,
            location_removed=location,
            milliseconds=made.milliseconds,
            poster=self.poster(sha256) if kind in headers.FILMS else "",
        )

    def _digest(self, source: Path, descriptor: int) -> str:
        """The SHA-256 of an original; read again only when it was changed."""
        seen = os.fstat(descriptor)
        identity = (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        with self._making:
            known = self._sources.get((str(source), identity))
        if known:
            return known
        with source.open("rb") as file:
            digest = digest_of(file)
        with self._making:
            self._sources[str(source), identity] = digest
        return digest

    def _known(self, *wanted: object) -> Derivative | None:
        """What was made before, if it is there and whole."""
        key = _key(wanted)
        with self._making:
            known = self._derivatives.get(key)
        if known:
            return known if self.exists(known.sha256) else None
        try:
            derivative = Derivative(**json.loads(self._note(key).read_bytes()))
            self.shown(derivative.sha256).close()
        except (OSError, ValueError, TypeError, MediaChanged):
            return None  # only ever a short cut: without it the copy is made again
        with self._making:
            self._derivatives[key] = derivative
        return derivative

    def _noted(self, derivative: Derivative, *wanted: object) -> Derivative:
        key = _key(wanted)
        self._write(self._note(key), json.dumps(asdict(derivative), sort_keys=True).encode())
        with self._making:
            self._derivatives[key] = derivative
        return derivative

    def _note(self, key: str) -> Path:
        return self._root / "derived" / f"{key}.json"


def read_captions(source: Path) -> webvtt.Captions:
    """The captions in a file, read strictly; raises CaptionsError."""
    with source.open("rb") as file:
        return webvtt.read(file.read(webvtt.MAX_SOURCE_BYTES + 1))


def _of_picture(limits: Limits) -> tuple[int, int, tuple[str, ...]]:
    return limits.picture_bytes, limits.picture_side, tuple(sorted(limits.picture_types))


def _film_side(limits: Limits) -> int:
    return min(limits.film_side or films.MAX_SIDE, films.MAX_SIDE)


def _key(wanted: tuple[object, ...]) -> str:
    made_with: tuple[object, ...] = (PIL.__version__, pixels.RECIPE)
    if wanted[0] != "picture":
        made_with = (*made_with, _av_version(), FILM_RECIPE)
    return hashlib.sha256(repr((*wanted, *made_with)).encode()).hexdigest()


@cache
def _av_version() -> str:
    try:
        return importlib.metadata.version("av")
    except importlib.metadata.PackageNotFoundError:
        return ""

"""Reads how an MP4 or MOV file is built, from its own lists alone, before anything decodes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from social_scheduler.media.problems import FilmError

MAX_TRACKS: Final = 32
MAX_BOXES: Final = 20_000
_MAX_DEPTH = 10
_MAX_INDEX = 64_000_000
_MAX_READ = 1 << 20
_EXPORT = "export the film again as MP4 (H.264 and AAC)"

_HOLDS_BOXES = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"udta", b"mvex", b"moof"}
)
_METADATA = frozenset({b"udta", b"meta", b"uuid", b"XMP_", b"ID32"})
_PLACE_WORDS = (b"\xa9xyz", b"loci", b"location", b"GPSL", b"GPSCoordinates")
_PLACE_TRACKS = frozenset({b"mebx", b"gpmd", b"camm"})
_OURS = frozenset(
    {
        *(b"ftyp", b"free", b"moov", b"mdat", b"mvhd", b"trak", b"tkhd", b"edts", b"elst", b"mdia"),
        *(b"mdhd", b"hdlr", b"minf", b"vmhd", b"smhd", b"dinf", b"dref", b"stbl", b"stsd", b"stts"),
        *(b"stss", b"ctts", b"stsc", b"stsz", b"stco", b"co64", b"sgpd", b"sbgp", b"udta"),
    }
)


@dataclass(frozen=True, slots=True)
class Box:
    """One box: the names of those around it, its own, where its content stands and how long."""

    around: tuple[bytes, ...]
    name: bytes
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What the lists of a film say beside its pictures and sound."""

    tracks: int
    has_location: bool
    has_metadata: bool


def walk(file: BinaryIO, size: int) -> Iterator[Box]:
    """Every box, in the file's order; FilmError where they do not fit into each other."""
    left = [MAX_BOXES]

    def within(start: int, end: int, around: tuple[bytes, ...]) -> Iterator[Box]:
        while start < end:
            if end - start < 8 and set(_at(file, start, end - start)) <= {0}:
                return  # QuickTime ends some lists with a zero
            left[0] -= 1
            if left[0] < 0 or len(around) > _MAX_DEPTH:
                raise FilmError("it is built of too many boxes", _EXPORT)
            length, name, head = _head(file, start, end)
            yield Box(around, name, start + head, length - head)
            if name in _HOLDS_BOXES:
                yield from within(start + head, start + length, (*around, name))
            start += length

    return within(0, size, ())


def survey(file: BinaryIO, size: int) -> Survey:
    """What an MP4 or MOV says; FilmError for what leads outside the file or would flood us."""
    tracks, location, metadata, index = 0, False, False, False
    for box in walk(file, size):
        if box.name == b"moov":
            index = True
            if box.size > _MAX_INDEX:
                raise FilmError("its index is too large", _EXPORT)
        if box.name in (b"rmra", b"cmov"):
            raise FilmError("its index lies elsewhere or is packed", _EXPORT)
        if box.name == b"trak":
            tracks += 1
            if tracks > MAX_TRACKS:
                raise FilmError(f"it has more than {MAX_TRACKS} tracks", _EXPORT)
        if box.name == b"dref":
            _require_inside(_content(file, box))
        if box.name == b"stsd" and _content(file, box)[12:16] in _PLACE_TRACKS:
            location = metadata = True
        if box.name in _METADATA and b"udta" not in box.around:
            found = _content(file, box)
            if _is_empty(found):
                continue
            metadata = True
            location = location or any(word in found for word in _PLACE_WORDS)
    if not index:
        raise FilmError("it is damaged or cut short: it has no index", _EXPORT)
    return Survey(tracks, location, metadata)


def require_clean(file: BinaryIO, size: int) -> None:
    """Check a copy of ours: pictures, sound and their lists, and not one box more."""
    for box in walk(file, size):
        if box.name == b"meta" and box.around == (b"moov", b"udta"):
            if not _is_empty(_content(file, box)):
                raise FilmError("its copy still says something besides", _EXPORT)
        elif box.name not in _OURS:
            raise FilmError("its copy still says something besides", _EXPORT)
        elif box.name == b"free" and box.size > 0:
            raise FilmError("its copy has room for something besides", _EXPORT)


def _is_empty(metadata: bytes) -> bool:
    """Whether it is the list with nothing in it that FFmpeg always writes."""
    return len(metadata) <= 64 and metadata.endswith(b"\x00\x00\x00\x08ilst")


def _head(file: BinaryIO, start: int, end: int) -> tuple[int, bytes, int]:
    """Length with its head, name, and length of the head."""
    data = _at(file, start, 16)
    length, name, head = int.from_bytes(data[:4], "big"), data[4:8], 8
    if length == 1:
        length, head = int.from_bytes(data[8:16], "big"), 16
    elif length == 0:
        length = end - start
    if len(data) < head or length < head or start + length > end:
        raise FilmError("it is damaged or cut short", _EXPORT)
    return length, name, head


def _require_inside(content: bytes) -> None:
    """Every entry of a list of data references must mean the file itself."""
    count, at = int.from_bytes(content[4:8], "big"), 8
    for _ in range(min(count, MAX_TRACKS + 1)):
        entry = content[at : at + 12]
        if len(entry) < 12:
            raise FilmError("it is damaged or cut short", _EXPORT)
        if not entry[11] & 1:
            raise FilmError("parts of it lie in another file or at an address", _EXPORT)
        at += max(12, int.from_bytes(entry[:4], "big"))
    if count > MAX_TRACKS:
        raise FilmError("parts of it lie in other files", _EXPORT)


def _content(file: BinaryIO, box: Box) -> bytes:
    return _at(file, box.start, min(box.size, _MAX_READ))


def _at(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)

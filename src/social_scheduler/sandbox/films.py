"""What a film is: an MP4 file's own boxes, read without decoding a picture of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .pictures import NotAPicture, Picture

_CONTAINERS = {b"moov", b"trak", b"mdia"}
_BRANDS_OF_QUICKTIME = (b"qt  ",)


def inspect(content: bytes) -> Picture:
    """Type, sides and length of an MP4 or QuickTime film; raises NotAPicture."""
    if content[4:8] != b"ftyp":
        raise NotAPicture("The media type is not supported: MP4 (H.264).")
    try:
        return _measure(content)
    except (struct.error, ZeroDivisionError) as error:
        raise NotAPicture("The film is broken and cannot be read.") from error


def _measure(content: bytes) -> Picture:
    width = height = milliseconds = 0
    for kind, start, end in _boxes(content, 0, len(content)):
        if kind == b"mvhd":
            long = content[start] == 1
            form, place = (">IQ", start + 20) if long else (">II", start + 12)
            ticks, length = struct.unpack_from(form, content, place)
            milliseconds = length * 1000 // ticks
        elif kind == b"tkhd":
            across, down = struct.unpack_from(">II", content, end - 8)
            if across and down:
                width, height = across >> 16, down >> 16
    if not (width and height and milliseconds):
        raise NotAPicture("The film is broken: it has no picture, or no length.")
    quicktime = content[8:12] in _BRANDS_OF_QUICKTIME
    return Picture("video/quicktime" if quicktime else "video/mp4", width, height, milliseconds)


def _boxes(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Every box in a stretch, and those in the containers that matter: kind, first byte, end."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise NotAPicture("The film is broken and cannot be read.")
        yield kind, at + head, at + size
        if kind in _CONTAINERS:
            yield from _boxes(content, at + head, at + size)
        at += size

"""Reads what a file says about itself, from its bytes alone, before anything decodes it."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from social_scheduler.media.problems import PictureError

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GIF: Final = "image/gif"
WEBP: Final = "image/webp"
MP4: Final = "video/mp4"
MOV: Final = "video/quicktime"
WEBM: Final = "video/webm"
VTT: Final = "text/vtt"

PICTURES: Final = frozenset({JPEG, PNG, GIF, WEBP})
FILMS: Final = frozenset({MP4, MOV, WEBM})
SNIFFED: Final = 64
"""As many first bytes tell what a file is."""

_STILL_BRANDS = (b"hei", b"hev", b"mif1", b"msf1", b"avi")  # pictures that are built like films
_HEAD = 1024
_ZIP_TAIL = 22 + 65535
_ZIP_END = b"PK\x05\x06"
_FOREIGN = (b"<html", b"<!doctype", b"<script", b"<svg", b"<?php", b"%pdf-")
_PNG_METADATA = (b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME")
_METADATA_READ = 1 << 20
"""Of one chunk; of all of them, eight times as much."""
_MOST_CHUNKS = 100_000
_MOST_COMMENTS = 10_000
_SAYS_TOO_MUCH = (
    "it says too much besides its pixels, or is made to do harm",
    "open it in a picture program and save it anew, without its metadata",
)


def kind_of(data: bytes) -> str | None:
    """The kind of picture, film or captions these first bytes begin; None: nothing we publish."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp" and not data[8:12].startswith(_STILL_BRANDS):
        return MOV if data[8:12] == b"qt  " else MP4
    if data.startswith(b"\x1aE\xdf\xa3") and b"webm" in data[:SNIFFED]:
        return WEBM
    if data.startswith((b"WEBVTT", b"\xef\xbb\xbfWEBVTT")):
        return VTT
    return None


def is_something_else_too(file: BinaryIO, size: int) -> bool:
    """Whether a program could take this file for a page, a script, a PDF or a ZIP archive too."""
    file.seek(0)
    head = file.read(_HEAD).lower()
    if any(sign in head for sign in _FOREIGN):
        return True
    file.seek(max(0, size - _ZIP_TAIL))
    tail = file.read(_ZIP_TAIL)
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) - at < 22:
        return False
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + 22 + comment == len(tail)


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a WEBP in pixels; its decoder would reserve memory before telling."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if chunk == b"VP8X":
        return (
            int.from_bytes(body[4:7], "little") + 1,
            int.from_bytes(body[7:10], "little") + 1,
        )
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None


def png_metadata(file: BinaryIO) -> dict[bytes, bytes]:
    """The chunks of a PNG that say something besides its pixels, wherever they stand.

    Raises PictureError for one that would keep its reader busy with them.
    """
    found: dict[bytes, bytearray] = {}
    room, chunks = _METADATA_READ * 8, 0
    file.seek(8)
    while len(header := file.read(8)) == 8:
        chunks += 1
        if chunks > _MOST_CHUNKS or room < 0:
            raise PictureError(*_SAYS_TOO_MUCH)
        length, name = int.from_bytes(header[:4], "big"), header[4:]
        if name == b"IEND":
            break
        if name in _PNG_METADATA:
            data = file.read(min(length, _METADATA_READ))
            found.setdefault(name, bytearray()).extend(data)
            room -= len(data)
            file.seek(length - len(data), 1)
        else:
            file.seek(length, 1)
        file.seek(4, 1)
    return {name: bytes(data) for name, data in found.items()}


def require_few_comments(file: BinaryIO) -> None:
    """Raises PictureError for a GIF whose comments would keep its reader busy for ever."""
    file.seek(10)
    file.seek(13 + _gif_colours(file.read(1)))
    comments = 0
    while (sign := file.read(1)) in (b"!", b","):
        about = file.read(1 if sign == b"!" else 9)
        if sign == b",":
            file.seek(_gif_colours(about[8:]) + 1, 1)
        while (length := file.read(1)) > b"\0":
            file.seek(length[0], 1)
            comments += about == b"\xfe"
            if comments > _MOST_COMMENTS:
                raise PictureError(*_SAYS_TOO_MUCH)


def _gif_colours(flags: bytes) -> int:
    """The size of the table of colours that these flags announce."""
    return 3 * (2 << (flags[0] & 7)) if flags and flags[0] & 0x80 else 0

"""Reads what a file says about itself, from its bytes alone, before anything decodes it."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

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
    """The chunks of a PNG that say something besides its pixels, wherever they stand."""
    found: dict[bytes, bytes] = {}
    file.seek(8)
    while len(header := file.read(8)) == 8:
        length, name = int.from_bytes(header[:4], "big"), header[4:]
        if name == b"IEND":
            break
        if name in _PNG_METADATA:
            data = file.read(min(length, _METADATA_READ))
            found[name] = found.get(name, b"") + data
            file.seek(length - len(data), 1)
        else:
            file.seek(length, 1)
        file.seek(4, 1)
    return found

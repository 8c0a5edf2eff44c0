"""The smallest films: an MP4's boxes with sides and a length, and no picture in it."""

from __future__ import annotations

import struct


def film(width: int, height: int, milliseconds: int) -> bytes:
    """An MP4 as far as its headers go."""
    film_header = struct.pack(">IIIII", 0, 0, 0, 1000, milliseconds) + bytes(80)
    track_header = bytes(76) + struct.pack(">II", width << 16, height << 16)
    track = _box(b"trak", _box(b"tkhd", track_header))
    brand = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isommp41")
    return brand + _box(b"moov", _box(b"mvhd", film_header) + track) + _box(b"mdat", b"frames")


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content

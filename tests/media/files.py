"""Makes the picture files, honest and hostile, that the tests look at."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from social_scheduler.message import Limits

GPS_IFD = 0x8825
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>36,20N</exif:GPSLatitude></x:xmpmeta>'


def limits(**more: Any) -> Limits:
    """What a network takes that takes most things."""
    known: dict[str, Any] = {
        "text": 280,
        "counted_in": "graphemes",
        "pictures": 4,
        "picture_bytes": 5_000_000,
        "picture_side": 4096,
        "picture_types": frozenset({"image/jpeg", "image/png", "image/webp"}),
        "alt_text": 1000,
        "thread": True,
        "films": 1,
        "film_bytes": 50_000_000,
        "film_side": 1920,
        "film_milliseconds": 140_000,
        "captions": True,
    }
    return Limits(**(known | more))


def gradient(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    """A picture whose every corner differs, so that turning it shows."""
    across = Image.linear_gradient("L").resize(size)
    down = across.transpose(Image.Transpose.ROTATE_90).resize(size)
    picture = Image.merge("RGB", (across, down, Image.new("L", size, 90)))
    return picture.convert(mode)


def exif(*, orientation: int = 1, gps: bool = False) -> Image.Exif:
    tags = Image.Exif()
    tags[0x010F] = "SecretCamera"
    tags[0x0112] = orientation
    if gps:
        tags.get_ifd(GPS_IFD).update({1: "N", 2: (36.0, 20.0, 6.0), 3: "E", 4: (43.0, 7.0, 8.0)})
    return tags


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """The JPEG with one more segment after its first marker."""
    header = struct.pack(">BBH", 0xFF, marker, len(body) + 2)
    return jpeg[:2] + header + body + jpeg[2:]


def tagged_jpeg(**options: Any) -> bytes:
    """A JPEG as a phone makes it: camera, position, XMP, a place name in IPTC, a comment."""
    tags = exif(gps=True, **options)
    plain = encode(gradient(), "JPEG", quality=90, exif=tags, xmp=XMP, comment=b"SecretComment")
    place = b"\x1c\x02\x5a" + struct.pack(">H", 5) + b"Mosul"
    resource = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(place)) + place
    return segment(plain, 0xED, b"Photoshop 3.0\x00" + resource)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is this large, in a few dozen bytes."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def webp_of_size(width: int, height: int) -> bytes:
    body = (
        b"\x00\x00\x00\x00" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )
    form = b"WEBPVP8X" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(form)) + form


def png_with_words() -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("Author", "SecretAuthor")
    words.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return encode(gradient(), "PNG", pnginfo=words, exif=exif(gps=True))

"""Looks at pictures without trusting them, and makes the clean copy that is published.

People in these stories can be harmed by what a file says beside its pixels: where it was taken,
when, with whose camera. A clean copy is encoded anew from the pixels and says nothing else.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from PIL import Image, IptcImagePlugin, JpegImagePlugin

from social_scheduler.media import headers, pixels
from social_scheduler.media.problems import PictureError

MAX_FILE_BYTES: Final = 50_000_000
MAX_PIXELS: Final = 40_000_000

_FORMATS: Final = {
    headers.JPEG: "JPEG",
    headers.PNG: "PNG",
    headers.GIF: "GIF",
    headers.WEBP: "WEBP",
}
_GPS_IFD = 0x8825
_PLACE_FIELDS = {(2, 26), (2, 27), (2, 90), (2, 92), (2, 95), (2, 100), (2, 101)}
_METADATA_KEYS = ("exif", "xmp", "photoshop", "comment", "XML:com.adobe.xmp", "mp")
# What Pillow raises over files that were damaged or made to do harm.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    OverflowError,
    struct.error,
    zlib.error,
)
_SAVE_ANEW = "open it in a picture program and save it as JPEG or PNG"


@dataclass(frozen=True, slots=True)
class Picture:
    """What the header of a picture file says. Sizes in pixels as stored, before any rotation."""

    kind: str
    width: int
    height: int
    bytes: int
    has_location: bool
    has_metadata: bool
    moving: bool
    milliseconds: int = 0
    """How long a film is; pictures, also moving ones, do not say before they are decoded."""
    sounds: int = 0


def inspect(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> Picture:
    """What a picture file says of itself; reads its header and decodes nothing.

    Raises PictureError for what is no JPEG, PNG, GIF or WEBP, or is too large to be looked at.
    """
    with opened(path, max_bytes=max_bytes) as file:
        return inspect_file(file)


def decode_check(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> None:
    """Decodes a whole picture; raises PictureError if it is cut short or damaged."""
    with opened(path, max_bytes=max_bytes) as file, reading(file) as image:
        _load(image)


def clean(
    path: Path, *, max_bytes: int, max_side: int, kinds: frozenset[str] = headers.PICTURES
) -> tuple[bytes, str]:
    """A copy with nothing but the pixels, upright, in sRGB, and its kind: PNG or JPEG.

    It is made smaller only where a side exceeds `max_side` pixels or it would exceed `max_bytes`;
    where PNG is not among `kinds`, what is see-through stands on white.
    The same file gives the same bytes with the same Pillow. Raises PictureError.
    """
    with opened(path) as file:
        return clean_file(file, max_bytes=max_bytes, max_side=max_side, kinds=kinds)


@contextmanager
def opened(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> Iterator[BinaryIO]:
    """The file, open for reading, if it is a plain file of no more than `max_bytes`."""
    if not path.is_file():
        raise PictureError(f"{path.name} is not a file", "check the name and where it lies")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise PictureError(
                f"it has {size:,} bytes, more than {max_bytes:,}", "save it smaller or compress it"
            )
        yield file


def inspect_file(file: BinaryIO) -> Picture:
    """As `inspect`, of a file that is already open."""
    size = file.seek(0, os.SEEK_END)
    with reading(file) as image:
        kind = _kind(file)
        try:
            has_metadata, has_location = _says(image, kind, file)
        except _DAMAGED:
            has_metadata = has_location = True  # unreadable to us; perhaps not to others
        return Picture(
            kind=kind,
            width=image.width,
            height=image.height,
            bytes=size,
            has_location=has_location,
            has_metadata=has_metadata,
            moving=_moves(image, kind),
        )


def clean_file(
    file: BinaryIO, *, max_bytes: int, max_side: int, kinds: frozenset[str] = headers.PICTURES
) -> tuple[bytes, str]:
    """As `clean`, of a file that is already open."""
    with reading(file) as image:
        kind = _kind(file)
        if _moves(image, kind):
            raise PictureError("it is a moving picture", "save one still picture of it")
        _load(image)
        try:
            bare = pixels.bare(image, max_side=max_side)
        except _DAMAGED as error:
            raise PictureError("its pixels cannot be read", _SAVE_ANEW) from error
    encoded = pixels.encoded(
        bare, lossless=kind in (headers.PNG, headers.GIF), max_bytes=max_bytes, kinds=kinds
    )
    if encoded is None:
        raise PictureError(
            f"it does not fit into {max_bytes:,} bytes, however small", "use another picture"
        )
    return encoded


def _kind(file: BinaryIO) -> str:
    file.seek(0)
    kind = headers.kind_of(file.read(headers.SNIFFED))
    if kind is None or kind not in _FORMATS:
        raise PictureError("it is not a JPEG, PNG, GIF or WEBP picture", _SAVE_ANEW)
    return kind


@contextmanager
def reading(file: BinaryIO) -> Iterator[Image.Image]:
    """The picture, its header read and its size found to be in bounds, nothing decoded."""
    size = file.seek(0, os.SEEK_END)
    kind = _kind(file)
    if headers.is_something_else_too(file, size):
        raise PictureError("it is a picture and another kind of file at once", _SAVE_ANEW)
    if kind == headers.WEBP:
        file.seek(0)
        _check_pixels(headers.webp_size(file.read(32)) or (0, 0))
    if kind == headers.PNG:
        headers.png_metadata(file)  # refused here, before the library reads as much
    if kind == headers.GIF:
        headers.require_few_comments(file)
    file.seek(0)
    try:
        image = Image.open(file, formats=[_FORMATS[kind]])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except _DAMAGED as error:
        raise PictureError("it is damaged or cut short", _SAVE_ANEW) from error
    with image:
        _check_pixels(image.size)
        yield image


def _check_pixels(size: tuple[int, int]) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise PictureError("it is damaged: it has no width or no height", _SAVE_ANEW)
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> PictureError:
    return PictureError(
        f"it has more than {MAX_PIXELS // 1_000_000} million pixels", "save it with smaller sides"
    )


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except _DAMAGED as error:
        raise PictureError("it is damaged or cut short", _SAVE_ANEW) from error


def _moves(image: Image.Image, kind: str) -> bool:
    """Several frames. Not so a JPEG: phones add a second picture for brightness or depth."""
    try:
        return kind != headers.JPEG and bool(getattr(image, "is_animated", False))
    except _DAMAGED as error:
        raise PictureError("it is damaged or cut short", _SAVE_ANEW) from error


def _says(image: Image.Image, kind: str, file: BinaryIO) -> tuple[bool, bool]:
    """Whether it says anything besides its pixels; whether it says where it was taken."""
    chunks: dict[bytes, bytes] = {}
    if kind == headers.PNG:
        position = file.tell()
        chunks = headers.png_metadata(file)
        file.seek(position)
    exif = Image.Exif()
    exif.load(chunks.get(b"eXIf") or image.info.get("exif") or b"")
    texts = [*chunks.values(), *(image.info.get(key) for key in _METADATA_KEYS)]
    has_location = bool(exif.get_ifd(_GPS_IFD)) or any(
        b"GPSL" in text for text in texts if isinstance(text, bytes)
    )
    if isinstance(image, JpegImagePlugin.JpegImageFile) and not has_location:
        named = IptcImagePlugin.getiptcinfo(image) or {}
        has_location = not _PLACE_FIELDS.isdisjoint(named)
    return bool(len(exif)) or any(texts), has_location

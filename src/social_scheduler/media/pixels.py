"""Takes the bare pixels of a picture and encodes them anew, small enough, the same way each time."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageCms, ImageOps

from social_scheduler.media import headers

RECIPE: Final = 1
"""Goes up when the same file would give other bytes, so that older copies are not taken for it."""

_QUALITIES = (90, 85, 80, 75, 70)
_SHRINK = 0.8
_SMALLEST_SIDE = 64
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def bare(image: Image.Image, *, max_side: int) -> Image.Image:
    """A new picture (L, RGB or RGBA) of the same pixels, upright, in sRGB, within `max_side`."""
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    plain = _in_srgb(upright, profile)
    if max(plain.size) > max_side:
        plain.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    if plain.mode == "RGBA":
        plain = _without_hidden_colours(plain)
    # A new picture, because Pillow would write what the old one still carries.
    fresh = Image.new(plain.mode, plain.size)
    fresh.paste(plain)
    return fresh


def encoded(
    image: Image.Image, *, lossless: bool, max_bytes: int, kinds: frozenset[str] = headers.PICTURES
) -> tuple[bytes, str] | None:
    """The picture as a file of at most `max_bytes`, and its kind; None if no size of it fits.

    PNG where it was lossless or is see-through, else JPEG. A PNG that is too large becomes a JPEG
    unless it is see-through; what is still too large is made smaller. Without PNG among the
    `kinds` that a network takes, it is a JPEG on white.
    """
    if headers.PNG not in kinds:
        image, lossless = on_white(image), False
    see_through = image.mode == "RGBA"
    if lossless or see_through:
        data = _png(image)
        if len(data) <= max_bytes:
            return data, headers.PNG
    while min(image.size) >= 1:
        if see_through:
            data = _png(image)
            if len(data) <= max_bytes:
                return data, headers.PNG
        else:
            for quality in _QUALITIES:
                data = _jpeg(image, quality)
                if len(data) <= max_bytes:
                    return data, headers.JPEG
        if max(image.size) <= _SMALLEST_SIDE:
            break
        smaller = (max(1, int(image.width * _SHRINK)), max(1, int(image.height * _SHRINK)))
        image = image.resize(smaller, Image.Resampling.LANCZOS)
    return None


def on_white(image: Image.Image) -> Image.Image:
    """The picture without see-through places."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode in _SIXTEEN_BITS:
        # Pillow would cut off everything brighter than the lowest of the 256 steps.
        return image.convert("I").point([value >> 8 for value in range(65536)], "L")
    if image.mode == "1":
        return image.convert("L")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        if profile and image.mode in ("RGB", "RGBA"):
            colours = _converted(rgba.convert("RGB"), profile)
            colours.putalpha(rgba.getchannel("A"))
            return colours
        return rgba
    if image.mode == "P":
        image = image.convert("RGB")
    if profile and image.mode in ("L", "RGB", "CMYK"):
        return _converted(image, profile)
    return image.copy() if image.mode in ("L", "RGB") else image.convert("RGB")


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        result = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")  # a broken profile; screens ignore those too
    return result if result is not None else image


def _without_hidden_colours(image: Image.Image) -> Image.Image:
    """What was erased to full transparency often keeps its colours beneath."""
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB")
    shown = alpha.point([0] + [255] * 255)
    return Image.composite(image, Image.new("RGBA", image.size), shown)


def _png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()

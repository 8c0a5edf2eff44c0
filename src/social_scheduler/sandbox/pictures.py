"""What X accepts as a picture: really decoded, and measured before it is."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

IMAGE_BYTES = 5 * 1024 * 1024
ANIMATION_BYTES = 15 * 1024 * 1024
_MAX_SIDE = 8192
_MAX_PIXELS = 40_000_000
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
MEDIA_TYPES = frozenset(_TYPES.values())


class NotAPicture(Exception):
    """Bytes that cannot be posted as a picture or film; the message says why."""


@dataclass(frozen=True)
class Picture:
    """`milliseconds` is 0 for what does not move."""

    media_type: str
    width: int
    height: int
    milliseconds: int = 0


def inspect(content: bytes, category: str, limit: int = 0) -> Picture:
    """Decode a picture; raises NotAPicture.

    Of at most `limit` bytes, or X's: for `tweet_image` 5 MB, for `tweet_gif` 15 MB.
    """
    limit = limit or (ANIMATION_BYTES if category == "tweet_gif" else IMAGE_BYTES)
    if len(content) > limit:
        raise NotAPicture(f"File size exceeds {limit} bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(content, category)
    except NotAPicture:
        raise
    except UnidentifiedImageError as error:
        raise NotAPicture("The media type is not supported: JPEG, PNG, GIF or WEBP.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotAPicture("The picture has too many pixels.") from error
    # Pillow's decoders raise whatever their formats' oddities make of broken bytes.
    except Exception as error:
        raise NotAPicture("The picture is broken and cannot be decoded.") from error


def _decode(content: bytes, category: str) -> Picture:
    with Image.open(io.BytesIO(content), formats=list(_TYPES)) as image:
        width, height = image.size
        if width > _MAX_SIDE or height > _MAX_SIDE or width * height > _MAX_PIXELS:
            raise NotAPicture(f"The picture is too large: {width} × {height} pixels.")
        media_type = _TYPES[str(image.format)]
        animated = bool(getattr(image, "is_animated", False))
        image.verify()
    if animated and category != "tweet_gif":
        raise NotAPicture("An animation needs media_category tweet_gif.")
    if category == "tweet_gif" and media_type != "image/gif":
        raise NotAPicture("media_category tweet_gif needs a GIF.")
    with Image.open(io.BytesIO(content), formats=list(_TYPES)) as image:
        image.load()
    return Picture(media_type, width, height)

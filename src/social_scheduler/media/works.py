"""What can be done in the process apart, by name; imported there and nowhere else."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from PIL import Image

from social_scheduler.media.film_copy import copy
from social_scheduler.media.film_look import look, poster
from social_scheduler.media.moving import as_film, as_gif

_LAZY = (  # PyAV and Pillow import these when first used, and then no file can be opened any more
    "av.audio.fifo",
    "av.audio.resampler",
    "av.bitstream",
    "av.filter",
    "av.subtitles.stream",
    "av.video.reformatter",
    "encodings.idna",
)

Tell = Callable[[float], None]
Work = Callable[[dict[str, Any], int | None, Tell], dict[str, Any]]

WORKS: dict[str, Work] = {
    "look": look,
    "copy": copy,
    "poster": poster,
    "gif": as_gif,
    "gif-film": as_film,
}


def load() -> None:
    """Everything that is needed later, while it can still be opened."""
    Image.init()
    try:
        import av
    except ImportError:
        return  # only moving pictures as GIF are made then
    av.logging.set_level(None)
    for name in _LAZY:
        importlib.import_module(name)

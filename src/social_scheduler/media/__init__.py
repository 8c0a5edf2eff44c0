"""Pictures, films and captions as they will be published: cleaned of what could harm people, kept by digest."""

from __future__ import annotations

from pathlib import Path

from social_scheduler.media import films, pictures
from social_scheduler.media.blobs import MediaChanged
from social_scheduler.media.films import Film
from social_scheduler.media.pictures import Picture, clean, decode_check
from social_scheduler.media.problems import FilmError, MediaError, PictureError
from social_scheduler.media.store import Derivative, MediaStore, read_captions

__all__ = [
    "Derivative",
    "Film",
    "FilmError",
    "MediaChanged",
    "MediaError",
    "MediaStore",
    "Picture",
    "PictureError",
    "clean",
    "decode_check",
    "inspect",
    "read_captions",
]


def inspect(path: Path) -> Picture | Film:
    """What a picture says of itself, or what looking through a film tells; raises MediaError."""
    return films.inspect(path) if films.is_film(path) else pictures.inspect(path)

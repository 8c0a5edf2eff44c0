"""Pictures as they will be published: cleaned of what could harm people, and kept by their digest."""

from __future__ import annotations

from social_scheduler.media.pictures import Picture, PictureError, clean, decode_check, inspect
from social_scheduler.media.store import Derivative, MediaChanged, MediaStore

__all__ = [
    "Derivative",
    "MediaChanged",
    "MediaStore",
    "Picture",
    "PictureError",
    "clean",
    "decode_check",
    "inspect",
]

"""Real small films, moving pictures and captions, made in the test."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from social_scheduler.message import Attachment, Captions
from tests.media import filming

VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nصباح الخير\n".encode()


def film(seconds: float = 1) -> bytes:
    """An MP4 with H.264 and AAC."""
    with TemporaryDirectory() as folder:
        return filming.film(Path(folder) / "film.mp4", seconds=seconds).read_bytes()


def moving_picture(*colours: str) -> bytes:
    """A GIF with a frame of each colour."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in colours or ("red", "green", "blue")]
    held = io.BytesIO()
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:], duration=200)
    return held.getvalue()


def attachment(
    data: bytes, kind: str = "video/mp4", *, alt: str = "A loom.", captions: Captions | None = None
) -> Attachment:
    """The film as it will be handed over."""
    return Attachment(
        sha256=sha256(data).hexdigest(),
        type=kind,
        alt=alt,
        width=320,
        height=180,
        milliseconds=1000,
        captions=captions,
    )


def captions(data: bytes = VTT, language: str = "ar") -> Captions:
    """Captions as they will be handed over."""
    return Captions(sha256=sha256(data).hexdigest(), language=language)

"""Reading and writing the files of films through descriptors that are open already."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from social_scheduler.media import headers
from social_scheduler.media.problems import FilmError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

MAX_PIXELS: Final = 9_500_000
MAX_RATE: Final = 60
SOURCE: Final = 0
"""The film is the standard input."""

_PICTURE_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1"})
_SOUND_CODECS = frozenset(
    {"aac", "mp3", "opus", "vorbis", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"}
)
_DECODERS = (*sorted(_PICTURE_CODECS | _SOUND_CODECS), "libdav1d", "libopus", "libvorbis")
EXPORT: Final = "export the film again as MP4 (H.264 and AAC)"


class Descriptor:
    """An open file that FFmpeg reads and writes at a place of its own."""

    def __init__(self, number: int) -> None:
        self._number, self._at = number, 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = os.pread(self._number, size if size >= 0 else 1 << 30, self._at)
        self._at += len(data)
        return data

    def write(self, data: bytes) -> int:
        """All of these bytes."""
        view, written = memoryview(data), 0
        while written < len(view):
            written += os.pwrite(self._number, view[written:], self._at + written)
        self._at += written
        return written

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere in the file."""
        base = (0, self._at, os.fstat(self._number).st_size)[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Where the next byte comes from or goes to."""
        return self._at

    def close(self) -> None:
        """Nothing: whoever opened it closes it."""


def opened(kind: str) -> InputContainer:
    """The film on standard input, as the kind it was found to be and no other."""
    import av

    return av.open(
        Descriptor(SOURCE),
        "r",
        format="matroska" if kind == headers.WEBM else "mov",
        container_options={
            "codec_whitelist": ",".join(_DECODERS),
            "protocol_whitelist": "none",
            "max_streams": "64",
        },
        metadata_errors="replace",
        io_open=_refuse,
    )


def written(number: int) -> OutputContainer:
    """An MP4 that says nothing of who made it and begins to play before it is whole."""
    import av

    return av.open(
        Descriptor(number),
        "w",
        format="mp4",
        container_options={"movflags": "+faststart", "fflags": "+bitexact"},
        io_open=lambda url, flags, options: Descriptor(number),  # its own bytes, to move them
    )


def picture_and_sound(film: InputContainer) -> tuple[VideoStream, AudioStream | None]:
    """The one moving picture of a film, and its first sound; all else in it is left behind."""
    from av.stream import Disposition

    stills = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    pictures = [s for s in film.streams.video if not s.disposition & stills]
    if len(pictures) != 1:
        has = f"{len(pictures)} pictures" if pictures else "no picture"
        raise FilmError(f"it has {has}, and a film has one", EXPORT)
    picture = pictures[0]
    _require_known(picture, _PICTURE_CODECS)
    if not 0 < picture.codec_context.width * picture.codec_context.height <= MAX_PIXELS:
        raise FilmError(f"its picture has more than {MAX_PIXELS:,} pixels", "save it as 4K or less")
    sound = next((s for s in film.streams.audio if _codec(s) in _SOUND_CODECS), None)
    if sound is None and film.streams.audio:
        _require_known(film.streams.audio[0], _SOUND_CODECS)
    picture.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    picture.thread_type = "AUTO"
    picture.codec_context.thread_count = 4
    return picture, sound


def _require_known(stream: Any, known: frozenset[str]) -> None:
    if _codec(stream) not in known:
        raise FilmError(f"it is encoded as {_codec(stream) or 'something unknown'}", EXPORT)


def _codec(stream: Any) -> str:
    context = stream.codec_context
    return str(getattr(context.codec, "canonical_name", context.name)) if context else ""


def _refuse(url: str, flags: int, options: object) -> Any:
    raise FilmError("parts of it lie in another file or at an address", EXPORT)

"""Makes the film files, honest and hostile, that the tests look at."""

from __future__ import annotations

import array
import math
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw

SECRETS = {
    "location": "+36.3400+043.1300/",
    "title": "SecretTitle",
    "comment": "SecretComment",
    "artist": "SecretAuthor",
}
TRACES = (b"Secret", b"36.34", b"x264", b"Lavc", b"Lavf", b"loci", b"\xa9xyz", b"creation")
SOUND_HERTZ = 48_000


def film(
    path: Path,
    *,
    size: tuple[int, int] = (320, 180),
    seconds: float = 1,
    rate: int = 25,
    sound: bool = True,
    codec: str = "libx264",
    sound_codec: str = "aac",
    form: str | None = None,
    pixels: str = "yuv420p",
    said: dict[str, str] | None = None,
    soundtracks: int = 1,
    noise: bool = False,
    colours: tuple[int, int, int] | None = None,
) -> Path:
    """A red square wanders over a gradient and a tone sounds."""
    with av.open(str(path), "w", format=form) as made:
        made.metadata.update(said or {})
        # Else every test would read x265's report on itself.
        options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        to: Any = made.add_stream(codec, rate=rate, options=options)
        to.width, to.height, to.pix_fmt = *size, pixels
        if colours:
            context = to.codec_context
            context.color_primaries, context.color_trc, context.colorspace = colours
        heard: list[Any] = [
            made.add_stream(sound_codec, rate=SOUND_HERTZ)
            for _ in range(soundtracks if sound else 0)
        ]
        for track in heard:
            track.layout = "mono"
        for number in range(round(seconds * rate)):
            made.mux(to.encode(frame(number, size, pixels, noise)))
        made.mux(to.encode(None))
        for track in heard:
            _sound(made, track, seconds)
    return path


def frame(number: int, size: tuple[int, int], pixels: str, noise: bool) -> av.VideoFrame:
    """One picture of the film."""
    picture = Image.effect_noise(size, 120) if noise else Image.linear_gradient("L").resize(size)
    picture = picture.convert("RGB")
    at = number * 4 % size[0]
    ImageDraw.Draw(picture).rectangle((at, 10, at + 40, 50), fill="red")
    drawn = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
    made: av.VideoFrame = drawn.reformat(format=pixels)
    made.pts = number
    return made


def _sound(made: Any, track: Any, seconds: float) -> None:
    each = 960 if track.codec_context.name == "libopus" else 1024
    form = track.codec_context.format.name
    for begin in range(0, round(seconds * SOUND_HERTZ), each):
        tone = av.AudioFrame(format=form, layout="mono", samples=each)
        tone.sample_rate, tone.pts, tone.time_base = SOUND_HERTZ, begin, Fraction(1, SOUND_HERTZ)
        waves = [0.1 * math.sin((begin + k) * 440 * math.tau / SOUND_HERTZ) for k in range(each)]
        exact = array.array("f", waves) if "flt" in form else array.array("h", map(_whole, waves))
        tone.planes[0].update(exact.tobytes())
        made.mux(track.encode(tone))
    made.mux(track.encode(None))


def _whole(wave: float) -> int:
    return round(wave * 32767)


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def with_turned_pictures(data: bytes, degrees: int) -> bytes:
    """An MP4 whose pictures are to be shown turned to the right by so many degrees."""
    one = 1 << 16
    sine, cosine = {90: (one, 0), 180: (0, -one), 270: (-one, 0)}[degrees]
    matrix = struct.pack(">9i", cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    at = data.index(b"tkhd") + 4 + 40
    return data[:at] + matrix + data[at + 36 :]


def with_data_elsewhere(data: bytes, address: bytes = b"file:///etc/passwd\0") -> bytes:
    """An MP4 whose first track says that its bytes lie at an address, of the same length."""
    at = data.index(b"dref")
    entry = box(b"url ", b"\0\0\0\0" + address)
    holder = data[at - 4 : at + 12] + data[at + 12 : at + 24]
    assert holder[16:28] == box(b"url ", b"\0\0\0\1")
    # Room for the address is made by growing every box around it.
    grown = data[: at + 12] + entry + data[at + 24 :]
    return _grown(grown, at - 4, len(entry) - 12)


def _grown(data: bytes, at: int, by: int) -> bytes:
    """The file with the length of every box around a place made larger; offsets stay wrong."""
    made = bytearray(data)

    def within(start: int, end: int) -> None:
        while start + 8 <= end:
            length = struct.unpack(">I", data[start : start + 4])[0]
            if start <= at < start + length:
                made[start : start + 4] = struct.pack(">I", length + by)
                if start == at:
                    return
                within(start + 8, start + length)
                return
            start += length

    within(0, len(data))
    return bytes(made)

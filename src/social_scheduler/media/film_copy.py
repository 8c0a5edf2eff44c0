"""Makes the copy of a film that is published: MP4 of H.264 and AAC with nothing besides.

Runs in the process apart only. Where the pictures are encoded as they should be they are kept
and only freed of what stands beside them; else they are turned upright, scaled and encoded anew.
The sound is always encoded anew: its packets have room for words.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from social_scheduler.media import headers, streams
from social_scheduler.media.film_encode import (
    ONLY_PICTURES,
    SOUND_RATE,
    Encoding,
    Scaling,
    Sounding,
    Target,
    start_of,
)
from social_scheduler.media.film_look import Shape, shape_of
from social_scheduler.media.problems import FilmError
from social_scheduler.media.streams import EXPORT

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_PROFILES = ("Baseline", "Constrained Baseline", "Main", "High", "Constrained High")
_BEST_RATE: Final = 12_000_000
_SHARES = (0.9, 0.75, 0.55)
"""Of what would just fit: tried one after the other."""
_SIDES = (1920, 1280, 960, 640, 426)
_BITS_PER_PIXEL = 0.05


class _TooLarge(Exception):
    """The copy does not fit."""


def copy(wish: dict[str, Any], out: int | None, tell: Any) -> dict[str, Any]:
    """Write the copy into `out`; what it came to, and whether it is as good as it would ever be."""
    if out is None:
        raise ValueError("a copy needs a file")
    shape = shape_of(wish["kind"], lambda share: tell(share * 0.1))

    def further(share: float) -> None:
        tell(0.1 + share * 0.9)

    most, side = int(wish["max_bytes"]), int(wish["max_side"])
    if wish["natural"]:
        try:
            if _fits(shape, wish["kind"], side, most):
                made = _Copy(shape, out, most, further).kept(wish["kind"])
            else:
                target = _natural(shape, side)
                made = _Copy(shape, out, most, further).anew(wish["kind"], target)
            return made | {"natural": True}
        except _TooLarge:
            pass
    for share in _SHARES:
        target = _within(shape, side, int(most * share))
        try:
            made = _Copy(shape, out, most, further).anew(wish["kind"], target)
            return made | {"natural": False}
        except _TooLarge:
            continue
    raise FilmError(f"it does not fit into {most:,} bytes, however small", "cut it shorter")


def _fits(shape: Shape, kind: str, side: int, most: int) -> bool:
    """Whether its pictures can stay as they are."""
    return (
        kind != headers.WEBM
        and shape.codec == "h264"
        and shape.profile in _PROFILES
        and shape.pixels == "yuv420p"
        and shape.turned == 0
        and shape.wide == 1
        and shape.plain
        and not shape.interlaced
        and shape.width % 2 == shape.height % 2 == 0
        and max(shape.width, shape.height) <= side
        and max(shape.rate, shape.fastest) <= streams.MAX_RATE + 1
        and os.fstat(streams.SOURCE).st_size <= most
    )


def _natural(shape: Shape, side: int) -> Target:
    width, height = _even(*shape.upright, side)
    return Target(width, height, _rate(shape.rate), _BEST_RATE)


def _within(shape: Shape, side: int, most: int) -> Target:
    """As large as looks well in so many bytes."""
    bits = max(20_000, most * 8 * 1000 // shape.milliseconds)
    sound = min(SOUND_RATE, max(32_000, bits // 4)) if shape.sounds else 0
    bits = max(16_000, bits - sound)
    rate = min(_rate(shape.rate), Fraction(30))
    for smaller in (side, *(s for s in _SIDES if s < side)):
        width, height = _even(*shape.upright, smaller)
        if bits >= width * height * rate * _BITS_PER_PIXEL:
            break
    return Target(width, height, rate, min(bits, _BEST_RATE), sound)


def _rate(rate: Fraction) -> Fraction:
    return min(rate, Fraction(streams.MAX_RATE)).limit_denominator(1001)


def _even(width: int, height: int, side: int) -> tuple[int, int]:
    by = min(1.0, side / max(width, height))
    return max(2, int(width * by) // 2 * 2), max(2, int(height * by) // 2 * 2)


class _Copy:
    """One attempt at a copy."""

    def __init__(self, shape: Shape, out: int, most: int, tell: Any) -> None:
        self.shape, self.out, self.most, self.tell = shape, out, most, tell
        self.frames = 0
        self.ends = Fraction(0)
        os.ftruncate(out, 0)

    def kept(self, kind: str) -> dict[str, Any]:
        """With the pictures as they are, each of them decoded to see that it is whole."""
        from av.bitstream import BitStreamFilterContext

        with streams.opened(kind) as film, streams.written(self.out) as made:
            picture, sound = streams.picture_and_sound(film)
            to = made.add_stream_from_template(picture)
            bare = BitStreamFilterContext(ONLY_PICTURES, picture, to)
            sounding = Sounding(made, sound, film) if sound else None
            made.start_encoding()
            shift = start_of(film, picture.time_base)
            for packet in film.demux([s for s in (picture, sound) if s]):
                if packet.stream.index != picture.index:
                    self._hear(sounding, packet)
                    continue
                for frame in picture.decode(packet):
                    self._look_at(frame)
                if packet.dts is None:
                    continue
                self._move(packet, shift)
                for ours in bare.filter(packet):
                    self._keep(made, ours, to)
            for ours in bare.filter(None):
                self._keep(made, ours, to)
            if sounding:
                sounding.end()
            self._require_whole()
        return self._made(self.shape.width, self.shape.height)

    def anew(self, kind: str, target: Target) -> dict[str, Any]:
        """With the pictures turned upright, scaled and encoded."""
        with streams.opened(kind) as film, streams.written(self.out) as made:
            picture, sound = streams.picture_and_sound(film)
            unit = picture.time_base or Fraction(1, 1000)
            encoding = Encoding(made, target, self.shape)
            sounding = Sounding(made, sound, film, target.sound_bits) if sound else None
            made.start_encoding()
            shift = start_of(film, unit)
            scaling: Scaling | None = None
            for packet in film.demux([s for s in (picture, sound) if s]):
                if packet.stream.index != picture.index:
                    self._hear(sounding, packet)
                    continue
                for frame in picture.decode(packet):
                    self._look_at(frame)
                    if frame.pts is None:
                        continue
                    frame.pts -= shift
                    frame.time_base = unit
                    scaling = scaling or Scaling(frame, unit, self.shape, target)
                    self._encode(encoding, scaling.scaled(frame))
            if scaling is None:
                raise FilmError("it has no picture that can be decoded", EXPORT)
            self._encode(encoding, scaling.scaled(None))
            encoding.end()
            if sounding:
                sounding.end()
            self._require_room()
        milliseconds = round(encoding.frames * 1000 / target.rate)
        return self._made(target.width, target.height, milliseconds)

    def _encode(self, encoding: Encoding, frames: Iterator[VideoFrame]) -> None:
        for frame in frames:
            encoding.take(frame)
            self._require_room()
            self.tell(encoding.frames * 1000 / encoding.target.rate / self.shape.milliseconds)

    def _hear(self, sounding: Sounding | None, packet: Any) -> None:
        if sounding:
            sounding.take(packet)

    def _look_at(self, frame: VideoFrame) -> None:
        if frame.is_corrupt:
            raise FilmError("it is damaged or cut short", EXPORT)
        if (frame.width, frame.height) != (self.shape.width, self.shape.height):
            raise FilmError("its picture changes its size midway", EXPORT)
        self.frames += 1

    def _move(self, packet: Any, shift: int) -> None:
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
            self.ends = max(self.ends, (packet.pts + (packet.duration or 0)) * packet.time_base)

    def _keep(self, made: OutputContainer, packet: Any, to: VideoStream) -> None:
        packet.stream = to
        made.mux(packet)
        self._require_room()
        self.tell(float(self.ends) * 1000 / self.shape.milliseconds)

    def _require_whole(self) -> None:
        if self.frames < self.shape.packets * 0.98 - 1:
            raise FilmError("it is damaged or cut short", EXPORT)

    def _require_room(self) -> None:
        if os.fstat(self.out).st_size > self.most:
            raise _TooLarge

    def _made(self, width: int, height: int, milliseconds: int = 0) -> dict[str, Any]:
        self._require_room()
        return {
            "width": width,
            "height": height,
            "milliseconds": milliseconds or round(self.ends * 1000),
            "sounds": self.shape.sounds,
        }

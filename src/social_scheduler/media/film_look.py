"""Looks through a film without trusting what it says of itself. Runs in the process apart only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from social_scheduler.media import headers, pixels, streams
from social_scheduler.media.problems import FilmError
from social_scheduler.media.streams import EXPORT

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_MILLISECONDS: Final = 3_600_000
_MAX_PACKETS = 2_000_000
_FIRST_WITHIN = 300
_MOST_MISSING = 0.8
_POSTER_SIDE, _POSTER_BYTES = 1280, 300_000
_NO_METADATA = frozenset(
    {"language", "handler_name", "vendor_id", "major_brand", "minor_version", "compatible_brands"}
)
_PLACE_KEYS = ("location", "gps", "xyz")


UNKNOWN_COLOURS: Final = (2, 2, 2)
_HDR_TRANSFERS = frozenset({16, 18})


@dataclass(frozen=True, slots=True)
class Shape:
    """What a film is, found by reading all of it: sides as stored, everything else as shown."""

    codec: str
    width: int
    height: int
    turned: int
    """By how many degrees to the right it is to be turned to stand upright."""
    wide: Fraction
    """Width of one pixel by its height."""
    pixels: str
    profile: str
    interlaced: bool
    rate: Fraction
    milliseconds: int
    packets: int
    sounds: int
    plain: bool
    """Begins whole and hides nothing: no packet is there that nobody is to see."""
    has_location: bool
    has_metadata: bool
    fastest: Fraction = Fraction(0)
    colours: tuple[int, int, int] = UNKNOWN_COLOURS
    """Primaries, transfer and matrix, as H.273 numbers them."""
    full_range: bool = False

    @property
    def is_hdr(self) -> bool:
        """Brighter than the screens that networks show films for."""
        return self.colours[1] in _HDR_TRANSFERS

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as shown."""
        width, height = max(1, round(self.width * self.wide)), self.height
        return (height, width) if self.turned in (90, 270) else (width, height)


def look(wish: dict[str, Any], out: int | None, tell: Any) -> dict[str, Any]:
    """What a film is: its upright sides, its length, whether it has sound and says a place."""
    shape = shape_of(wish["kind"], tell)
    width, height = shape.upright
    return {
        "width": width,
        "height": height,
        "milliseconds": shape.milliseconds,
        "sounds": shape.sounds,
        "has_location": shape.has_location,
        "has_metadata": shape.has_metadata,
    }


def shape_of(kind: str, tell: Any) -> Shape:
    """Reads every packet of picture and sound, and decodes the first picture."""
    with streams.opened(kind) as film:
        picture, sound = streams.picture_and_sound(film)
        walk = _Walk(picture, os.fstat(streams.SOURCE).st_size, tell)
        for packet in film.demux([s for s in (picture, sound) if s]):
            walk.take(packet)
        if walk.first is None:
            raise FilmError("it has no picture that can be decoded", EXPORT)
        length = _length(walk, film)
        sounds = len(film.streams.audio) if sound else 0
        return _shape(film, picture, walk, length, sounds)


def poster(wish: dict[str, Any], out: int | None, tell: Any) -> dict[str, Any]:
    """A JPEG of a picture a third into the film or before, for pages and previews."""
    with streams.opened(wish["kind"]) as film:
        picture, _ = streams.picture_and_sound(film)
        film.seek((film.duration or 0) // 3)
        best = next(film.decode(picture), None)
        if best is None or out is None:
            raise FilmError("it has no picture that can be decoded", EXPORT)
        still: Image.Image = best.to_image()  # type: ignore[no-untyped-call]
        image = pixels.bare(still, max_side=_POSTER_SIDE)
    encoded = pixels.encoded(
        image, lossless=False, max_bytes=_POSTER_BYTES, kinds=frozenset({headers.JPEG})
    )
    if encoded is None:
        raise FilmError("no picture of it can be kept", EXPORT)
    streams.Descriptor(out).write(encoded[0])
    return {"bytes": len(encoded[0])}


class _Walk:
    """What the packets come to, one after the other."""

    def __init__(self, picture: VideoStream, size: int, tell: Any) -> None:
        self.picture, self.size, self.tell = picture, max(1, size), tell
        self.first: VideoFrame | None = None
        self.packets = self.all = 0
        self.begin: Fraction | None = None
        self.end = Fraction(0)
        self.plain = True

    def take(self, packet: Packet[Any]) -> None:
        """Count one packet; the first pictures are decoded."""
        if packet.dts is None and packet.pts is None:
            return
        self.all += 1
        if self.all > _MAX_PACKETS:
            raise FilmError("it is built of too many pieces", EXPORT)
        if packet.pos:
            self.tell(packet.pos / self.size)
        ours = packet.stream.index == self.picture.index
        self._measure(packet)
        if not ours:
            return
        self.packets += 1
        self.plain = self.plain and not (packet.is_discard or packet.is_corrupt)
        if self.packets == 1:
            self.plain = self.plain and packet.is_keyframe
        if self.first is None and self.packets <= _FIRST_WITHIN:
            self.first = next(iter(self.picture.decode(packet)), None)

    def _measure(self, packet: Packet[Any]) -> None:
        at = packet.pts if packet.pts is not None else packet.dts
        unit = packet.time_base
        if at is None or unit is None:
            return
        begin, end = at * unit, (at + (packet.duration or 0)) * unit
        if not packet.is_discard:
            self.begin = begin if self.begin is None else min(self.begin, begin)
        self.end = max(self.end, end)
        if (self.end - (self.begin or 0)) * 1000 > MAX_MILLISECONDS:
            raise FilmError(
                f"it is longer than {MAX_MILLISECONDS // 60_000} minutes, or says so", "cut it"
            )


def _length(walk: _Walk, film: InputContainer) -> int:
    length = round((walk.end - (walk.begin or 0)) * 1000)
    said = (film.duration or 0) // 1000
    if said * _MOST_MISSING > length + 2000:
        raise FilmError(
            f"it says it is {said / 1000:,.0f} seconds long and holds {length / 1000:,.1f}: "
            "it is cut short or damaged",
            EXPORT,
        )
    if length < 1:
        raise FilmError("it has no length", EXPORT)
    return length


def _shape(
    film: InputContainer, picture: VideoStream, walk: _Walk, length: int, sounds: int
) -> Shape:
    first, context = walk.first, picture.codec_context
    assert first is not None  # noqa: S101 - looked at by the caller
    rate = picture.guessed_rate or picture.average_rate or Fraction(30)
    counted = Fraction(walk.packets * 1000, length)
    said = [m for s in (film, *film.streams) for m in s.metadata]
    return Shape(
        codec=context.codec.canonical_name,
        width=first.width,
        height=first.height,
        turned=-first.rotation % 360,
        wide=_wide(picture),
        pixels=first.format.name,
        profile=str(picture.profile or ""),
        interlaced=first.interlaced_frame,
        rate=Fraction(rate) if 1 <= rate <= 1000 else Fraction(30),
        milliseconds=length,
        packets=walk.packets,
        sounds=sounds,
        plain=walk.plain,
        has_location=any(word in key.lower() for key in said for word in _PLACE_KEYS),
        has_metadata=any(key not in _NO_METADATA for key in said),
        fastest=counted,
        colours=(first.color_primaries, first.color_trc, first.colorspace),
        full_range=first.color_range == 2,
    )


def _wide(picture: VideoStream) -> Fraction:
    wide = picture.sample_aspect_ratio or Fraction(1)
    return Fraction(wide) if Fraction(1, 4) <= wide <= 4 else Fraction(1)

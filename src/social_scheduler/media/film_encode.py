"""Encodes pictures and sound of a film, the same bytes for the same film and libraries.

Runs in the process apart only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from social_scheduler.media.film_look import Shape
from social_scheduler.media.problems import FilmError
from social_scheduler.media.streams import EXPORT

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.bitstream import BitStreamFilterContext
    from av.container import InputContainer, OutputContainer
    from av.video.frame import VideoFrame

ONLY_PICTURES: Final = "filter_units=pass_types=1-5|7|8"
"""Takes everything else out of H.264: its SEI has room for any words."""
SOUND_RATE: Final = 128_000
_SOUND_HERTZ: Final = 48_000
_AT_ONCE = 4
"""Threads, always as many: their number decides which bytes come out."""


@dataclass(frozen=True, slots=True)
class Target:
    """How a copy is encoded; `bits` are a second's."""

    width: int
    height: int
    rate: Fraction
    bits: int
    sound_bits: int = SOUND_RATE


class Encoding:
    """H.264 into an MP4, the same bytes for the same pictures."""

    def __init__(self, made: OutputContainer, target: Target, shape: Shape | None = None) -> None:
        self.target, self._made = target, made
        self.frames = 0
        self._to = made.add_stream("libx264", rate=target.rate, options=_encoder(target))
        self._to.width, self._to.height = target.width, target.height
        self._to.pix_fmt = "yuv420p"
        self._to.codec_context.thread_type = "FRAME"
        self._to.codec_context.thread_count = _AT_ONCE
        self._to.codec_context.time_base = 1 / target.rate
        self._bare: BitStreamFilterContext | None = None
        if shape:
            told = (1, 1, 1) if shape.is_hdr else shape.colours
            context = self._to.codec_context
            context.color_primaries, context.color_trc, context.colorspace = told
            context.color_range = 1

    def take(self, frame: VideoFrame) -> None:
        """The next picture."""
        frame.pts = self.frames
        frame.time_base = 1 / self.target.rate
        frame.pict_type = 0  # else the encoder would begin anew where the original did
        self.frames += 1
        for packet in self._to.encode(frame):
            self._keep(packet)

    def end(self) -> None:
        """What the encoder still holds."""
        for packet in self._to.encode(None):
            self._keep(packet)
        self._keep(None)

    def _keep(self, packet: Any) -> None:
        from av.bitstream import BitStreamFilterContext

        self._bare = self._bare or BitStreamFilterContext(ONLY_PICTURES, self._to)
        for ours in self._bare.filter(packet):
            ours.stream = self._to
            self._made.mux(ours)


def _encoder(target: Target) -> dict[str, str]:
    return {
        "preset": "veryfast",
        "profile": "high",
        "crf": "20",
        "maxrate": str(target.bits),
        "bufsize": str(target.bits),
        "g": str(round(target.rate * 2)),
        "flags": "+bitexact",
    }


class Scaling:
    """Turns pictures upright and brings them to the sides and rate of the copy."""

    def __init__(self, frame: VideoFrame, unit: Fraction, shape: Shape, target: Target) -> None:
        from av.filter import Graph

        self._graph = Graph()
        self._graph.threads = 1
        steps: list[tuple[str, str]] = [("yadif", "deint=interlaced")] if shape.interlaced else []
        steps += {
            90: [("transpose", "clock")],
            180: [("hflip", ""), ("vflip", "")],
            270: [("transpose", "cclock")],
        }.get(shape.turned, [])
        steps += [
            ("scale", f"{target.width}:{target.height}:flags=lanczos:{_colours(shape)}"),
            ("setsar", "1"),
            ("format", "yuv420p"),
            ("fps", f"{target.rate.numerator}/{target.rate.denominator}:start_time=0"),
            ("buffersink", ""),
        ]
        nodes = [
            self._graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=unit
            )
        ]
        nodes += [self._graph.add(name, told or None) for name, told in steps]
        self._graph.link_nodes(*nodes).configure()
        self._left = int(shape.milliseconds * target.rate / 1000) + 120

    def scaled(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """The pictures that are ready; with None, the last ones."""
        import av

        self._graph.vpush(frame)
        while True:
            try:
                ready = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            self._left -= 1
            if self._left < 0:
                raise FilmError("it holds more pictures than its length allows", EXPORT)
            yield ready


def _colours(shape: Shape) -> str:
    """How the colours are brought to those of an ordinary screen."""
    told = "out_range=tv" + (":in_range=pc" if shape.full_range else "")
    if not shape.is_hdr:
        return told
    transfer = "smpte2084" if shape.colours[1] == 16 else "arib-std-b67"
    return (
        f"{told}:in_color_matrix=bt2020:in_primaries=bt2020:in_transfer={transfer}:"
        "out_color_matrix=bt709:out_primaries=bt709:out_transfer=bt709:intent=perceptual"
    )


class Sounding:
    """AAC into an MP4, gaps filled with silence so that it stays with the pictures."""

    def __init__(
        self,
        made: OutputContainer,
        source: AudioStream,
        film: InputContainer,
        bits: int = SOUND_RATE,
    ) -> None:
        self._made, self._source, self._film = made, source, film
        self._layout = "mono" if source.codec_context.channels == 1 else "stereo"
        self._to = made.add_stream("aac", rate=_SOUND_HERTZ, options={"flags": "+bitexact"})
        self._to.layout = self._layout
        self._to.bit_rate = bits if self._layout == "stereo" else bits * 3 // 4
        self._graph: Any = None
        self._written = 0

    def take(self, packet: Any) -> None:
        """The next packet."""
        for frame in self._source.decode(packet):
            if frame.pts is None:
                continue
            unit = frame.time_base or self._source.time_base or Fraction(1, _SOUND_HERTZ)
            frame.pts -= start_of(self._film, unit)
            self._graph = self._graph or self._graph_for(frame, unit)
            self._graph.push(frame)
            self._pull()

    def end(self) -> None:
        """What is still held back."""
        if self._graph:
            self._graph.push(None)
            self._pull()
        self._made.mux(self._to.encode(None))

    def _pull(self) -> None:
        import av

        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            frame.pts = self._written
            frame.time_base = Fraction(1, _SOUND_HERTZ)
            self._written += frame.samples
            self._made.mux(self._to.encode(frame))

    def _graph_for(self, frame: AudioFrame, unit: Fraction) -> Any:
        from av.filter import Graph

        graph = Graph()
        graph.threads = 1
        nodes = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format,
                layout=frame.layout,
                time_base=unit,
            ),
            graph.add("aresample", f"{_SOUND_HERTZ}:async=1:first_pts=0"),
            graph.add("aformat", f"fltp:{_SOUND_HERTZ}:{self._layout}"),
            graph.add("asetnsamples", "1024:p=0"),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


def start_of(film: InputContainer, unit: Fraction | None) -> int:
    """When the film begins, in a unit: everything is moved to begin at nothing."""
    return round(Fraction(film.start_time or 0, 1_000_000) / unit) if unit else 0

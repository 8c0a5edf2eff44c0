"""Makes moving pictures anew: as GIF, or as a film where a network has no GIF.

Runs in the process apart only.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from typing import Any, Final

from PIL import Image

from social_scheduler.media import pictures, pixels, streams
from social_scheduler.media.problems import FilmError

MAX_FRAMES: Final = 350
MAX_ALL_PIXELS: Final = 200_000_000
_BOX: Final = (1280, 1080)
_SMALLEST_SIDE = 64
_SHRINK = 0.8
_USUAL, _SHORTEST, _LONGEST = 100, 20, 10_000
_RATE = Fraction(25)
_SHORTER = "leave frames out, or save it smaller"


def as_gif(wish: dict[str, Any], out: int | None, tell: Any) -> dict[str, Any]:
    """All frames as a GIF of at most `max_bytes`, with nothing but their pixels and times."""
    frames, loops = _frames(tell)
    most, side = int(wish["max_bytes"]), int(wish["max_side"])
    box = (min(side, _BOX[0]), min(side, _BOX[1]))
    while True:
        data, size = _gif(frames, box, loops)
        tell(0.9)
        if len(data) <= most:
            break
        box = (int(size[0] * _SHRINK), int(size[1] * _SHRINK))
        if max(box) < _SMALLEST_SIDE:
            raise FilmError(f"it does not fit into {most:,} bytes, however small", _SHORTER)
    if out is not None:
        streams.Descriptor(out).write(data)
    return {
        "width": size[0],
        "height": size[1],
        "milliseconds": sum(shown for _, shown in frames),
        "sounds": 0,
        "natural": False,
    }


def as_film(wish: dict[str, Any], out: int | None, tell: Any) -> dict[str, Any]:
    """All frames once, as MP4 without sound."""
    from social_scheduler.media.film_encode import Encoding, Target

    if out is None:
        raise ValueError("a copy needs a file")
    frames, _ = _frames(tell)
    most, side = int(wish["max_bytes"]), int(wish["max_side"])
    size = _even(_within(frames[0][0].size, (side, side)))
    target = Target(*size, _RATE, 12_000_000)
    with streams.written(out) as made:
        encoding = Encoding(made, target)
        made.start_encoding()
        for picture in _at_rate(frames, size):
            encoding.take(picture)
        encoding.end()
    if streams.Descriptor(out).seek(0, 2) > most:
        raise FilmError(f"it does not fit into {most:,} bytes", _SHORTER)
    return {
        "width": size[0],
        "height": size[1],
        "milliseconds": round(encoding.frames * 1000 / _RATE),
        "sounds": 0,
        "natural": True,
    }


def _frames(tell: Any) -> tuple[list[tuple[Image.Image, int]], bool]:
    """Every frame as it looks and how many milliseconds it is shown; whether it begins again."""
    found: list[tuple[Image.Image, int]] = []
    file = BytesIO(streams.Descriptor(streams.SOURCE).read(pictures.MAX_FILE_BYTES + 1))
    with pictures.reading(file) as image:
        count = getattr(image, "n_frames", 1)
        if count > MAX_FRAMES:
            raise FilmError(f"it has {count} frames, more than {MAX_FRAMES}", _SHORTER)
        if count * image.width * image.height > MAX_ALL_PIXELS:
            raise FilmError(
                f"its frames have more than {MAX_ALL_PIXELS // 1_000_000} million pixels in all",
                _SHORTER,
            )
        for number in range(count):
            image.seek(number)
            frame = pixels.bare(image, max_side=max(image.size))
            shown = int(image.info.get("duration") or _USUAL)  # WEBP tells it once it is decoded
            found.append((frame, max(_SHORTEST, min(_LONGEST, shown)) // 10 * 10))
            tell(number / count * 0.5)
        return found, "loop" in image.info


def _gif(
    frames: list[tuple[Image.Image, int]], box: tuple[int, int], loops: bool
) -> tuple[bytes, tuple[int, int]]:
    size = _within(frames[0][0].size, box)
    clear = any(frame.mode == "RGBA" for frame, _ in frames)
    made = [_resized(frame, size).convert("RGBA" if clear else "RGB") for frame, _ in frames]
    out = BytesIO()
    options: dict[str, Any] = {"loop": 0} if loops else {}
    if clear:
        options["disposal"] = 2
    made[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=made[1:],
        duration=[shown for _, shown in frames],
        optimize=False,
        **options,
    )
    return out.getvalue(), size


def _at_rate(frames: list[tuple[Image.Image, int]], size: tuple[int, int]) -> Iterator[Any]:
    """Each frame as often as its time asks for."""
    import av

    shown, told = Fraction(0), 0
    for frame, milliseconds in frames:
        shown += Fraction(milliseconds, 1000) * _RATE
        picture = _resized(pixels.on_white(frame.convert("RGBA")), size)
        while told < round(shown) or told == 0:
            ready = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            yield ready.reformat(format="yuv420p")
            told += 1


def _within(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    by = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, int(size[0] * by)), max(1, int(size[1] * by))


def _even(size: tuple[int, int]) -> tuple[int, int]:
    return max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2)


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)

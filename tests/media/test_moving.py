"""Moving pictures are made anew, as GIF or as a film, with nothing but their frames and times."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from social_scheduler.media import FilmError, MediaStore, films

from . import files
from .files import limits

GIF = limits(moving_picture_bytes=15_000_000)
COLOURS = ("red", "green", "blue", "white")


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def moving(form: str = "GIF", count: int = 4, size: tuple[int, int] = (64, 49)) -> bytes:
    """So many frames, the second one shown for 300 ms and the others for 100."""
    frames = [Image.new("RGB", size, COLOURS[n % 4]) for n in range(count)]
    for number, frame in enumerate(frames):
        frame.putpixel((number % size[0], number % size[1]), (9, 9, number % 256))
    times = [300 if number == 1 else 100 for number in range(count)]
    more: dict[str, Any] = (
        {"comment": b"SecretComment"} if form == "GIF" else {"exif": files.exif(gps=True)}
    )
    if form == "WEBP":
        more |= {"lossless": True}
    return files.encode(
        frames[0], form, save_all=True, append_images=frames[1:], duration=times, loop=0, **more
    )


def large(gif: bytes) -> bytes:
    """Small frames on a canvas of 16 million pixels."""
    return gif[:6] + struct.pack("<HH", 4000, 4000) + gif[10:]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_all_frames_and_their_times_stay_and_nothing_else(
    media: MediaStore, tmp_path: Path, form: str
) -> None:
    source = files.write(tmp_path, "a", moving(form))
    made = media.derive(source, GIF)
    assert (made.kind, made.width, made.height, made.milliseconds) == ("image/gif", 64, 49, 600)
    data = media.path(made.sha256).read_bytes()
    assert b"Secret" not in data
    with Image.open(BytesIO(data)) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
        assert image.info["loop"] == 0
        for number, shown in enumerate((100, 300, 100, 100)):
            image.seek(number)
            assert image.info["duration"] == shown
            assert image.convert("RGB").getpixel((40, 40)) == Image.new(
                "RGB", (1, 1), COLOURS[number]
            ).getpixel((0, 0))
    assert media.derive(source, GIF) == made


def test_where_no_gif_is_taken_it_is_a_film_that_plays_once(
    media: MediaStore, tmp_path: Path
) -> None:
    made = media.derive(files.write(tmp_path, "a.gif", moving()), limits())
    assert (made.kind, made.width, made.height, made.milliseconds) == ("video/mp4", 64, 48, 600)
    assert made.poster
    with av.open(str(media.path(made.sha256))) as film:
        assert [s.type for s in film.streams] == ["video"]
        assert len(list(film.decode(video=0))) == 15


def test_where_neither_is_taken_it_is_refused(media: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="it moves, and this network takes no films: save one"):
        media.derive(files.write(tmp_path, "a.gif", moving()), limits(films=0))


def test_it_is_made_smaller_until_it_fits(media: MediaStore, tmp_path: Path) -> None:
    frames = [Image.effect_noise((300, 200), 90 + n).convert("RGB") for n in range(3)]
    data = files.encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    source = files.write(tmp_path, "a.gif", data)
    made = media.derive(source, limits(moving_picture_bytes=60_000))
    assert made.bytes <= 60_000
    assert 64 <= made.width < 300
    with pytest.raises(FilmError, match="does not fit into 500 bytes, however small"):
        media.derive(source, limits(moving_picture_bytes=500))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (moving(count=400, size=(8, 8)), "400 frames, more than 350"),
        (large(moving(count=20)), "more than 200 million pixels in all"),
        (moving()[:-40], "damaged or cut short"),
    ],
    ids=["frames", "pixels", "short"],
)
def test_a_flood_of_frames_is_refused(
    media: MediaStore, tmp_path: Path, data: bytes, reason: str
) -> None:
    with pytest.raises(FilmError, match=reason):
        media.derive(files.write(tmp_path, "a.gif", data), GIF)


def test_a_gif_needs_no_pyav(
    media: MediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "available", lambda: False)
    source = files.write(tmp_path, "a.gif", moving())
    assert media.derive(source, GIF).kind == "image/gif"
    with pytest.raises(FilmError, match=r"social-scheduler\[video\]"):
        media.derive(source, limits())

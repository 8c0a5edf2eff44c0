"""Films are published as MP4 of H.264 and AAC that says nothing of where, when and by whom."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import av
import pytest
from PIL import Image

from social_scheduler.media import FilmError, MediaStore, boxes, films, inspect
from social_scheduler.media.store import Derivative

from . import filming
from .files import limits

LIMITS = limits()


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


@pytest.fixture(scope="session")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film as a phone makes it: it tells place, author and more. Never changed."""
    return filming.film(tmp_path_factory.mktemp("films") / "phone.mp4", said=filming.SECRETS)


def frames(media: MediaStore, made: Derivative) -> list[Image.Image]:
    with av.open(str(media.path(made.sha256))) as film:
        return [f.to_image() for f in film.decode(video=0)]  # type: ignore[no-untyped-call]


def is_red(picture: Image.Image, at: tuple[int, int]) -> bool:
    red, green, _ = picture.getpixel(at)  # type: ignore[misc]
    return bool(red > 150 and green < 100)


def test_a_film_is_looked_through(phone: Path) -> None:
    film = inspect(phone)
    assert (film.kind, film.width, film.height, film.sounds) == ("video/mp4", 320, 180, 1)
    assert 990 <= film.milliseconds <= 1030
    assert film.moving
    assert film.has_location
    assert film.has_metadata
    assert film.bytes == phone.stat().st_size


@pytest.mark.parametrize("name", ["film.mp4", "film.mov", "film.webm", "hevc.mov"])
def test_every_kind_becomes_a_bare_mp4(media: MediaStore, tmp_path: Path, name: str) -> None:
    codec, sound = ("libvpx-vp9", "libopus") if name.endswith("webm") else ("libx264", "aac")
    if name.startswith("hevc"):
        codec = "libx265"
    source = filming.film(tmp_path / name, codec=codec, sound_codec=sound, said=filming.SECRETS)
    made = media.derive(source, LIMITS)
    assert (made.kind, made.width, made.height, made.milliseconds) == ("video/mp4", 320, 180, 1000)
    assert made.location_removed
    data = media.path(made.sha256).read_bytes()
    assert len(data) == made.bytes
    assert not [trace for trace in filming.TRACES if trace in data]
    assert data.index(b"moov") < data.index(b"mdat")
    again = inspect(media.path(made.sha256))
    assert not again.has_location
    assert not again.has_metadata
    with av.open(str(media.path(made.sha256))) as film:
        assert [s.codec_context.name for s in film.streams] == ["h264", "aac"]
        assert film.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert len(frames(media, made)) == 25


def test_the_same_film_gives_the_same_bytes(phone: Path, tmp_path: Path) -> None:
    for limited in (LIMITS, limits(film_side=160)):
        made = {MediaStore(tmp_path / name).derive(phone, limited).sha256 for name in ("a", "b")}
        assert len(made) == 1
        shutil.rmtree(tmp_path / "a")
        shutil.rmtree(tmp_path / "b")


def test_pictures_that_fit_stay_as_they_are(phone: Path, media: MediaStore) -> None:
    """Encoding them again would only make them worse."""
    kept = frames(media, media.derive(phone, LIMITS))
    with av.open(str(phone)) as film:
        original = [f.to_image() for f in film.decode(video=0)]  # type: ignore[no-untyped-call]
    assert [k.tobytes() for k in kept] == [o.tobytes() for o in original]


def test_networks_with_equal_needs_share_one_copy(
    phone: Path, media: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = media.derive(phone, LIMITS)
    monkeypatch.setattr(films, "copy", None)
    for shared in (limits(film_bytes=9_000_000), limits(film_side=4000), limits(film_side=0)):
        assert media.derive(phone, shared) == first
    again = MediaStore(media.path(first.sha256).parents[1])
    assert again.derive(phone, LIMITS) == first


def test_a_film_is_scaled_and_squeezed_where_it_must(media: MediaStore, tmp_path: Path) -> None:
    source = filming.film(tmp_path / "a.mp4", size=(642, 362), noise=True)
    small = media.derive(source, limits(film_side=321))
    assert (small.width, small.height) == (320, 180)
    tight = media.derive(source, limits(film_bytes=60_000))
    assert tight.bytes <= 60_000
    assert tight.milliseconds == 1000
    assert tight.width % 2 == tight.height % 2 == 0
    with pytest.raises(FilmError, match="does not fit into 3,000 bytes"):
        media.derive(source, limits(film_bytes=3_000))


@pytest.mark.parametrize(("degrees", "red"), [(90, (168, 20)), (180, (300, 160)), (270, (12, 300))])
def test_a_film_stands_upright(
    media: MediaStore, phone: Path, tmp_path: Path, degrees: int, red: tuple[int, int]
) -> None:
    data = filming.with_turned_pictures(phone.read_bytes(), degrees)
    source = tmp_path / "turned.mp4"
    source.write_bytes(data)
    upright = (320, 180) if degrees == 180 else (180, 320)
    film = inspect(source)
    assert (film.width, film.height) == upright
    made = media.derive(source, LIMITS)
    assert (made.width, made.height) == upright
    assert is_red(frames(media, made)[0], red)
    assert not is_red(frames(media, made)[0], (90, 90))


def test_what_was_cut_away_is_really_gone(media: MediaStore, phone: Path, tmp_path: Path) -> None:
    """Phones cut by a note that says from where on to show."""
    data = bytearray(phone.read_bytes())
    at = data.index(b"elst") + 12
    begun = int.from_bytes(data[at + 4 : at + 8], "big")
    with av.open(str(phone)) as film:
        unit = film.streams.video[0].time_base or Fraction(1)
    data[at + 4 : at + 8] = (begun + int(Fraction(1, 2) / unit)).to_bytes(4, "big")
    source = tmp_path / "cut.mp4"
    source.write_bytes(bytes(data))
    made = media.derive(source, LIMITS)
    shown = frames(media, made)
    assert is_red(frames(media, media.derive(phone, LIMITS))[0], (5, 30))
    assert not is_red(shown[0], (5, 30))
    assert is_red(shown[0], (60, 30))
    assert len(shown) in (12, 13)


@pytest.mark.parametrize("rate", [120, 10])
def test_no_more_than_sixty_pictures_a_second(media: MediaStore, tmp_path: Path, rate: int) -> None:
    made = media.derive(filming.film(tmp_path / "a.mp4", rate=rate, sound=False), LIMITS)
    assert len(frames(media, made)) == min(60, rate)
    assert made.milliseconds == 1000


def test_odd_sides_and_other_colours_become_usual_ones(media: MediaStore, tmp_path: Path) -> None:
    source = filming.film(tmp_path / "a.mp4", size=(161, 91), pixels="yuv444p", sound=False)
    made = media.derive(source, LIMITS)
    assert (made.width, made.height) == (160, 90)


def test_of_several_soundtracks_the_first_goes_out(media: MediaStore, tmp_path: Path) -> None:
    source = filming.film(tmp_path / "a.mp4", soundtracks=2)
    assert inspect(source).sounds == 2
    assert inspect(media.path(media.derive(source, LIMITS).sha256)).sounds == 1


def test_a_film_has_a_poster_that_is_made_again_when_lost(media: MediaStore, phone: Path) -> None:
    made = media.derive(phone, LIMITS)
    poster = inspect(media.path(made.poster))
    assert (poster.kind, poster.width, poster.height) == ("image/jpeg", 320, 180)
    assert not poster.has_metadata
    for note in (media.path(made.sha256).parents[1] / "derived").iterdir():
        note.unlink()
    media.path(made.poster).unlink()
    assert media.poster(made.sha256) == made.poster
    assert media.exists(made.poster)


def test_a_poster_that_many_ask_for_at_once_is_made_once(
    media: MediaStore, phone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = media.derive(phone, LIMITS)
    media.path(made.poster).unlink()
    begun: list[object] = []
    make = films.poster

    def noted(film: BinaryIO, out: BinaryIO) -> None:
        begun.append(film)
        make(film, out)

    monkeypatch.setattr(films, "poster", noted)
    with ThreadPoolExecutor(4) as pool:
        posters = set(pool.map(media.poster, [made.sha256] * 4))
    assert posters == {made.poster}
    assert len(begun) == 1


def test_a_film_that_is_too_long_for_a_network_is_not_cut_by_us(
    media: MediaStore, phone: Path
) -> None:
    with pytest.raises(FilmError, match=r"1\.0 seconds long, and this network takes 0: cut it"):
        media.derive(phone, limits(film_milliseconds=400))
    with pytest.raises(FilmError, match="takes no films"):
        media.derive(phone, limits(films=0))


def test_progress_is_told(media: MediaStore, tmp_path: Path) -> None:
    source = filming.film(tmp_path / "a.mp4", size=(1280, 720), seconds=3)
    told: list[float] = []
    media.derive(source, limits(film_side=640), told.append)
    assert len(told) > 1
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1


def test_without_pyav_a_film_is_refused_with_what_to_install(
    media: MediaStore, phone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "available", lambda: False)
    source = tmp_path / "a.mp4"
    source.write_bytes(phone.read_bytes())
    with pytest.raises(FilmError, match=r"pip install social-scheduler\[video\]"):
        media.derive(source, LIMITS)


def test_a_film_that_changes_while_it_is_read_is_not_kept(
    media: MediaStore, phone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(phone.read_bytes())
    copy = films.copy

    def meanwhile(*args: object, **options: object) -> films.Made:
        made = copy(*args, **options)  # type: ignore[arg-type]
        with source.open("ab") as file:
            file.write(filming.box(b"free", b""))
        return made

    monkeypatch.setattr(films, "copy", meanwhile)
    with pytest.raises(FilmError, match="changed while it was read"):
        media.derive(source, LIMITS)


def test_nothing_is_left_behind_when_a_film_is_refused(
    media: MediaStore, phone: Path, tmp_path: Path
) -> None:
    with pytest.raises(FilmError):
        media.derive(phone, limits(film_bytes=500))
    assert [p for p in (tmp_path / "media").rglob("*") if p.is_file()] == []


def test_our_own_copies_hold_nothing_besides(media: MediaStore, phone: Path) -> None:
    data = media.path(media.derive(phone, LIMITS).sha256).read_bytes()
    for name in (b"uuid", b"free", b"skip", b"meta"):
        more = data + filming.box(name, b"Secret words that nobody approved")
        with pytest.raises(FilmError, match="besides"):
            boxes.require_clean(BytesIO(more), len(more))


def test_bright_colours_are_brought_to_those_of_ordinary_screens(
    media: MediaStore, tmp_path: Path
) -> None:
    """Phones film so; a network's viewers would see them grey."""
    source = filming.film(
        tmp_path / "a.mov", codec="libx265", pixels="yuv420p10le", colours=(9, 18, 9), sound=False
    )
    made = media.derive(source, LIMITS)
    with av.open(str(media.path(made.sha256))) as film:
        first = next(film.decode(video=0))
    assert (first.color_primaries, first.color_trc, first.colorspace) == (1, 1, 1)
    assert first.format.name == "yuv420p"
    kept = filming.film(tmp_path / "b.mp4", size=(322, 180), colours=(1, 1, 1), sound=False)
    with av.open(str(media.path(media.derive(kept, limits(film_side=160)).sha256))) as film:
        first = next(film.decode(video=0))
    assert (first.color_primaries, first.color_trc, first.colorspace) == (1, 1, 1)

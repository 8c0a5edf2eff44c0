"""Films made to do harm are refused with a reason, in time, and reach nothing outside themselves."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from social_scheduler.media import FilmError, MediaError, MediaStore, apart, films, inspect

from . import filming
from .files import limits, write


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small film, picture and sound."""
    path = tmp_path_factory.mktemp("films") / "honest.mp4"
    return filming.film(path, size=(64, 48)).read_bytes()


def refused(folder: Path, data: bytes, reason: str, name: str = "film.mp4") -> None:
    """The file is refused when it is looked at, and when a copy is to be made."""
    path = write(folder, name, data)
    with pytest.raises(MediaError, match=reason) as error:
        inspect(path)
    assert error.value.remedy
    with pytest.raises(MediaError, match=reason):
        MediaStore(folder / "media").derive(path, limits())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_film_cut_short_is_refused(tmp_path: Path, honest: bytes, share: float) -> None:
    refused(tmp_path, honest[: int(len(honest) * share)], "cut short")


def test_a_webm_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    filming.film(path, size=(64, 48), seconds=20, rate=5, codec="libvpx", sound=False, noise=True)
    data = path.read_bytes()
    refused(tmp_path, data[: len(data) // 2], "cut short", "cut.webm")


def test_a_picture_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = filming.film(tmp_path / "a.mp4", size=(4200, 2400), rate=1, sound=False)
    refused(tmp_path, path.read_bytes(), "more than 9,500,000 pixels", "b.mp4")


def test_a_film_that_says_it_never_ends_is_refused(tmp_path: Path, honest: bytes) -> None:
    at = honest.index(b"stts") + 8  # version and flags, how many entries, the first one
    endless = honest[: at + 8] + b"\x7f\xff\xff\xff" + honest[at + 12 :]
    refused(tmp_path, endless, "longer than 60 minutes, or says so")


def test_a_length_that_is_only_claimed_is_refused(tmp_path: Path) -> None:
    path = filming.film(tmp_path / "a.webm", size=(64, 48), codec="libvpx", sound=False)
    data = path.read_bytes()
    at = data.index(b"\x44\x89\x88")  # the length as a number with eight bytes
    claimed = data[: at + 3] + b"\x41\x6d\xcd\x65\x00\x00\x00\x00" + data[at + 11 :]
    refused(tmp_path, claimed, "it says it is .* seconds long and holds 1.0", "b.webm")


@pytest.mark.parametrize("tracks", [40, 5000])
def test_a_flood_of_tracks_is_refused(tmp_path: Path, honest: bytes, tracks: int) -> None:
    track = filming.box(b"trak", filming.box(b"tkhd", bytes(84)))
    flood = honest + filming.box(b"moov", filming.box(b"mvhd", bytes(100)) + track * tracks)
    refused(tmp_path, flood, "more than 32 tracks")


def test_a_flood_of_boxes_is_refused(tmp_path: Path, honest: bytes) -> None:
    refused(tmp_path, honest + filming.box(b"free", b"") * 30_000, "too many boxes")
    nested = b""
    for _ in range(40):
        nested = filming.box(b"udta", nested)
    refused(tmp_path, honest + nested, "too many boxes", "nested.mp4")


@pytest.mark.parametrize(
    "address", [b"file:///etc/passwd\0", b"http://127.0.0.1:9/a\0", b"https://example.org/a.mp4\0"]
)
def test_a_film_whose_bytes_lie_elsewhere_is_refused(
    tmp_path: Path, honest: bytes, address: bytes
) -> None:
    elsewhere = filming.with_data_elsewhere(honest, address)
    refused(tmp_path, elsewhere, "lie in another file or at an address")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a JPEG, PNG, GIF or WEBP picture"),
        (filming.box(b"ftyp", b"isomiso2") + b"#EXTM3U\nhttp://127.0.0.1/a.ts\n", "cut short"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a JPEG, PNG, GIF or WEBP picture"),
        (b"RIFF\x00\x10\x00\x00AVI LIST", "not a JPEG, PNG, GIF or WEBP picture"),
        (b"\x1aE\xdf\xa3\x93\x42\x82\x88matroska" + bytes(50), "not a JPEG, PNG, GIF or WEBP"),
        (b"\x1aE\xdf\xa3\x9f\x42\x82\x84webm" + bytes(50), "damaged or cut short"),
        (filming.box(b"ftyp", b"isomiso2"), "it has no index"),
        (filming.box(b"ftyp", b"qt  ") + filming.box(b"moov", filming.box(b"rmra", b"")), "lies"),
        (filming.box(b"ftyp", b"qt  ") + filming.box(b"moov", filming.box(b"cmov", b"")), "packed"),
        (filming.box(b"ftyp", b"isom") + filming.box(b"moov", b""), "damaged|no picture"),
    ],
)
def test_what_is_no_film_of_ours_is_refused_whatever_its_name(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    refused(tmp_path, data, reason)


def test_a_film_that_is_an_archive_or_a_page_too_is_refused(tmp_path: Path, honest: bytes) -> None:
    archive = honest + filming.box(b"free", b"PK\x05\x06" + bytes(18))
    refused(tmp_path, archive, "another kind of file at once")
    page = filming.box(b"ftyp", b"isomiso2<script>alert(1)</script>") + honest[32:]
    refused(tmp_path, page, "another kind of file at once", "page.mp4")


def test_an_unusual_encoding_is_named(tmp_path: Path) -> None:
    path = filming.film(tmp_path / "a.mp4", codec="mpeg4", sound=False)
    refused(tmp_path, path.read_bytes(), "encoded as mpeg4", "b.mp4")
    only_sound = filming.film(tmp_path / "c.mp4", seconds=0.2).read_bytes()
    hidden = only_sound.replace(b"vide", b"meta")
    refused(tmp_path, hidden, "no picture", "d.mp4")


def test_a_film_that_would_take_forever_is_given_up(
    tmp_path: Path, honest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "a.mp4", honest)
    monkeypatch.setattr(films, "_LOOK_SECONDS", 0.02)
    began = time.monotonic()
    with pytest.raises(FilmError, match="working on it took longer than"):
        inspect(path)
    assert time.monotonic() - began < 30


def test_a_film_that_would_take_all_memory_is_given_up(
    tmp_path: Path, honest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "a.mp4", honest)
    monkeypatch.setattr(apart, "MEMORY", 150_000_000)
    with pytest.raises(FilmError, match=r"memory|made to do harm|damaged|process"):
        inspect(path)


def test_the_process_apart_gets_no_key_of_ours(
    tmp_path: Path, honest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = subprocess.Popen
    seen: list[dict[str, str]] = []

    def noted(*args: object, **options: object) -> object:
        seen.append(options["env"])  # type: ignore[arg-type]
        return started(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", noted)
    monkeypatch.setenv("SOCIAL_SCHEDULER_KEY", "canary-of-a-key")
    inspect(write(tmp_path, "a.mp4", honest))
    assert seen
    assert not [e for e in seen if "canary-of-a-key" in str(e)]


def test_the_process_apart_can_open_nothing(tmp_path: Path) -> None:
    """Neither a file nor a connection, once it has what it needs."""
    program = (
        "import resource, socket\n"
        "from social_scheduler.media import inside, works\n"
        "works.load()\n"
        "inside._limit(resource.RLIMIT_NOFILE, 0)\n"
        "for attempt in (lambda: open('/etc/hostname'), lambda: socket.socket()):\n"
        "    try:\n"
        "        attempt()\n"
        "        print('opened')\n"
        "    except OSError as error:\n"
        "        print(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["24", "24"]


def test_the_process_apart_gains_no_rights() -> None:
    program = (
        "from social_scheduler.media import inside\n"
        "inside._renounce()\n"
        "print(open('/proc/self/status').read())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "NoNewPrivs:\t1" in done.stdout


def test_what_the_process_apart_leaves_behind_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film that took the decoder over starts a process that keeps the pipe open, and says no."""
    started = subprocess.Popen
    alive, held = os.pipe()
    program = "import os, signal\nos.fork() or signal.pause()\nprint('{}', flush=True)"

    def taken_over(_: object, **options: object) -> object:
        options["pass_fds"] = (held,)
        return started([sys.executable, "-c", program], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", taken_over)
    began = time.monotonic()
    with (
        write(tmp_path, "a.mp4", b"").open("rb") as film,
        pytest.raises(FilmError, match="took longer than"),
    ):
        apart.work("look", film, {}, seconds=3)
    assert time.monotonic() - began < 30
    os.close(held)
    assert select.select([alive], [], [], 30)[0], "it runs on"
    assert os.read(alive, 1) == b""
    os.close(alive)


@pytest.mark.parametrize("said", [b"x" * 100_000, b"[]\n", b'{"done": 0.5}\n', b'{"width": 1'])
def test_what_the_process_apart_must_not_say_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    started = subprocess.Popen
    program = f"import sys; sys.stdout.buffer.write({said!r})"

    def talking(_: object, **options: object) -> object:
        return started([sys.executable, "-c", program], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", talking)
    with (
        write(tmp_path, "a.mp4", b"").open("rb") as film,
        pytest.raises(FilmError, match=r"made to do harm|process"),
    ):
        apart.work("look", film, {}, seconds=60)


@given(st.data())
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damage_is_refused_and_never_anything_else(
    tmp_path_factory: pytest.TempPathFactory, honest: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(honest)
    for _ in range(data.draw(st.integers(1, 30))):
        damaged[data.draw(st.integers(12, len(honest) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("damaged")
    path = write(folder, "a.mp4", bytes(damaged))
    try:
        MediaStore(folder / "media").derive(path, limits(film_side=32))
    except MediaError as error:
        assert error.reason  # noqa: PT017
        assert error.remedy  # noqa: PT017

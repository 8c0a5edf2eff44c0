"""Pictures are looked at without trust, and published without what could harm people."""

from __future__ import annotations

import hashlib
import os
import struct
import time
import tracemalloc
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from social_scheduler.media import pictures
from social_scheduler.media.pictures import clean, decode_check, inspect
from social_scheduler.media.problems import PictureError

from . import files

LIMITS: dict[str, Any] = {"max_bytes": 5_000_000, "max_side": 4096}
TRACES = (
    b"Exif",
    b"GPS",
    b"http://ns.adobe.com",
    b"xmpmeta",
    b"Photoshop",
    b"8BIM",
    b"Mosul",
    b"Secret",
)


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_a_phone_photo_loses_its_place_and_all_else_it_says(tmp_path: Path) -> None:
    path = files.write(tmp_path, "a.jpg", files.tagged_jpeg())
    looked = inspect(path)
    assert (looked.kind, looked.width, looked.height) == ("image/jpeg", 64, 48)
    assert looked.bytes == path.stat().st_size
    assert looked.has_location
    assert looked.has_metadata

    data, kind = clean(path, **LIMITS)
    assert kind == "image/jpeg"
    assert not [trace for trace in TRACES if trace in data]
    again = inspect(files.write(tmp_path, "b.jpg", data))
    assert not again.has_location
    assert not again.has_metadata


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_place_is_found_in_every_kind(tmp_path: Path, form: str) -> None:
    with_gps = files.encode(files.gradient(), form, exif=files.exif(gps=True))
    without = files.encode(files.gradient(), form, exif=files.exif())
    bare = files.encode(files.gradient(), form)
    found = [inspect(files.write(tmp_path, "a", data)) for data in (with_gps, without, bare)]
    assert [picture.has_location for picture in found] == [True, False, False]
    assert [picture.has_metadata for picture in found] == [True, True, False]


def test_a_place_named_in_words_counts_as_a_place(tmp_path: Path) -> None:
    place = b"\x1c\x02\x5a" + struct.pack(">H", 5) + b"Mosul"
    body = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + struct.pack(">I", len(place)) + place
    data = files.segment(files.encode(files.gradient(), "JPEG"), 0xED, body)
    assert inspect(files.write(tmp_path, "a.jpg", data)).has_location


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_metadata_that_cannot_be_read_counts_as_a_place(tmp_path: Path) -> None:
    body = b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x02\x88\x25\x00\x04\x00\x00\x00\x01\xff\xff\xff"
    data = files.segment(files.encode(files.gradient(), "JPEG"), 0xE1, body)
    path = files.write(tmp_path, "a.jpg", data)
    assert inspect(path).has_metadata
    assert b"Exif" not in clean(path, **LIMITS)[0]


def test_the_words_in_a_png_go(tmp_path: Path) -> None:
    path = files.write(tmp_path, "a.png", files.png_with_words())
    assert inspect(path).has_location
    data, kind = clean(path, **LIMITS)
    assert kind == "image/png"
    for name in (b"tEXt", b"iTXt", b"eXIf", b"iCCP", *TRACES):
        assert name not in data
    assert opened(data).tobytes() == files.gradient().tobytes()


@pytest.mark.parametrize("name", [b"tEXt", b"prIv", b"IDAT"])
@pytest.mark.parametrize("at", [33, -12], ids=["before the pixels", "behind them"])
def test_a_png_of_countless_chunks_is_refused_in_time(tmp_path: Path, name: bytes, at: int) -> None:
    png = files.encode(files.gradient(), "PNG")
    flood = files.chunk(name, b"") * 4_000_000
    path = files.write(tmp_path, "a.png", png[:at] + flood + png[at:])
    began = time.process_time()
    with pytest.raises(PictureError, match="says too much besides its pixels") as error:
        inspect(path)
    assert error.value.remedy
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("flood", "end"),
    [(b"\x21\xfe\x01a\0", b""), (b"\x01a", b"\0")],
    ids=["comments", "one comment"],
)
@pytest.mark.parametrize("second", [False, True])
def test_a_gif_of_countless_comments_is_refused_in_time(
    tmp_path: Path, flood: bytes, end: bytes, second: bool
) -> None:
    frames = [files.gradient().quantize(), files.gradient().rotate(180).quantize()]
    gif = files.encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    path = files.write(tmp_path, "a.gif", gif)
    inspect(path)
    at = gif.rindex(b"\x21\xf9") if second else 13 + 3 * (2 << (gif[10] & 7))
    path.write_bytes(gif[:at] + (b"\x21\xfe" if end else b"") + flood * 5_000_000 + end + gif[at:])
    began = time.process_time()
    with pytest.raises(PictureError, match="says too much besides its pixels"):
        inspect(path)
    assert time.process_time() - began < 5


def test_a_png_that_says_megabytes_is_refused(tmp_path: Path) -> None:
    png = files.encode(files.gradient(), "PNG")
    said = files.chunk(b"tEXt", b"Comment\0" + bytes(1_000_000))
    inspect(files.write(tmp_path, "a.png", png[:-12] + said * 8 + png[-12:]))
    with pytest.raises(PictureError, match="says too much"):
        inspect(files.write(tmp_path, "b.png", png[:-12] + said * 9 + png[-12:]))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_flag_says(tmp_path: Path, orientation: int) -> None:
    path = files.write(
        tmp_path,
        "a.png",
        files.encode(files.gradient(), "PNG", exif=files.exif(orientation=orientation)),
    )
    turned = opened(clean(path, **LIMITS)[0])
    assert turned.size == ((64, 48) if orientation < 5 else (48, 64))
    assert turned.getexif().get(0x0112) is None
    assert (turned.tobytes() == files.gradient().tobytes()) is (orientation == 1)


@pytest.mark.parametrize(
    "data",
    [
        files.png_of_size(50_000, 50_000),
        files.png_of_size(7000, 7000),
        files.webp_of_size(16_000, 16_000),
    ],
)
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, data: bytes) -> None:
    path = files.write(tmp_path, "bomb.png", data)
    tracemalloc.start()
    try:
        with pytest.raises(PictureError, match="more than 40 million pixels"):
            inspect(path)
        with pytest.raises(PictureError, match="more than 40 million pixels"):
            clean(path, **LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_file_cut_short_is_refused(tmp_path: Path, form: str) -> None:
    whole = files.encode(files.gradient((300, 200)), form)
    decode_check(files.write(tmp_path, "whole", whole))
    path = files.write(tmp_path, "cut", whole[: len(whole) * 2 // 3])
    with pytest.raises(PictureError, match="damaged or cut short"):
        decode_check(path)
    with pytest.raises(PictureError, match="damaged or cut short"):
        clean(path, **LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'<?xml version="1.0"?><svg/>',
        b"These are words, not a picture.",
        b"",
        b"BM" + bytes(60),
        b"%PDF-1.7",
        b"\x00\x00\x00\x20ftypheic" + bytes(40),
    ],
)
def test_what_is_no_picture_is_refused_whatever_its_name(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(PictureError, match="not a JPEG, PNG, GIF or WEBP picture: open it in"):
        inspect(files.write(tmp_path, "photo.jpg", data))


@pytest.mark.parametrize(
    "data",
    [
        files.segment(files.encode(files.gradient(), "JPEG"), 0xFE, b"<SCRIPT>alert(1)</script>"),
        files.encode(files.gradient(), "PNG") + b"PK\x05\x06" + bytes(18),
        files.encode(files.gradient(), "GIF", comment=b"<?php system(1);"),
    ],
)
def test_a_picture_that_is_something_else_too_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(PictureError, match="another kind of file at once"):
        inspect(files.write(tmp_path, "a.jpg", data))


def test_a_large_file_is_refused_by_its_size_alone(tmp_path: Path) -> None:
    path = files.write(tmp_path, "a.jpg", b"")
    os.truncate(path, 60_000_000)
    with pytest.raises(PictureError, match=r"60,000,000 bytes, more than 50,000,000: save it"):
        inspect(path)
    with pytest.raises(PictureError, match="more than 10"):
        inspect(path, max_bytes=10)


def test_a_folder_or_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing.jpg"):
        with pytest.raises(PictureError, match="is not a file"):
            inspect(path)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_a_moving_picture_is_refused(tmp_path: Path, form: str) -> None:
    frames = [files.gradient(), Image.new("RGB", (64, 48), "red")]
    data = files.encode(frames[0], form, save_all=True, append_images=frames[1:])
    path = files.write(tmp_path, "a", data)
    assert inspect(path).moving
    with pytest.raises(PictureError, match="save one still picture"):
        clean(path, **LIMITS)


def test_a_photo_with_a_second_picture_inside_is_no_moving_picture(tmp_path: Path) -> None:
    """As phones store a map of brightness or depth."""
    data = files.encode(
        files.gradient(), "MPO", save_all=True, append_images=[files.gradient((32, 24))]
    )
    path = files.write(tmp_path, "a.jpg", data)
    assert not inspect(path).moving
    assert opened(clean(path, **LIMITS)[0]).size == (64, 48)


def test_a_still_gif_becomes_a_png(tmp_path: Path) -> None:
    path = files.write(tmp_path, "a.gif", files.encode(files.gradient(), "GIF"))
    data, kind = clean(path, **LIMITS)
    assert kind == "image/png"
    assert opened(data).convert("RGB").size == (64, 48)


@pytest.mark.parametrize(
    ("mode", "form", "kind", "result"),
    [
        ("CMYK", "JPEG", "image/jpeg", "RGB"),
        ("L", "JPEG", "image/jpeg", "L"),
        ("1", "PNG", "image/png", "L"),
        ("P", "PNG", "image/png", "RGB"),
        ("RGBA", "PNG", "image/png", "RGB"),
        ("LA", "PNG", "image/png", "RGB"),
        ("RGB", "WEBP", "image/jpeg", "RGB"),
    ],
)
def test_every_way_of_storing_colour_comes_out_plain(
    tmp_path: Path, mode: str, form: str, kind: str, result: str
) -> None:
    path = files.write(tmp_path, "a", files.encode(files.gradient(mode=mode), form))
    data, got = clean(path, **LIMITS)
    assert (got, opened(data).mode, opened(data).size) == (kind, result, (64, 48))


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    deep = Image.new("I;16", (8, 8), 0x8000)
    data, _ = clean(files.write(tmp_path, "a.png", files.encode(deep, "PNG")), **LIMITS)
    assert opened(data).getpixel((0, 0)) == 0x80


def test_what_was_made_transparent_is_really_gone(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (200, 10, 10, 0))
    image.putpixel((0, 0), (1, 2, 3, 255))
    data, kind = clean(files.write(tmp_path, "a.png", files.encode(image, "PNG")), **LIMITS)
    assert kind == "image/png"
    assert opened(data).getpixel((0, 0)) == (1, 2, 3, 255)
    assert opened(data).getpixel((4, 4)) == (0, 0, 0, 0)


def test_colours_are_brought_into_srgb_and_a_broken_profile_is_left_out(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (lab, b"no profile at all"):
        data = files.encode(files.gradient(), "PNG", icc_profile=profile)
        cleaned, _ = clean(files.write(tmp_path, "a.png", data), **LIMITS)
        assert b"iCCP" not in cleaned
        assert opened(cleaned).mode == "RGB"


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = files.write(tmp_path, "a.jpg", files.tagged_jpeg(orientation=6))
    assert clean(path, **LIMITS) == clean(path, **LIMITS)
    assert opened(clean(path, **LIMITS)[0]).size == (48, 64)


def test_a_picture_is_made_smaller_only_where_it_must(tmp_path: Path) -> None:
    grain = hashlib.shake_256(b"grain").digest(400 * 300)
    noise = Image.frombytes("L", (400, 300), grain).convert("RGB")
    path = files.write(tmp_path, "a.png", files.encode(noise, "PNG"))
    assert opened(clean(path, max_bytes=5_000_000, max_side=400)[0]).size == (400, 300)
    assert opened(clean(path, max_bytes=5_000_000, max_side=200)[0]).size == (200, 150)
    data, kind = clean(path, max_bytes=100_000, max_side=400)
    assert kind == "image/jpeg"
    assert len(data) <= 100_000
    assert opened(data).size == (400, 300)
    assert len(clean(path, max_bytes=5_000, max_side=400)[0]) <= 5_000
    with pytest.raises(PictureError, match="does not fit into 50 bytes"):
        clean(path, max_bytes=50, max_side=400)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damage_is_refused_and_never_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = data.draw(st.sampled_from(WHOLE))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 12))):
        damaged[data.draw(st.integers(12, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = files.write(tmp_path_factory.getbasetemp(), "damaged", bytes(damaged))
    try:
        inspect(path)
        clean(path, max_bytes=100_000, max_side=100)
    except PictureError as error:
        assert error.reason  # noqa: PT017
        assert error.remedy  # noqa: PT017


WHOLE = [
    files.tagged_jpeg(),
    files.png_with_words(),
    files.encode(files.gradient(), "GIF"),
    files.encode(files.gradient(), "WEBP", exif=files.exif(gps=True)),
    files.encode(files.gradient(mode="CMYK"), "JPEG"),
]


def test_looking_needs_no_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(pictures, "_load", never)
    for data in WHOLE:
        inspect(files.write(tmp_path, "a", data))

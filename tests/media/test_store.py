"""Files are kept under the digest of their bytes, and a changed one is never handed out."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from social_scheduler.media import MediaChanged, MediaStore, PictureError, blobs, pixels
from social_scheduler.text.webvtt import CaptionsError

from . import files

LIMITS = files.limits()
PNG = files.encode(files.gradient(), "PNG")
DIGEST = hashlib.sha256(PNG).hexdigest()


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def test_what_is_kept_is_found_by_its_digest(media: MediaStore) -> None:
    assert not media.exists(DIGEST)
    assert media.put(PNG, "image/png") == DIGEST
    assert media.put(PNG, "image/png") == DIGEST
    assert media.exists(DIGEST)
    with media.open(DIGEST) as file:
        assert file.read() == PNG
    with media.verified_open(DIGEST) as file:
        assert file.read() == PNG


def test_only_the_owner_may_read_it(media: MediaStore, tmp_path: Path) -> None:
    path = media.path(media.put(PNG, "image/png"))
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, tmp_path / "media"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_bytes_of_another_kind_are_not_kept(media: MediaStore) -> None:
    with pytest.raises(ValueError, match="are not image/jpeg"):
        media.put(PNG, "image/jpeg")


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, DIGEST + "\n"])
def test_only_a_digest_names_a_file(media: MediaStore, name: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256"):
        media.path(name)


def test_a_changed_file_is_noticed_and_can_be_put_right(media: MediaStore) -> None:
    path = media.path(media.put(PNG, "image/png"))
    path.write_bytes(PNG[:-1] + b"\x00")
    with pytest.raises(MediaChanged, match="was changed after it was approved"):
        media.verified_open(DIGEST)
    media.put(PNG, "image/png")
    media.verified_open(DIGEST).close()


def test_what_was_verified_is_what_is_read(media: MediaStore) -> None:
    path = media.path(media.put(PNG, "image/png"))
    with media.verified_open(DIGEST) as file:
        path.write_bytes(b"other bytes")
        assert file.read() == PNG


def test_a_large_file_is_verified_without_being_held_in_memory(
    media: MediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = media.path(media.put(PNG, "image/png"))
    monkeypatch.setattr(blobs, "IN_MEMORY", 10)
    monkeypatch.setattr(blobs, "CHUNK", 64)
    with media.verified_open(DIGEST) as file:
        assert os.fstat(file.fileno()).st_nlink == 0
        path.write_bytes(b"other bytes")
        assert file.read() == PNG
    with pytest.raises(MediaChanged):
        media.verified_open(DIGEST)
    assert sorted(p.name for p in (tmp_path / "media").rglob("*") if p.is_file()) == [DIGEST]


def test_what_is_shown_is_hashed_again_whenever_it_was_changed(
    media: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = media.path(media.put(PNG, "image/png"))
    media.shown(DIGEST).close()
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "digest_of", None)
        with media.shown(DIGEST) as file:
            assert file.read() == PNG
    times = path.stat().st_mtime_ns
    path.write_bytes(PNG[:-1] + b"\x00")
    os.utime(path, ns=(times, times))
    with pytest.raises(MediaChanged):
        media.shown(DIGEST)


def test_a_file_is_kept_whole_however_large(media: MediaStore, tmp_path: Path) -> None:
    source = files.write(tmp_path, "a", PNG + bytes(3_000_000))
    sha256 = media.keep(source)
    assert media.path(sha256).read_bytes() == source.read_bytes()
    assert media.path(sha256).stat().st_mode & 0o777 == 0o600
    assert media.keep(source) == sha256
    with pytest.raises(ValueError, match="no picture, film or captions"):
        media.keep(files.write(tmp_path, "b", b"words"))
    assert len([p for p in (tmp_path / "media").rglob("*") if p.is_file()]) == 1


def test_captions_are_written_anew_and_kept(media: MediaStore, tmp_path: Path) -> None:
    source = files.write(
        tmp_path, "a.vtt", b"WEBVTT - mine\n\nNOTE by Secret\n\n1\n00:00.000 --> 00:01.000\nHi\n"
    )
    sha256 = media.captions(source, 1000)
    with media.verified_open(sha256) as file:
        assert file.read() == b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHi\n"
    later = files.write(tmp_path, "b.vtt", b"WEBVTT\n\n00:00.000 --> 00:09.000\nHi\n")
    with pytest.raises(CaptionsError, match=r"end after 9\.0 seconds, the film after 1\.0"):
        media.captions(later, 1000)


def test_where_png_is_not_taken_a_see_through_picture_stands_on_white(
    media: MediaStore, tmp_path: Path
) -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    source = files.write(tmp_path, "a.png", files.encode(image, "PNG"))
    only = replace(LIMITS, picture_types=frozenset({"image/jpeg"}))
    made = media.derive(source, only)
    assert made.kind == "image/jpeg"
    with Image.open(media.path(made.sha256)) as copy:
        assert copy.getpixel((10, 10)) == (255, 255, 255)
    assert media.derive(source, LIMITS).kind == "image/png"


def test_a_missing_file_is_missing(media: MediaStore) -> None:
    with pytest.raises(FileNotFoundError):
        media.verified_open(DIGEST)


def test_a_write_that_broke_off_leaves_nothing_under_the_name(
    media: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            media.put(PNG, "image/png")
    assert not media.exists(DIGEST)
    assert list(media.path(DIGEST).parent.iterdir()) == []


def test_what_a_crash_left_behind_is_removed_a_day_later(media: MediaStore, tmp_path: Path) -> None:
    with media.draft():
        pass
    folder = tmp_path / "media" / "ab"
    folder.mkdir()
    left = [files.write(tmp_path / "media", f"{name}.part", b"half a film") for name in "ab"]
    left += [files.write(folder, f"{name}.part", b"half a picture") for name in "ab"]
    for old in left[::2]:
        os.utime(old, (0, 0))
    with media.draft() as draft:
        draft.write(PNG)
        assert media.adopt(draft) == DIGEST
    assert [path.exists() for path in left] == [False, True, False, True]


def test_what_a_crash_left_behind_is_ignored(media: MediaStore) -> None:
    path = media.path(DIGEST)
    path.parent.mkdir(parents=True)
    (path.parent / f"{DIGEST}.0123456789abcdef.part").write_bytes(PNG[:20])
    assert not media.exists(DIGEST)
    media.put(PNG, "image/png")
    media.verified_open(DIGEST).close()


def test_the_clean_copy_is_kept_and_its_author_told_of_the_place(
    media: MediaStore, tmp_path: Path
) -> None:
    data = files.tagged_jpeg(orientation=6)
    source = files.write(tmp_path, "a.jpg", data)
    copy = media.derive(source, LIMITS)
    assert copy.location_removed
    assert copy.source_sha256 == hashlib.sha256(data).hexdigest()
    assert (copy.kind, copy.width, copy.height) == ("image/jpeg", 48, 64)
    with media.verified_open(copy.sha256) as file:
        kept = file.read()
    assert len(kept) == copy.bytes
    assert b"GPS" not in kept
    assert not media.exists(copy.source_sha256)


def _count_encodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made: list[int] = []
    encoded = pixels.encoded

    def counted(*args: object, **options: object) -> object:
        made.append(1)
        return encoded(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pixels, "encoded", counted)
    return made


def test_a_picture_of_many_posts_is_encoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _count_encodings(monkeypatch)
    source = files.write(tmp_path, "a.jpg", files.tagged_jpeg())
    other = files.write(tmp_path, "b.jpg", source.read_bytes())
    media = MediaStore(tmp_path / "media")
    first = media.derive(source, LIMITS)
    for _ in range(200):
        assert media.derive(source, LIMITS) == first
    assert media.derive(other, LIMITS) == first
    assert MediaStore(tmp_path / "media").derive(source, LIMITS) == first
    assert len(made) == 1
    media.derive(source, replace(LIMITS, picture_side=32))
    assert len(made) == 2


def test_an_original_that_changed_gets_a_new_copy(media: MediaStore, tmp_path: Path) -> None:
    source = files.write(tmp_path, "a.png", PNG)
    first = media.derive(source, LIMITS)
    source.write_bytes(files.encode(files.gradient((65, 48)), "PNG"))
    second = media.derive(source, LIMITS)
    assert (first.width, second.width) == (64, 65)


def test_a_copy_that_was_lost_or_changed_is_made_again(tmp_path: Path) -> None:
    source = files.write(tmp_path, "a.png", PNG)
    root = tmp_path / "media"
    first = MediaStore(root).derive(source, LIMITS)
    MediaStore(root).path(first.sha256).write_bytes(b"other bytes")
    assert MediaStore(root).derive(source, LIMITS) == first
    media = MediaStore(root)
    media.verified_open(first.sha256).close()
    for note in (root / "derived").iterdir():
        note.write_text("{broken")
    assert MediaStore(root).derive(source, LIMITS) == first
    media.derive(source, LIMITS)
    media.path(first.sha256).unlink()
    assert media.derive(source, LIMITS) == first
    assert media.exists(first.sha256)


def test_a_refused_picture_leaves_nothing(media: MediaStore, tmp_path: Path) -> None:
    source = files.write(tmp_path, "a.jpg", b"words")
    with pytest.raises(PictureError):
        media.derive(source, LIMITS)
    assert not (tmp_path / "media").exists()


def test_several_threads_may_keep_the_same_picture(media: MediaStore, tmp_path: Path) -> None:
    source = files.write(tmp_path, "a.jpg", files.tagged_jpeg())
    found: list[str] = []

    def derive() -> None:
        found.append(media.derive(source, LIMITS).sha256)

    threads = [threading.Thread(target=derive) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    media.verified_open(found[0]).close()

"""The desk shows films, posters and captions: whole or in pieces, never what was changed."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from social_scheduler.media.store import Derivative
from tests.media import files, filming
from tests.web.newsroom import Newsroom

WORDS = b"WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nHello\n"


@pytest.fixture(scope="module")
def film(standing: Newsroom, tmp_path_factory: pytest.TempPathFactory) -> Derivative:
    """A film that is kept, as after queueing."""
    source = filming.film(tmp_path_factory.mktemp("film") / "a.mp4", size=(64, 48))
    return standing.context.media.derive(source, files.limits())


@pytest.fixture(scope="module")
def rana(standing: Newsroom) -> httpx2.Client:
    """A reviewer."""
    return standing.signed_in("rana")


def test_a_film_is_shown_whole(standing: Newsroom, rana: httpx2.Client, film: Derivative) -> None:
    answer = rana.get(f"/media/{film.sha256}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.content == standing.context.media.path(film.sha256).read_bytes()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=100-", 100, -1), ("bytes=-50", -50, -1), ("bytes=5-5", 5, 5)],
)
def test_a_film_is_shown_in_pieces(
    standing: Newsroom, rana: httpx2.Client, film: Derivative, asked: str, first: int, last: int
) -> None:
    data = standing.context.media.path(film.sha256).read_bytes()
    begin, end = first % len(data), last % len(data)
    answer = rana.get(f"/media/{film.sha256}", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{len(data)}"
    assert answer.headers["content-length"] == str(end - begin + 1)
    assert answer.content == data[begin : end + 1]


def test_a_piece_that_is_not_there_is_refused_and_odd_wishes_are_ignored(
    rana: httpx2.Client, film: Derivative
) -> None:
    address = f"/media/{film.sha256}"
    for asked in (f"bytes={film.bytes}-", "bytes=9-3", "bytes=-0"):
        answer = rana.get(address, headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{film.bytes}"
    for asked in ("bytes=0-1,4-5", "lines=1-2", "bytes=a-b", "bytes=" + "9" * 400 + "-"):
        assert rana.get(address, headers={"Range": asked}).status_code == 200


def test_a_film_has_a_poster_and_a_picture_has_none(
    standing: Newsroom, rana: httpx2.Client, film: Derivative
) -> None:
    answer = rana.get(f"/media/{film.sha256}/poster")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == standing.context.media.path(film.poster).read_bytes()
    assert rana.get(f"/media/{film.poster}/poster").status_code == 404
    assert rana.get(f"/media/{'0' * 64}/poster").status_code == 404
    assert rana.get("/media/x/poster").status_code == 404


def test_captions_are_shown_as_captions(standing: Newsroom, rana: httpx2.Client) -> None:
    sha256 = standing.context.media.put(WORDS, "text/vtt")
    answer = rana.get(f"/media/{sha256}")
    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    assert answer.content == WORDS


def test_nothing_is_shown_to_who_is_not_signed_in(standing: Newsroom, film: Derivative) -> None:
    with standing.browser() as nobody:
        for path in (f"/media/{film.sha256}", f"/media/{film.sha256}/poster"):
            answer = nobody.get(path, headers={"Range": "bytes=0-9"}, follow_redirects=False)
            assert answer.status_code in (303, 401)


def test_a_film_that_was_changed_on_disk_is_not_shown(
    newsroom: Newsroom, film: Derivative, standing: Newsroom, tmp_path: Path
) -> None:
    data = standing.context.media.path(film.sha256).read_bytes()
    newsroom.context.media.put(data, "video/mp4")
    client = newsroom.signed_in("rana")
    assert client.get(f"/media/{film.sha256}").status_code == 200
    newsroom.context.media.path(film.sha256).write_bytes(data[:-1] + b"x")
    for path in ("", "/poster"):
        asked = {"Range": "bytes=0-9"}
        answer = client.get(f"/media/{film.sha256}{path}", headers=asked)
        assert answer.status_code == 503

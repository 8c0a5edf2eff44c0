"""X's films at the rehearsal network: in segments, worked on, looked at, captioned, shown."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from tests.sandbox.conftest import Client
from tests.sandbox.films import film
from tests.sandbox.running import Sandbox

FILM = film(1280, 720, 20_000)
VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\nGood morning\n"
TYPES = {"tweet_gif": "image/gif", "subtitles": "text/vtt"}


def moving() -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    held = io.BytesIO()
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:])
    return held.getvalue()


def announced(client: Client, total: object, category: str = "tweet_video") -> Any:
    wish = {
        "media_type": TYPES.get(category, "video/mp4"),
        "total_bytes": total,
        "media_category": category,
    }
    return client.call("POST", "/2/media/upload/initialize", json=wish)


def handed_over(client: Client, content: bytes, category: str = "tweet_video") -> dict[str, Any]:
    """Upload in segments; what the network says at the end."""
    number = announced(client, len(content), category).json()["data"]["id"]
    for index, start in enumerate(range(0, len(content), 100)):
        answer = client.call(
            "POST",
            f"/2/media/upload/{number}/append",
            data={"segment_index": str(index)},
            files={"media": ("segment", content[start : start + 100])},
        )
        assert answer.status_code == 200, answer.text
    done = client.call("POST", f"/2/media/upload/{number}/finalize")
    assert done.status_code == 200, done.text
    found: dict[str, Any] = done.json()["data"]
    return found


def look(client: Client, number: str) -> dict[str, Any]:
    answer = client.get("/2/media/upload", command="STATUS", media_id=number)
    found: dict[str, Any] = answer.json()["data"]["processing_info"]
    return found


def join(client: Client, film: str, captions: str, **changed: object) -> Any:
    track = {"id": captions, "language_code": "EN", "display_name": "English", **changed}
    wish = {"id": film, "media_category": "TweetVideo", "subtitles": track}
    return client.call("POST", "/2/media/subtitles", json=wish)


@pytest.mark.parametrize(
    ("category", "content", "key"),
    [("tweet_video", FILM, "7"), ("amplify_video", FILM, "7"), ("tweet_gif", moving(), "16")],
)
def test_what_moves_is_worked_on_and_then_shown(
    client: Client, category: str, content: bytes, key: str
) -> None:
    data = handed_over(client, content, category)
    number = data["id"]
    assert data["media_key"] == f"{key}_{number}"
    assert data["processing_info"]["state"] == "pending"
    assert client.post("too early", media=[number]).status_code == 400
    assert [look(client, number)["state"] for _ in range(3)] == [
        "in_progress",
        "succeeded",
        "succeeded",
    ]
    post = client.posted(f"shown {category}", media=[number])
    entry = client.sandbox.ledger()[-1]
    assert entry.media[0].sha256 == hashlib.sha256(content).hexdigest()
    fields = {"media_fields": "type,duration_ms", "expansions": "attachments.media_keys"}
    media = client.get(f"/2/tweets/{post}", **fields).json()["includes"]["media"]
    assert media[0]["type"] == ("animated_gif" if key == "16" else "video")


@pytest.mark.parametrize(
    ("category", "content"), [("tweet_video", b"not a film"), ("tweet_gif", b"GIF89a broken")]
)
def test_what_cannot_be_used_fails_later_and_says_why(
    client: Client, category: str, content: bytes
) -> None:
    number = handed_over(client, content, category)["id"]
    look(client, number)
    failed = look(client, number)
    assert failed["state"] == "failed"
    assert failed["error"]["name"] == "InvalidMedia"
    assert failed["error"]["message"]
    assert client.post("never", media=[number]).status_code == 400


def test_a_film_stands_alone(client: Client) -> None:
    two = [handed_over(client, FILM)["id"] for _ in range(2)]
    for number in two:
        look(client, number)
        look(client, number)
    assert client.post("two films", media=two).status_code == 400
    assert client.post("one film", media=two[:1]).status_code == 201


def test_a_long_film_is_for_accounts_that_pay(sandbox: Sandbox, client: Client) -> None:
    paying = Client(sandbox, sandbox.add_account("paying", "en", premium=True))
    for who, status in ((client, 403), (paying, 201)):
        number = handed_over(who, film(640, 360, 141_000))["id"]
        look(who, number)
        look(who, number)
        assert who.post("long", media=[number]).status_code == status


@pytest.mark.parametrize("total", [0, -1, "5", None, True, 512 * 1024 * 1024 + 1])
def test_a_size_that_cannot_be_is_refused(client: Client, total: object) -> None:
    assert announced(client, total).status_code == 400


def test_captions_are_joined_to_a_film_that_is_ready(client: Client) -> None:
    number = handed_over(client, FILM)["id"]
    captions = handed_over(client, VTT, "subtitles")
    assert "processing_info" not in captions
    assert join(client, number, captions["id"]).status_code == 400
    look(client, number)
    look(client, number)
    joined = join(client, number, captions["id"])
    assert joined.json()["data"]["associated_subtitles"] == [
        {"id": captions["id"], "language_code": "EN", "display_name": "English"}
    ]
    assert join(client, number, captions["id"]).status_code == 200
    client.posted("with captions", media=[number])
    media = client.sandbox.ledger()[-1].media[0]
    assert dict(media.captions) == {"en": hashlib.sha256(VTT).hexdigest()}
    page = client.call("GET", f"/media/{hashlib.sha256(VTT).hexdigest()}")
    assert page.content == VTT


@pytest.mark.parametrize(
    "wrong", [{"language_code": "en"}, {"language_code": "CKB"}, {"display_name": ""}, {"id": "1"}]
)
def test_captions_that_are_not_in_order_are_refused(client: Client, wrong: dict[str, str]) -> None:
    number = handed_over(client, FILM)["id"]
    look(client, number)
    look(client, number)
    captions = handed_over(client, VTT, "subtitles")["id"]
    assert join(client, number, captions, **wrong).status_code in (400, 404)


def test_a_film_takes_no_alt_text(client: Client) -> None:
    assert client.describe(handed_over(client, FILM)["id"], "A loom.").status_code == 400


def test_what_x_knows_of_a_film_outlives_a_restart(client: Client) -> None:
    number = handed_over(client, FILM)["id"]
    look(client, number)
    other = Client(client.sandbox, client.account)
    assert look(other, number)["state"] == "succeeded"

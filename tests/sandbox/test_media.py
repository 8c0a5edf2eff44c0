"""Pictures: really decoded, owned by one account, described, kept by digest."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import pytest
from PIL import Image

from tests.sandbox.conftest import Client
from tests.sandbox.running import Sandbox


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_pictures_of_four_kinds_are_accepted(
    client: Client, picture: Callable[..., bytes], kind: str
) -> None:
    content = picture(kind)
    answer = client.upload(content)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["media_key"] == f"3_{data['id']}"
    assert data["size"] == len(content)
    assert 86000 < data["expires_after_secs"] <= 86400


def test_the_ledger_names_pictures_by_digest_and_alt_text(
    client: Client, picture: Callable[..., bytes]
) -> None:
    one, two = picture(colour="red"), picture(colour="blue")
    ids = [client.uploaded(one), client.uploaded(two)]
    answer = client.describe(ids[0], "سجادة حمراء")
    assert answer.json()["data"] == {
        "id": ids[0],
        "associated_metadata": {"alt_text": {"text": "سجادة حمراء"}},
    }
    client.posted("two pictures", media=ids)
    media = client.sandbox.ledger()[-1].media
    assert [(m.sha256, m.alt_text) for m in media] == [
        (hashlib.sha256(one).hexdigest(), "سجادة حمراء"),
        (hashlib.sha256(two).hexdigest(), None),
    ]


def test_a_picture_can_be_sent_in_segments(client: Client, picture: Callable[..., bytes]) -> None:
    content = picture(size=(300, 300))
    wish = {
        "media_type": "image/png",
        "total_bytes": len(content),
        "media_category": "tweet_image",
    }
    begun = client.call("POST", "/2/media/upload/initialize", json=wish)
    assert begun.status_code == 200, begun.text
    number = begun.json()["data"]["id"]
    half = len(content) // 2
    for index, part in enumerate((content[:half], content[half:])):
        answer = client.call(
            "POST",
            f"/2/media/upload/{number}/append",
            data={"segment_index": str(index)},
            files={"media": ("segment", part)},
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["expires_at"] > 0
    assert client.post("too early", media=[number]).status_code == 400
    done = client.call("POST", f"/2/media/upload/{number}/finalize")
    assert done.status_code == 200, done.text
    assert done.json()["data"]["size"] == len(content)
    status = client.get("/2/media/upload", command="STATUS", media_id=number).json()["data"]
    assert status["processing_info"]["state"] == "succeeded"
    client.posted("in two halves", media=[number])
    assert client.sandbox.ledger()[-1].media[0].sha256 == hashlib.sha256(content).hexdigest()


def test_segments_that_do_not_add_up_are_refused(client: Client) -> None:
    wish = {"media_type": "image/png", "total_bytes": 10, "media_category": "tweet_image"}
    number = client.call("POST", "/2/media/upload/initialize", json=wish).json()["data"]["id"]
    client.call(
        "POST",
        f"/2/media/upload/{number}/append",
        data={"segment_index": "0"},
        files={"media": ("segment", b"123")},
    )
    answer = client.call("POST", f"/2/media/upload/{number}/finalize")
    assert answer.status_code == 400
    assert "do not add up" in answer.json()["errors"][0]["message"]


def test_what_is_not_a_sound_picture_is_refused(
    client: Client, picture: Callable[..., bytes]
) -> None:
    whole = picture("JPEG", size=(400, 400))
    large = io.BytesIO()
    Image.new("L", (9000, 10)).save(large, "PNG")
    for content in (b"words", whole[: len(whole) // 2], large.getvalue(), b"\0" * 5_242_881):
        answer = client.upload(content)
        assert answer.status_code == 400
        assert answer.json()["title"] == "Invalid Request"
    assert client.upload(whole, category="tweet_video").status_code == 400


def test_a_body_larger_than_any_picture_is_cut_off(client: Client) -> None:
    assert client.upload(b"\0" * (17 * 1024 * 1024)).status_code == 413


def test_alt_text_has_one_to_a_thousand_characters(
    client: Client, picture: Callable[..., bytes]
) -> None:
    media = client.uploaded(picture())
    assert client.describe(media, "").status_code == 400
    assert client.describe(media, "ا" * 1001).status_code == 400
    assert client.describe(media, "ا" * 1000).status_code == 200
    assert client.describe("12345", "nothing").status_code == 404


def test_more_than_four_pictures_or_one_twice_are_refused(
    client: Client, picture: Callable[..., bytes]
) -> None:
    ids = [client.uploaded(picture(size=(10 + n, 10))) for n in range(5)]
    assert client.post("five", media=ids).status_code == 400
    assert client.post("twice", media=[ids[0], ids[0]]).status_code == 400
    assert client.post("four", media=ids[:4]).status_code == 201
    number = client.sandbox.ledger()[-1].id
    fields = {"tweet_fields": "entities", "expansions": "attachments.media_keys"}
    data = client.get(f"/2/tweets/{number}", **fields).json()["data"]
    assert len({link["url"] for link in data["entities"]["urls"]}) == 1
    assert len(data["attachments"]["media_keys"]) == 4


def test_another_accounts_picture_cannot_be_used(
    sandbox: Sandbox, client: Client, picture: Callable[..., bytes]
) -> None:
    media = client.uploaded(picture())
    other = Client(sandbox, sandbox.add_account("borrower", "en"))
    answer = other.post("not mine", media=[media])
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"parameters": {"media.media_ids": [media]}, "message": "Your media IDs are invalid."}
    ]
    assert other.describe(media, "not mine").status_code == 404


def test_an_animation_needs_its_own_category_and_stands_alone(
    client: Client, picture: Callable[..., bytes]
) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    held = io.BytesIO()
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:])
    assert client.upload(held.getvalue()).status_code == 400
    answer = client.upload(held.getvalue(), category="tweet_gif")
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["media_key"] == f"16_{data['id']}"
    still = client.uploaded(picture())
    assert client.post("mixed", media=[data["id"], still]).status_code == 400
    assert client.post("moving", media=[data["id"]]).status_code == 201

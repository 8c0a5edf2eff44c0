"""Servers that are not Mastodon but speak its language are understood, and trusted less."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from social_scheduler.errors import NotSent, Refused, Unauthorized, Unconfirmed
from social_scheduler.message import Attachment
from social_scheduler.platforms import HONOURS_KEYS
from social_scheduler.platforms.mastodon import PLATFORM as MASTODON
from social_scheduler.platforms.mastodon import servers
from tests.lossy import Fault, lossy
from tests.platforms.mastodon.other import INSTANCE, ME, TOKEN, Other, other_server
from tests.platforms.mastodon.servers import call, connect

NOTHING: frozenset[str] = frozenset()
FILM = b"a film, as far as this server cares"
ITEM = Attachment(sha256=sha256(FILM).hexdigest(), type="video/mp4", alt="A loom at work.")


@pytest.fixture
def other() -> Iterator[Other]:
    with other_server() as running:
        yield running


def test_the_older_address_tells_the_limits_and_no_key_is_trusted(other: Other) -> None:
    who = MASTODON.identify(connect(other.url, TOKEN))
    assert (who.native_id, who.handle, who.scopes) == (ME["id"], "coalition", ())
    assert who.told == {
        "text": 5000,
        "pictures": 32,
        "picture_bytes": 16_000_000,
        "moving_picture_bytes": 16_000_000,
        "film_bytes": 16_000_000,
        HONOURS_KEYS: 0,
    }


def test_a_server_that_tells_nothing_of_itself_has_the_usual_limits(other: Other) -> None:
    other.instance = None
    assert MASTODON.identify(connect(other.url, TOKEN)).told == {HONOURS_KEYS: 0}


def test_http_422_for_a_bad_token_is_about_the_token(other: Other) -> None:
    with pytest.raises(Unauthorized):
        MASTODON.identify(connect(other.url, "wrong"))
    with pytest.raises(Unauthorized):
        MASTODON.publish(connect(other.url, "wrong"), call())
    with pytest.raises(Unauthorized, match="characters that no token has"):
        MASTODON.identify(connect(other.url, "a wrong token"))


def test_a_lost_answer_is_found_among_our_own_posts(other: Other) -> None:
    since = datetime.now(UTC)
    said = call("One\n<two> & three", account=ME["id"], options={"warning": "Careful"})
    with lossy(other.url) as proxy:
        there = connect(proxy.url, TOKEN)
        proxy.next(Fault.LOSE_ANSWER, "POST /api/v1/statuses")
        with pytest.raises(Unconfirmed):
            MASTODON.publish(there, said)
        found = MASTODON.find(there, said, since, NOTHING)
        assert found is not None
        assert found.url == "https://other.example/objects/0"
        seen = MASTODON.read_back(there, found.remote_id)
    assert seen is not None
    assert seen.differences(MASTODON.as_seen(said)) == []
    assert seen.language is None


def test_the_same_call_again_would_be_a_second_post_so_keys_are_not_counted_on(
    other: Other,
) -> None:
    here = connect(other.url, TOKEN)
    said = call(account=ME["id"])
    first, second = MASTODON.publish(here, said), MASTODON.publish(here, said)
    assert first.remote_id != second.remote_id
    assert MASTODON.identify(here).told[HONOURS_KEYS] == 0


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_cannot_delete_is_not_believed_to_have_done_it(
    other: Other, status: int
) -> None:
    other.delete_status = status
    here = connect(other.url, TOKEN)
    live = MASTODON.publish(here, call(account=ME["id"]))
    with pytest.raises((NotSent, Refused)):
        MASTODON.remove(here, live.remote_id)
    other.posts.clear()
    MASTODON.remove(here, live.remote_id)


def test_a_film_is_waited_for(other: Other) -> None:
    here = connect(other.url, TOKEN)
    upload = MASTODON.upload(here, ITEM, {ITEM.sha256: io.BytesIO(FILM)})
    looks = []
    while not upload.ready:
        with pytest.raises(NotSent, match="does not hold"):
            MASTODON.publish(here, call(media=(ITEM,), uploads=(upload,)))
        upload = MASTODON.look_at_upload(here, upload)
        looks.append(upload.ready)
    assert looks == [False, True]
    with pytest.raises(Refused, match="does not know the upload"):
        MASTODON.look_at_upload(here, replace(upload, remote_id="m99"))
    assert other.posts == []


def test_a_server_that_cannot_quote_is_not_asked_to(other: Other) -> None:
    quote = {"quote": "https://other.example/@minister/123"}
    with pytest.raises(Refused, match="cannot quote"):
        MASTODON.publish(connect(other.url, TOKEN), call(account=ME["id"], options=quote))
    assert other.posts == []


OWN = "https://github.com/mastodon/mastodon"
GLITCH = "https://github.com/glitch-soc/mastodon"


@pytest.mark.parametrize(
    ("version", "source", "genuine"),
    [
        ("4.6.0", OWN, (4, 6)),
        ("4.5.2", f"{OWN}/tree/v4.5.2", (4, 5)),
        ("4.5.0-rc.1+glitch", GLITCH, (4, 5)),
        ("4.0.0rc2", "https://github.com/Mastodon/Mastodon/", (4, 0)),
        ("4.6.0-nightly.2026-11-20-security", OWN, (4, 6)),
        ("4.0.0 (not true; really snac/2.52)", "https://comam.es/what-is-snac", None),
        ("4.0.0 (not true; really snac/2.52)", OWN, None),
        ("0.15.0+git-1573cd", "https://github.com/superseriousbusiness/gotosocial", None),
        ("0.15.0+git-1573cd", OWN, None),
        ("2.7.2 (compatible; Pleroma 2.9)", OWN, None),
        ("3.5.3 (Compatible; GoToSocial)", OWN, None),
        ("4.5.0", f"{OWN}-but-not-really", None),
        ("4.5.0", f"https://example.org/?{OWN}", None),
        ("4.5.0", "", None),
        ("4.5.0", None, None),
        ("4.5.0\n", OWN, None),
        ("4.5", OWN, None),
        ("", OWN, None),
        ("takahe/0.11", OWN, None),
        (None, OWN, None),
        (4, OWN, None),
    ],
)
def test_only_a_server_that_names_mastodon_as_its_own_code_is_genuine(
    version: object, source: object, genuine: tuple[int, int] | None
) -> None:
    about = {"version": version, "source_url": source}
    assert servers.genuine(about) == genuine
    assert servers.told(about)[HONOURS_KEYS] == (genuine is not None)


def test_numbers_that_cannot_be_right_are_not_believed() -> None:
    odd = {"max_characters": -5, "max_media_attachments": True}
    media = {"image_size_limit": 10**20, "image_matrix_limit": 0, "description_limit": "many"}
    about = {"configuration": {"statuses": odd, "media_attachments": media}}
    assert servers.told(about) == {HONOURS_KEYS: 0}
    assert servers.told({"configuration": [], "version": []}) == {HONOURS_KEYS: 0}
    assert servers.told(INSTANCE)["text"] == 5000

"""What X shows is compared with what was approved, to the letter and without false alarms."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from social_scheduler.message import Attachment
from social_scheduler.platforms import discover
from social_scheduler.platforms.x import PLATFORM, seen
from tests.platforms.x.wires import ACCOUNT, call


def post(text: str, *urls: dict[str, str], **more: Any) -> dict[str, Any]:
    """A post in X's form."""
    return {
        "id": "77",
        "author_id": ACCOUNT,
        "text": text,
        "entities": {"urls": list(urls)},
        **more,
    }


def url(short: str, leads_to: str, **more: str) -> dict[str, str]:
    """A link in X's form."""
    return {"url": f"https://t.co/{short}", "expanded_url": leads_to, **more}


SAME = [
    ("Plain words.", post("Plain words.")),
    ("Tea & <bread>, not &amp;", post("Tea &amp; &lt;bread&gt;, not &amp;amp;")),
    ("&copy; stays", post("&amp;copy; stays")),
    (
        "Read https://example.org/a?b=1&c=2.",
        post("Read https://t.co/aaaaaaaaaa.", url("aaaaaaaaaa", "https://example.org/a?b=1&c=2")),
    ),
    (
        "example.org/x and https://Example.ORG/",
        post(
            "https://t.co/aaaaaaaaaa and https://t.co/bbbbbbbbbb",
            url("aaaaaaaaaa", "http://example.org/x"),
            url("bbbbbbbbbb", "https://example.org"),
        ),
    ),
    (
        "Twice https://example.org https://example.org",
        post(
            "Twice https://t.co/aaaaaaaaaa https://t.co/aaaaaaaaaa",
            url("aaaaaaaaaa", "https://example.org"),
            url("aaaaaaaaaa", "https://example.org"),
        ),
    ),
    ("Cafe\u0301", post("Caf\u00e9")),
    ("صباح الخير #LifeafterDaesh", post("صباح الخير #LifeafterDaesh")),
    ("Ends with a break\n", post("Ends with a break")),
    (
        "See https://twitter.com/partner/status/5",
        post(
            "See https://t.co/aaaaaaaaaa",
            url("aaaaaaaaaa", "https://x.com/partner/status/5"),
            referenced_tweets=[{"type": "quoted", "id": "5"}],
        ),
    ),
    (
        "See https://x.com/partner/status/5 first",
        post(
            "See https://t.co/aaaaaaaaaa first",
            url("aaaaaaaaaa", "https://x.com/partner/status/5"),
            referenced_tweets=[{"type": "quoted", "id": "5"}],
        ),
    ),
    (
        "Long words",
        post("Long wo… https://t.co/aaaaaaaaaa", note_tweet={"text": "Long words", "entities": {}}),
    ),
]


@pytest.mark.parametrize(("approved", "shown"), SAME)
def test_an_honest_copy_is_equal(approved: str, shown: dict[str, Any]) -> None:
    found, wanted = seen.shown(shown, {}), PLATFORM.as_seen(call(approved))
    assert found.differences(wanted) == []
    assert seen.is_copy(found, wanted)


DIFFERENT = [
    ("Plain words.", post("Plain words!"), "text"),
    ("Plain words.", post("Plain words. "), None),
    ("Two  spaces", post("Two spaces"), "text"),
    ("صباح", post("صباح\u200f"), "text"),
    (
        "See https://example.org/a",
        post("See https://t.co/aaaaaaaaaa", url("aaaaaaaaaa", "https://example.org/b")),
        "text",
    ),
    (
        "See https://example.org",
        post("See https://t.co/aaaaaaaaaa", url("aaaaaaaaaa", "http://example.org")),
        "text",
    ),
    ("Plain", post("Plain", author_id="1"), "author_id"),
    ("Plain", post("Plain", attachments={"media_keys": ["3_1"]}), "media_count"),
    ("Plain", post("Plain", referenced_tweets=[{"type": "replied_to", "id": "5"}]), "reply_to"),
]


@pytest.mark.parametrize(("approved", "shown", "field"), DIFFERENT)
def test_another_text_author_place_or_picture_is_told(
    approved: str, shown: dict[str, Any], field: str | None
) -> None:
    found, wanted = seen.shown(shown, {}), PLATFORM.as_seen(call(approved))
    if field is None:
        assert found.differences(wanted) == []
        return
    assert field in found.differences(wanted)
    assert not seen.is_copy(found, wanted)


QUOTE = "https://x.com/partner/status/5"
QUOTED = {"referenced_tweets": [{"type": "quoted", "id": "5"}]}
PAGE = url("qqqqqqqqqq", "https://twitter.com/partner/status/5")


@pytest.mark.parametrize(
    "shown",
    [
        post("Hear, hear.", **QUOTED),
        post("Hear, hear. https://t.co/qqqqqqqqqq", PAGE, **QUOTED),
        post("Hear, hear. https://t.co/qqqqqqqqqq", PAGE),
    ],
)
def test_a_quote_is_equal_however_x_shows_it(shown: dict[str, Any]) -> None:
    found, wanted = (
        seen.shown(shown, {}),
        PLATFORM.as_seen(call("Hear, hear.", options={"quote": QUOTE})),
    )
    assert found.differences(wanted) == []
    assert seen.is_copy(found, wanted)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"quote": QUOTE}, post("Hear, hear.")),
        ({"quote": QUOTE}, post("Hear, hear.", referenced_tweets=[{"type": "quoted", "id": "6"}])),
        ({}, post("Hear, hear.", **QUOTED)),
    ],
)
def test_another_quote_or_none_is_told(options: dict[str, str], shown: dict[str, Any]) -> None:
    found, wanted = seen.shown(shown, {}), PLATFORM.as_seen(call("Hear, hear.", options=options))
    assert found.differences(wanted) == ["links"]
    assert not seen.is_copy(found, wanted)


def test_of_a_repost_only_that_it_is_there_is_compared() -> None:
    wanted = PLATFORM.as_seen(call("", options={"repost": QUOTE}))
    assert seen.shown(post("Theirs", author_id="9"), {}).differences(wanted) == []


def test_a_film_has_no_alt_text_on_x() -> None:
    film = Attachment(sha256="a" * 64, type="video/mp4", alt="A loom.", milliseconds=1000)
    assert PLATFORM.as_seen(call("Look", media=(film,))).alt_texts == ("",)


def test_the_links_of_pictures_are_not_the_authors_words() -> None:
    page = "https://x.com/someone/status/77/photo/1"
    shown = post(
        "Look https://t.co/aaaaaaaaaa https://t.co/pppppppppp",
        url("aaaaaaaaaa", "https://example.org"),
        url("pppppppppp", page, media_key="3_1"),
        url("pppppppppp", page),
        attachments={"media_keys": ["3_2", "3_1"]},
    )
    includes = {
        "media": [
            {"media_key": "3_1", "type": "photo", "alt_text": "Second"},
            {"media_key": "3_2", "type": "photo", "alt_text": "Cafe\u0301"},
        ]
    }
    pictures = tuple(Attachment(sha256=n * 64, type="image/png", alt="") for n in "ab")
    found = seen.shown(shown, includes)
    wanted = PLATFORM.as_seen(call("Look https://example.org", media=pictures))
    assert found.differences(wanted) == ["alt_texts"]
    assert found.alt_texts == ("Caf\u00e9", "Second")
    assert found.links == ("https://example.org",)
    assert seen.is_copy(found, wanted)


def test_alt_texts_that_x_did_not_send_are_not_known() -> None:
    assert seen.shown(post("A", attachments={"media_keys": ["3_1"]}), {}).alt_texts is None


def test_the_language_is_never_told() -> None:
    assert seen.shown(post("Bonjour", lang="fr"), {}).language is None
    assert PLATFORM.as_seen(call()).language is None


def test_the_platform_is_found_by_its_name() -> None:
    assert discover()["x"] is PLATFORM
    assert PLATFORM.limits.counted_in == "weighted"
    assert PLATFORM.limits.text == 280


def test_finding_the_platforms_loads_no_sdk() -> None:
    program = (
        "import sys; from social_scheduler import platforms; platforms.limits();"
        " print([n for n in ('tweepy', 'requests', 'oauthlib', 'urllib3') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"

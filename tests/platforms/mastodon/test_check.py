"""What Mastodon would refuse is said before anything is queued; its length is the server's."""

from __future__ import annotations

import pytest

from social_scheduler.message import Attachment, Message, MessagePart
from social_scheduler.platforms.mastodon import PLATFORM as MASTODON
from social_scheduler.text import LENGTHS
from tests.platforms.mastodon.servers import call

PICTURE = Attachment(sha256="0" * 64, type="image/png", alt="A square.")
QUOTE = {"quote": "https://mastodon.example/@minister/123"}


def problems(*texts: str, options: dict[str, str], media: tuple[Attachment, ...] = ()) -> list[str]:
    one = call(options=options).message
    parts = tuple(MessagePart(text=text, media=media) for text in texts)
    message = Message.model_validate(one.model_dump() | {"parts": [p.model_dump() for p in parts]})
    return list(MASTODON.check(message, MASTODON.limits.told({"text": 100})))


def test_a_warning_counts_with_the_words_behind_it() -> None:
    assert problems("x" * 90, options={"warning": "w" * 10}) == []
    (problem,) = problems("x" * 91, options={"warning": "w" * 10})
    assert problem == (
        "the text has 101 characters with its warning, which counts too; mastodon.social takes 100"
    )
    (problem,) = problems("short", "x" * 95, options={"warning": "w" * 10})
    assert problem.startswith("part 2 has 105 characters")


def test_a_text_too_long_by_itself_is_told_by_the_limits_alone() -> None:
    assert problems("x" * 101, options={"warning": "w"}) == []


def test_an_address_in_a_warning_counts_in_full() -> None:
    assert problems("x" * 70, options={"warning": "https://example.org/" + "y" * 30}) != []


def test_a_quote_is_of_a_post_and_stands_without_pictures() -> None:
    assert problems("x", options=QUOTE) == []
    assert "not the address of a post" in problems("x", options={"quote": "https://x.com/i"})[0]
    assert problems("x", options=QUOTE, media=(PICTURE,)) == [
        "a post that quotes another cannot have media"
    ]


def test_a_repost_is_of_a_post_and_has_nothing_of_its_own() -> None:
    repost = {"repost": QUOTE["quote"]}
    assert problems("", options=repost) == []
    assert "not the address of a post" in problems("", options={"repost": "https://x.com/i"})[0]
    for more in (
        problems("Words", options=repost),
        problems("", options=repost, media=(PICTURE,)),
        problems("", options=repost | {"visibility": "unlisted"}),
    ):
        assert more == ["a repost has nothing of its own; quote the post instead"]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("Good morning.", 13),
        ("https://example.org/a", 23),
        ("See https://example.org/" + "y" * 300 + ".", 4 + 23 + 1),
        ("HTTP://EXAMPLE.ORG", 23),
        ("example.org", 11),
        ("@nato@mastodon.social", 5),
        ("(@nato.hq@mastodon.social)", 10),
        ("@nato", 5),
        ("me@nato@mastodon.social", 23),
        ("https://mastodon.social/@nato@mastodon.online/12", 23),
        ("क्षि நி กำ ক্ষ", 7),
        ("👩🏽‍🏭🇮🇶1️⃣👨‍👩‍👧‍👦", 4),
        ("صباح الخير", 10),
        ("e\u0301\r\n", 2),
    ],
)
def test_mastodon_counts_what_a_reader_would(text: str, length: int) -> None:
    assert LENGTHS["mastodon"](text) == length

"""A message is bytes: the same words are the same bytes, and anything else is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_scheduler.message import (
    Attachment,
    Message,
    MessagePart,
    Window,
    approval_digest,
    content_digest,
    part_digest,
    revision_digest,
    window_digest,
)

PICTURE = Attachment(sha256="ab" * 32, type="image/png", alt="Two women at a loom.")
MESSAGE = Message(
    platform="x",
    server="https://api.x.com",
    account="1234567890",
    language="en",
    parts=(
        MessagePart(text="Good morning — صباح الخير", media=(PICTURE,)),
        MessagePart(text="Second part"),
    ),
    link="https://example.org/a",
    options={"reply": "following"},
)
DUE = datetime(2027, 1, 11, 7, 30, tzinfo=UTC)
WINDOW = Window(DUE, DUE, DUE + timedelta(minutes=10))
CANONICAL = (
    '{"account":"1234567890","language":"en","link":"https://example.org/a",'
    '"options":{"reply":"following"},"parts":[{"media":[{"alt":"Two women at a loom.",'
    '"sha256":"' + "ab" * 32 + '","type":"image/png"}],'
    '"text":"Good morning — صباح الخير"},{"media":[],"text":"Second part"}],'
    '"platform":"x","server":"https://api.x.com","v":1}'
)
GOLDEN_CONTENT = "5224b0d9e203db29d63b4ec1a8b1b7a33dafa94103362cda27dbc482f4c92005"
GOLDEN_WINDOW = "3bfc539c387e6c1e538ef55b5cababa191dff96aa62f1378faad12d00851fa93"
GOLDEN_APPROVAL = "d84bac54b00be87703336ebd6676ece82f9985f3d21007ad0772f27b56885388"
GOLDEN_PART = "78829f80c9b9183dd59e280af525ababca12700840770b5ffd96fb5e7884a8a9"


def test_canonical_bytes_are_rfc_8785_json() -> None:
    """Sorted keys, no spaces, UTF-8 as it is."""
    assert MESSAGE.canonical() == CANONICAL.encode()
    assert json.loads(MESSAGE.canonical())["v"] == 1


def test_digests_never_change_between_releases() -> None:
    """Approvals that were given yesterday bind today's program: these are frozen."""
    assert content_digest(MESSAGE.canonical()) == GOLDEN_CONTENT
    assert window_digest(WINDOW) == GOLDEN_WINDOW
    assert approval_digest([("x-en", "1" * 64), ("x-ar", "2" * 64)]) == GOLDEN_APPROVAL
    assert part_digest("1" * 64, 2) == GOLDEN_PART


def test_a_message_read_from_its_bytes_has_the_same_bytes() -> None:
    assert Message.from_canonical(MESSAGE.canonical()) == MESSAGE
    assert Message.from_canonical(MESSAGE.canonical()).canonical() == MESSAGE.canonical()


def test_bytes_that_are_no_message_are_refused() -> None:
    for body in (b"", b"{}", b'{"v":1}', MESSAGE.canonical()[:-1], b'{"surprise":1}'):
        with pytest.raises(ValueError):
            Message.from_canonical(body)


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "1234567891"},
        {"server": "https://api.x.example"},
        {"platform": "y"},
        {"language": "fr"},
        {"link": "https://example.org/b"},
        {"link": None},
        {"options": {}},
        {"parts": (MESSAGE.parts[1], MESSAGE.parts[0])},
        {"parts": MESSAGE.parts[:1]},
        {"parts": (MessagePart(text="good morning — صباح الخير", media=(PICTURE,)),)},
        {
            "parts": (
                MESSAGE.parts[0].model_copy(
                    update={"media": (PICTURE.model_copy(update={"alt": "Two women at a loom"}),)}
                ),
                MESSAGE.parts[1],
            )
        },
        {
            "parts": (
                MESSAGE.parts[0].model_copy(
                    update={"media": (PICTURE.model_copy(update={"sha256": "ac" * 32}),)}
                ),
                MESSAGE.parts[1],
            )
        },
    ],
)
def test_anything_that_is_different_changes_the_digest(changed: dict[str, object]) -> None:
    other = MESSAGE.model_copy(update=changed)

    assert content_digest(other.canonical()) != content_digest(MESSAGE.canonical())


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_texts_share_a_digest_only_when_they_are_the_same_text(one: str, two: str) -> None:
    def digest(text: str) -> str:
        part = MessagePart(text=text)
        return content_digest(MESSAGE.model_copy(update={"parts": (part,)}).canonical())

    assert (digest(one) == digest(two)) == (one == two)


def test_the_digest_of_an_approval_does_not_depend_on_the_order_of_accounts() -> None:
    pairs = [("x-en", "1" * 64), ("b-en", "2" * 64)]

    assert approval_digest(pairs) == approval_digest(reversed(pairs))
    assert approval_digest(pairs) != approval_digest([("x-en", "2" * 64), ("b-en", "1" * 64)])
    assert approval_digest(pairs) != approval_digest(pairs[:1])


def test_a_window_is_the_same_in_every_zone_and_another_a_microsecond_later() -> None:
    baghdad = timezone(timedelta(hours=3))
    same = Window(*(t.astimezone(baghdad) for t in (DUE, DUE, WINDOW.not_after)))
    later = Window(DUE + timedelta(microseconds=1), DUE, WINDOW.not_after)

    assert window_digest(same) == window_digest(WINDOW)
    assert window_digest(later) != window_digest(WINDOW)


def test_a_window_without_a_zone_is_refused() -> None:
    naive = DUE.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        window_digest(Window(naive, naive, naive))


def test_digests_of_different_things_never_meet() -> None:
    """The same bytes hashed as words, as a window or as a revision differ."""
    body = revision_digest({})

    assert content_digest(b"{}") != body
    assert part_digest("a", 1) != part_digest("a", 2)


def test_every_picture_of_a_message_is_listed_part_by_part() -> None:
    assert MESSAGE.media == [PICTURE]

"""What Telegram would change or refuse is told before anybody approves it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_scheduler.message import Attachment, Message, MessagePart
from social_scheduler.platforms.telegram import PLATFORM as TELEGRAM
from social_scheduler.platforms.telegram import words
from social_scheduler.sandbox.telegram_shapes import cleaned
from tests.platforms.telegram.wires import call


def of(text: str, *media: Attachment) -> Message:
    return call().message.model_copy(update={"parts": (MessagePart(text=text, media=media),)})


def test_ordinary_words_meet_no_objection() -> None:
    for text in ("Good morning.\n\nالحياة\u200f 🇮🇶 #tag", "Å ñ é", "نص\u200c آخر", ""):
        assert TELEGRAM.check(of(text), TELEGRAM.limits) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\u202bb", "U+202B RIGHT-TO-LEFT EMBEDDING"),
        ("a\u2028b", "U+2028 LINE SEPARATOR"),
        ("a\rb", "U+000D"),
        ("a\tb", "U+0009"),
        ("q\u030a", "U+030A COMBINING RING ABOVE"),
        ("a\u200f\u200fb", "direction marks"),
    ],
)
def test_a_character_that_would_not_arrive_is_named(text: str, told: str) -> None:
    (objection,) = TELEGRAM.check(of(f"{text} {text}"), TELEGRAM.limits)
    assert told in objection


@given(st.text(st.sampled_from("a\n \t\r\u200e\u200f\u202a\u202e\u2028\u030a\u0333\x00\x1f\x0b🇮")))
def test_what_meets_no_objection_arrives_as_it_was_approved(text: str) -> None:
    """The rehearsal network cleans texts as Telegram does: nothing else is changed by it."""
    arrives = cleaned(text) == text.strip(" \n")
    assert arrives == (not words.objections(of(text.strip(" \n"))))


def test_a_picture_too_narrow_to_be_shown_is_told() -> None:
    thin = Attachment(sha256="a" * 64, type="image/png", alt="A line.", width=2100, height=100)
    assert "2100 × 100" in TELEGRAM.check(of("", thin), TELEGRAM.limits)[0]
    fine = thin.model_copy(update={"width": 2000})
    assert TELEGRAM.check(of("", fine), TELEGRAM.limits) == []

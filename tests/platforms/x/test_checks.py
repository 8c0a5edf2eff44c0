"""What X would refuse is told to the author beforehand, and nothing that it takes."""

from __future__ import annotations

import pytest

from social_scheduler.message import Attachment, Captions, Message, MessagePart
from social_scheduler.platforms.x import PLATFORM as X
from tests.platforms.x.wires import call

POST = "https://x.com/partner/status/5"
PICTURE = Attachment(sha256="a" * 64, type="image/png", alt="A loom.", width=40, height=30)
FILM = PICTURE.model_copy(
    update={"type": "video/mp4", "milliseconds": 60_000, "width": 1280, "height": 720}
)
MOVING = PICTURE.model_copy(update={"type": "image/gif", "milliseconds": 2000})


def said(*media: Attachment, text: str = "Words", **options: str) -> Message:
    return call(text, media=media, options=options).message


def problems(message: Message) -> str:
    return " | ".join(X.check(message, X.limits))


@pytest.mark.parametrize(
    "message",
    [
        said(),
        said(PICTURE, PICTURE, PICTURE, PICTURE),
        said(FILM),
        said(MOVING),
        said(FILM.model_copy(update={"captions": Captions(sha256="b" * 64, language="ar")})),
        said(quote=POST),
        said(quote="http://127.0.0.1:4600/i/web/status/5"),
        said(text="", repost="https://twitter.com/partner/status/5?s=20"),
        *(said(replies=who) for who in ("everyone", "following", "mentioned")),
    ],
)
def test_what_x_takes_is_no_problem(message: Message) -> None:
    assert X.check(message, X.limits) == ()


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (said(FILM, PICTURE), "or one film"),
        (said(FILM, FILM), "or one film"),
        (said(MOVING, PICTURE), "or one moving picture"),
        (said(MOVING, FILM), "leave one kind"),
        (said(FILM.model_copy(update={"milliseconds": 400})), "half a second"),
        (said(FILM.model_copy(update={"width": 31, "height": 31})), "at least 32 pixels"),
        (said(FILM.model_copy(update={"width": 1280, "height": 320})), "3 times as long"),
        (said(MOVING.model_copy(update={"width": 1000, "height": 1081})), "1280 × 1080"),
        (
            said(FILM.model_copy(update={"captions": Captions(sha256="b" * 64, language="ckb")})),
            "not 'ckb'",
        ),
        (
            said(MOVING.model_copy(update={"captions": Captions(sha256="b" * 64, language="ar")})),
            "takes no captions",
        ),
        (said(PICTURE, quote=POST), "either quotes or shows pictures"),
        (said(quote="https://example.org/status/5"), "not the address of a post on X"),
        (said(quote="https://x.com.example.org/partner/status/5"), "not the address"),
        (said(quote="https://x.com/partner"), "not the address of a post on X"),
        (said(text="", repost="https://[broken"), "not the address of a post on X"),
        (said(repost=POST), "no words or pictures of its own"),
        (said(PICTURE, text="", repost=POST), "no words or pictures of its own"),
        (said(text="", repost=POST, replies="following"), "takes no other option"),
        (said(replies="nobody"), "everyone, following, mentioned"),
    ],
)
def test_what_x_would_refuse_is_told(message: Message, told: str) -> None:
    assert told in problems(message)


def test_a_problem_of_a_thread_names_its_part() -> None:
    parts = (MessagePart(text="One"), MessagePart(text="Two", media=(FILM, PICTURE)))
    message = said().model_copy(update={"parts": parts})
    assert problems(message).startswith("part 2: a post on X shows up to 4 pictures")

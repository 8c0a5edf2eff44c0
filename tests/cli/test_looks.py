"""A message on the terminal: its words to the letter, and beside them how its network shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from social_scheduler import platforms
from social_scheduler.cli.looks import print_planned
from social_scheduler.cli.shared import out, plain
from social_scheduler.message import (
    Attachment,
    Captions,
    Card,
    Message,
    MessagePart,
    Window,
    content_digest,
)
from social_scheduler.planning import PlannedMessage, PlannedPost, Speaker
from social_scheduler.preview import look_of

ADDRESS = "https://www.example.org/en/partners/meridia"


def shown(platform: str, *parts: MessagePart, **more: object) -> str:
    """What `plan --words` prints of a post for one account, with wide lines."""
    message = Message.model_validate(
        {
            "platform": platform,
            "server": "s",
            "account": "1",
            "language": "en",
            "parts": parts,
            **more,
        }
    )
    body = message.canonical()
    speaker = Speaker(1, f"{platform}-en", platform, "s", "1", "en", "demo")
    limits = platforms.limits()[platform]
    due = datetime(2027, 1, 11, 7, 30, tzinfo=UTC)
    post = PlannedPost(
        campaign="week",
        key="opening",
        kind="news",
        owner="amal",
        tags=(),
        release="together",
        window=Window(due, due, due + timedelta(minutes=10)),
        zone="UTC",
        wall="2027-01-11 07:30",
        messages=(PlannedMessage(speaker, body, content_digest(body), len(parts), 0, limits),),
        place="week.yaml:9",
    )
    before, out.width = out.width, 200
    try:
        with out.capture() as captured:
            print_planned(post)
    finally:
        out.width = before
    return captured.get()


def test_the_account_is_named_by_network_name_handle_and_language() -> None:
    assert " x · x-en @demo · en " in shown("x", MessagePart(text="Home"))


def test_the_words_stand_there_to_the_letter_with_their_length() -> None:
    text = f"شكرًا [bold]@NATO[/]\n\nRead {ADDRESS} #LifeafterDaesh"
    said = shown("x", MessagePart(text=text))
    assert text in said
    assert "━━━━━───────────────" in said
    assert "66 of 280" in said


def test_parts_are_numbered() -> None:
    said = shown("x", MessagePart(text="One\n1/2"), MessagePart(text="Two\n2/2"))
    assert "7 of 280 · part 1 of 2" in said


def test_boxes_pictures_and_films_are_told() -> None:
    captions = Captions(sha256="b" * 64, language="en")
    film = Attachment(
        sha256="a" * 64, type="video/mp4", alt="A street", milliseconds=61_000, captions=captions
    )
    assert "film 1:01 with captions aaaaaaaaaaaa… ALT: A street" in shown(
        "bluesky", MessagePart(text="Home", media=(film,))
    )
    unseen = "film 1:01 with captions aaaaaaaaaaaa… ALT (readers here do not see it): A street"
    assert unseen in shown("x", MessagePart(text="Home", media=(film,)))
    tall = Attachment(sha256="c" * 64, type="image/png", alt="A tower", width=9, height=30)
    assert "picture cccccccccccc… 9×30, cut in lists ALT: A tower" in shown(
        "x", MessagePart(text="Home", media=(tall,))
    )
    assert "box: example.org, made by the network" in shown("x", MessagePart(text=ADDRESS))
    card = Card(link=ADDRESS, title="Meridia", description="A week", picture=tall)
    ours = shown("bluesky", MessagePart(text=ADDRESS), card=card)
    assert "box: example.org Meridia — A week" in ours
    assert "with picture cccccccccccc… ALT (readers here do not see it): A tower" in ours


def test_choices_are_told() -> None:
    warned = shown(
        "mastodon",
        MessagePart(text="Home"),
        options={"warning": "Ruins", "visibility": "unlisted"},
    )
    assert "readers see this first, and open the rest: Ruins" in warned
    assert "everybody sees it, but it is not listed" in warned
    repeated = shown("x", MessagePart(text=""), options={"repost": "https://x.com/NATO/status/7"})
    assert "repeats as it is https://x.com/NATO/status/7" in repeated
    assert "of 280" not in repeated


def test_what_would_be_cut_is_told() -> None:
    assert "the network would cut off" in shown("x", MessagePart(text="a" * 281))


def test_scripts_can_read_all_of_it() -> None:
    media = (Attachment(sha256="a" * 64, type="image/png", alt="A tower", width=9, height=30),)
    message = Message(
        platform="x",
        server="s",
        account="1",
        language="en",
        parts=(MessagePart(text=ADDRESS, media=media),),
    )
    told = json.loads(json.dumps(plain(look_of(message, platforms.limits()["x"]))))
    (part,) = told["parts"]
    assert part["lines"][0][0]["text"] == ADDRESS
    assert part["shown"][0]["item"]["alt"] == "A tower"

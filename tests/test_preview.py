"""A message as its network will show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from social_scheduler.message import Attachment, Captions, Card, Limits, Message, MessagePart
from social_scheduler.platforms import limits as limits_by_platform
from social_scheduler.preview import MANNERS, Look, PartLook, lines_of, look_of

ADDRESS = "https://www.example.org/en/partners/meridia"
LIMITS = limits_by_platform()
HERE = [name for name in MANNERS if name in LIMITS]


def picture(width: int = 0, height: int = 0, **more: Any) -> Attachment:
    """One picture of these sides."""
    kind = more.pop("type", "image/png")
    return Attachment(sha256="a" * 64, type=kind, alt="A", width=width, height=height, **more)


def looks(platform: str, *parts: MessagePart, limits: Limits | None = None, **more: Any) -> Look:
    """A message on a network."""
    message = Message(
        platform=platform, server="s", account="1", language="en", parts=parts, **more
    )
    return look_of(message, limits or LIMITS[platform])


def look(platform: str, text: str, *media: Attachment, **more: Any) -> PartLook:
    """Its only part."""
    (part,) = looks(platform, MessagePart(text=text, media=media), **more).parts
    return part


def text_of(part: PartLook) -> str:
    """All of the words again."""
    return "\n".join("".join(piece.text for piece in line) for line in part.lines)


@pytest.mark.parametrize("platform", HERE)
def test_the_words_stand_there_to_the_letter(platform: str) -> None:
    partner = {"mastodon": "@nato@social.example", "bluesky": "@nato.example.org"}
    text = f"شكرًا {partner.get(platform, '@NATO')}\n\nRead {ADDRESS}, #LifeafterDaesh #الحياة_بعد_داعش and example.org."
    part = look(platform, text)
    assert text_of(part) == text
    assert [p.kind for line in part.lines for p in line if p.kind != "plain"] == [
        *("mention", "link", "tag", "tag", "link"),
    ]


@pytest.mark.parametrize(("platform", "known"), [("x", True), ("mastodon", False)])
def test_a_mention_is_what_its_network_takes_for_one(platform: str, known: bool) -> None:
    part = look(platform, "شكرًا و@nato")
    assert ("mention" in [p.kind for line in part.lines for p in line]) is known


@pytest.mark.parametrize(
    ("platform", "shown"),
    [
        ("x", "example.org/en/partners/me"),
        ("mastodon", "example.org/en/partners/meridi"),
        ("bluesky", ADDRESS),
        ("telegram", ADDRESS),
    ],
)
def test_an_address_is_shown_as_the_network_shows_it(platform: str, shown: str) -> None:
    (piece,) = (p for p in look(platform, ADDRESS).lines[0] if p.kind == "link")
    assert piece.visible == shown
    assert "".join((piece.hidden[0], piece.visible, piece.hidden[1])) == ADDRESS


def test_the_length_is_the_networks_own() -> None:
    text = f"{ADDRESS} 👨‍👩‍👧‍👦"
    assert (look("x", text).length, look("x", text).limit) == (26, 280)
    assert (look("bluesky", text).length, look("bluesky", text).limit) == (45, 300)
    assert look("mastodon", text).length == 25
    assert look("telegram", text).length == 55


def test_beside_media_another_limit_may_hold() -> None:
    assert look("telegram", "Home").limit == 4096
    assert look("telegram", "Home", picture()).limit == 1024


def test_what_is_opened_first_counts_where_the_network_counts_it() -> None:
    part = looks("mastodon", MessagePart(text="Home"), options={"warning": "Ruins"})
    assert (part.warning, part.parts[0].length) == ("Ruins", 9)


def test_what_is_too_long_is_seen_where_it_would_be_cut() -> None:
    part = look("x", "a" * 279 + " " + ADDRESS)
    assert part.ends == "cut"
    assert "".join(p.text for p in part.lines[0] if not p.beyond) == "a" * 279 + " "
    assert [p.kind for p in part.lines[0] if p.beyond] == ["link"]


def test_a_long_post_of_x_is_folded() -> None:
    text = "word " * 100
    part = look("x", text, limits=replace(LIMITS["x"], text=25_000))
    assert part.ends == "folded"
    assert sum(len(p.text) for line in part.lines for p in line if not p.beyond) == 280
    assert text_of(part) == text


def test_lines_after_the_fold_are_beyond_it_too() -> None:
    lines = lines_of("one\ntwo three\n\nfour", end=7)
    assert [[(p.text, p.beyond) for p in line] for line in lines] == [
        [("one", False)],
        [("two", False), (" three", True)],
        [],
        [("four", True)],
    ]


@pytest.mark.parametrize(
    ("platform", "sides", "cut"),
    [
        ("x", [(900, 1600)], [True]),
        ("x", [(1200, 675)], [False]),
        ("x", [(800, 900), (1600, 900)], [False, True]),
        ("x", [(800, 900), (1600, 900), (1600, 900)], [False, False, False]),
        ("x", [(1600, 900)] * 4, [False] * 4),
        ("x", [(0, 0)] * 2, [False] * 2),
        ("bluesky", [(500, 1600)], [True]),
        ("bluesky", [(900, 900)] * 2, [False] * 2),
        ("mastodon", [(900, 1600)], [False]),
        ("mastodon", [(300, 400), (400, 300)], [False, True]),
    ],
)
def test_pictures_are_cut_to_their_places(
    platform: str, sides: list[tuple[int, int]], cut: list[bool]
) -> None:
    part = look(platform, "Home", *(picture(w, h) for w, h in sides))
    assert [shown.cropped for shown in part.shown] == cut
    assert (part.frame is None) == (len(sides) == 1)


def test_more_pictures_than_a_frame_holds_are_shown_whole() -> None:
    part = look("telegram", "Home", *[picture(3, 4)] * 7)
    assert (part.frame, [s.cropped for s in part.shown]) == (None, [False] * 7)


@pytest.mark.parametrize(
    ("milliseconds", "clock"), [(999, "0:01"), (61_400, "1:01"), (3_600_000, "60:00")]
)
def test_a_film_tells_its_length(milliseconds: int, clock: str) -> None:
    captions = Captions(sha256="b" * 64, language="en")
    film = picture(type="video/mp4", milliseconds=milliseconds, captions=captions)
    assert look("x", "Home", film).shown[0].clock == clock


@pytest.mark.parametrize(
    ("platform", "of_pictures", "of_films"),
    [
        ("x", True, False),
        ("bluesky", True, True),
        ("mastodon", True, True),
        ("telegram", False, False),
    ],
)
def test_it_says_where_readers_do_not_see_a_description(
    platform: str, of_pictures: bool, of_films: bool
) -> None:
    still, moving, film = picture(), picture(milliseconds=900), picture(type="video/mp4")
    seen = [look(platform, "Home", each).shown[0].alt_seen for each in (still, moving, film)]
    assert seen == [of_pictures, of_pictures, of_films]


def test_the_box_is_ours_where_we_make_it_and_the_networks_else() -> None:
    card = Card(link=ADDRESS, title="Meridia", description="A week", picture=picture())
    ours = look("bluesky", f"Read {ADDRESS}", card=card).box
    assert ours is not None
    assert (ours.ours, ours.host, ours.title, ours.alt) == (True, "example.org", "Meridia", "A")
    theirs = look("x", f"Read {ADDRESS} or https://example.net/b").box
    assert theirs is not None
    assert (theirs.ours, theirs.host) == (False, "example.net")
    first = look("mastodon", f"Read {ADDRESS} or https://example.net/b").box
    assert first is not None
    assert first.host == "example.org"


def test_there_is_no_box_beside_media_or_where_nobody_makes_one() -> None:
    assert look("x", f"Read {ADDRESS}", picture()).box is None
    assert look("bluesky", f"Read {ADDRESS}").box is None
    assert look("telegram", f"Read {ADDRESS}", options={"preview": "no"}).box is None
    assert look("x", f"Read {ADDRESS}", options={"quote": "https://x.com/a/status/1"}).box is None
    assert look("x", "Home").box is None
    without = replace(LIMITS["x"], box=False)
    assert look("x", f"Read {ADDRESS}", limits=without).box is None


def test_a_network_without_manners_of_its_own_shows_everything() -> None:
    part = look("made-up", ADDRESS, *[picture(9, 16)] * 3, limits=LIMITS["x"])
    assert part.lines[0][0].visible == ADDRESS
    assert part.frame is None

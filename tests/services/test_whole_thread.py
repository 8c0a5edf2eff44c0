"""A network that says a whole thread with its first part is given everything the thread shows."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.message import Attachment, Card, Message, content_digest
from social_scheduler.planning import PlannedPost
from social_scheduler.platforms import Call, Connection
from social_scheduler.services import settle
from social_scheduler.services.unsent import NOT_HANDED_OVER
from tests.services.desk import Desk


def picture(desk: Desk, colour: str) -> Attachment:
    """One of the workspace's pictures."""
    data = BytesIO()
    Image.new("RGB", (8, 8), colour).save(data, "PNG")
    sha256 = desk.context.media.put(data.getvalue(), "image/png")
    return Attachment(sha256=sha256, type="image/png", alt=colour, width=8, height=8)


def showing(post: PlannedPost, card: Card | None, **media: Attachment) -> PlannedPost:
    """The post with a card, and with pictures by part: `part2=…`."""
    (planned,) = post.messages
    message = Message.from_canonical(planned.body)
    parts = [
        part.model_copy(update={"media": (media[f"part{number}"],)})
        if f"part{number}" in media
        else part
        for number, part in enumerate(message.parts, start=1)
    ]
    message = message.model_copy(update={"parts": tuple(parts), "card": card})
    body = message.canonical()
    said = replace(planned, body=body, digest=content_digest(body), pictures=len(message.media))
    return replace(post, messages=(said,))


@pytest.fixture
def calls(desk: Desk) -> list[Call]:
    """What the network was asked to say."""
    found: list[Call] = []

    def remember(_: Connection, call: Call) -> None:
        found.append(call)

    desk.wire.asked = remember
    return found


def test_the_first_call_has_the_uploads_of_every_part_in_order(
    desk: Desk, calls: list[Call]
) -> None:
    desk.wire.whole_thread = True
    red, green, blue = (picture(desk, colour) for colour in ("red", "green", "blue"))
    card = Card(link="https://example.org", title="Title", picture=blue)
    post = desk.post(words={"wire-en": ["One", "Two", "Three"]})
    desk.ready(showing(post, card, part2=red, part3=green))

    desk.tick()

    (call,) = calls
    assert [u.sha256 for u in call.uploads] == [blue.sha256, red.sha256, green.sha256]
    assert desk.parts() == ["live"] * 3


def test_elsewhere_each_call_has_its_own_parts_and_the_cards_picture_goes_with_the_first(
    desk: Desk, calls: list[Call]
) -> None:
    red, blue = picture(desk, "red"), picture(desk, "blue")
    card = Card(link="https://example.org", title="Title", picture=blue)
    desk.ready(showing(desk.post(words={"wire-en": ["One", "Two"]}), card, part2=red))

    desk.tick()

    assert [[u.sha256 for u in call.uploads] for call in calls] == [[blue.sha256], [red.sha256]]
    assert desk.state() is DeliveryState.PUBLISHED


def test_nothing_is_said_while_a_picture_of_a_later_part_is_not_there(
    desk: Desk, calls: list[Call]
) -> None:
    desk.wire.whole_thread = True
    red = picture(desk, "red")
    desk.ready(showing(desk.post(words={"wire-en": ["One", "Two"]}), None, part2=red))
    (turn,) = desk.publisher.claim_due()
    ready = desk.publisher.make_ready(turn)
    assert ready is not None

    assert desk.publisher.begin([[replace(one, uploads=()) for one in ready]]) == []

    assert (calls, desk.trouble()) == ([], NOT_HANDED_OVER)


def test_a_picture_of_two_parts_is_uploaded_ahead_for_each_and_not_again(
    desk: Desk, calls: list[Call]
) -> None:
    desk.wire.whole_thread = True
    red = picture(desk, "red")
    desk.ready(showing(desk.post(words={"wire-en": ["One", "Two"]}), None, part1=red, part2=red))
    desk.clock.forward(minutes=-20)
    desk.publisher.reach.prepare_ahead()
    desk.clock.forward(minutes=20)
    desk.tick()

    assert desk.wire.calls.count("upload") == 2
    assert [u.sha256 for u in calls[0].uploads] == [red.sha256] * 2


def test_whoever_gives_the_address_of_its_first_part_says_that_all_of_it_is_live(
    desk: Desk, calls: list[Call]
) -> None:
    """The parts go live in one call or not at all: none is said again after the first."""
    desk.wire.whole_thread, desk.wire.hidden = True, True
    desk.ready(desk.post(words={"wire-en": ["part 1", "part 2", "part 3"]}))
    desk.wire.script = ["lost"]
    desk.tick()

    settle.it_is_live(
        desk.context, desk.actor("dima"), "week/opening", "wire-en", "https://wire.example/1000"
    )
    desk.clock.forward(seconds=5)
    desk.tick()

    assert (desk.state(), desk.parts()) == (DeliveryState.PUBLISHED, ["live"] * 3)
    assert len(calls) == 1
    assert desk.wire.texts == ["part 1", "part 2", "part 3"]

"""What Bluesky would refuse beyond its limits is told to authors, and refused before it is sent."""

from __future__ import annotations

import subprocess
import sys

import pytest

from social_scheduler.errors import Refused
from social_scheduler.message import Card
from social_scheduler.platforms import Connection
from social_scheduler.platforms.bluesky import PLATFORM
from tests.platforms.bluesky.calls import attached, call, picture

CARD = Card(link="https://example.org", title="Title")
ITEM = attached(picture(), "Red.")
FILM = attached(picture("blue"), "A film.", "video/mp4")
POST = "https://bsky.app/profile/noor.example.org/post/3k2a"

WRONG = {
    "pictures and a card": (call(card=CARD, media={1: [ITEM]}), "either pictures or the box"),
    "a film and a picture": (call("One", "Two", media={2: [ITEM, FILM]}), "one film, or pictures"),
    "a quote of nothing": (call(options={"quote": "https://example.org"}), "quote: https://"),
    "a repost of nothing": (call(options={"repost": "https://example.org"}), "repost: https://"),
    "a repost with a picture": (call("", media={1: [ITEM]}, options={"repost": POST}), "alone"),
}
RIGHT = {
    "a card": call(card=CARD),
    "a picture in another part": call("One", "Two", card=CARD, media={2: [ITEM]}),
    "a quote with pictures": call(media={1: [ITEM]}, options={"quote": POST}),
    "a repost": call("", options={"repost": POST}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_told_and_refused(name: str) -> None:
    said, words = WRONG[name]
    (problem,) = PLATFORM.check(said.message, PLATFORM.limits)
    assert words in problem
    nowhere = Connection("http://127.0.0.1:1", {"identifier": "a", "app_password": "b"})
    with pytest.raises(Refused, match=words):
        PLATFORM.publish(nowhere, said)


@pytest.mark.parametrize("name", RIGHT)
def test_what_can_be_is_not_in_the_way(name: str) -> None:
    assert PLATFORM.check(RIGHT[name].message, PLATFORM.limits) == []


def test_an_option_it_does_not_know_is_not_left_out() -> None:
    nowhere = Connection("http://127.0.0.1:1", {"identifier": "a", "app_password": "b"})
    with pytest.raises(Refused, match="no option 'silent'"):
        PLATFORM.publish(nowhere, call(options={"silent": "yes"}))


def test_importing_the_module_loads_nothing_that_it_may_never_need() -> None:
    code = (
        "import sys; import social_scheduler.platforms.bluesky; "
        "sys.exit(', '.join({'requests', 'urllib3', 'libipld'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

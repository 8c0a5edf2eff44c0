"""Our counts and limits are those of Bluesky's own server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from social_scheduler import text as texts
from social_scheduler.errors import Refused
from social_scheduler.message import Card
from social_scheduler.platforms import Connection
from social_scheduler.platforms.bluesky import PLATFORM
from tests.pds import Person
from tests.platforms.bluesky.calls import attached, call, files, picture

pytestmark = pytest.mark.pds

LIMITS = PLATFORM.limits
CLUSTERS = {
    "Hindi": "क्षि",
    "Bengali": "ক্ষ",
    "Tamil": "நி",
    "Thai": "กำ",
    "Arabic": "مُّ",
    "a flag": "🇮🇶",
    "a keycap": "3️⃣",
    "a family": "👨‍👩‍👧‍👦",
    "a tone of skin": "👩🏽‍🏭",
    "a flag of tags": "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "Hangul": "각",
    "Latin with marks": "e\u0323\u0302",
}


def filled(cluster: str, count: int) -> str:
    """As many of the cluster as the bytes allow, and letters up to `count`."""
    many = min(count, (LIMITS.text_bytes - LIMITS.text - 100) // (texts.byte_length(cluster) - 1))
    return "a " * ((count - many) // 2) + "b" * ((count - many) % 2) + cluster * many


@pytest.mark.parametrize("script", CLUSTERS)
def test_three_hundred_are_taken_and_one_more_is_not(
    person: Person, here: Connection, due: datetime, script: str
) -> None:
    fits, over = filled(CLUSTERS[script], LIMITS.text), filled(CLUSTERS[script], LIMITS.text + 1)
    assert (texts.graphemes(fits), texts.graphemes(over)) == (300, 301)
    assert texts.byte_length(over) < LIMITS.text_bytes
    PLATFORM.publish(here, call(fits, account=person.did, due_at=due))
    with pytest.raises(Refused, match="maximum 300, got 301"):
        PLATFORM.publish(here, call(over, account=person.did, due_at=due))


def test_three_thousand_bytes_are_taken_and_one_more_is_not(
    person: Person, here: Connection, due: datetime
) -> None:
    fits = CLUSTERS["a family"] * 120
    assert texts.byte_length(fits) == LIMITS.text_bytes
    PLATFORM.publish(here, call(fits, account=person.did, due_at=due))
    with pytest.raises(Refused, match="maximum 3000"):
        PLATFORM.publish(here, call(f"{fits}a", account=person.did, due_at=due))


def test_a_fifth_picture_is_refused(person: Person, here: Connection, due: datetime) -> None:
    data = picture()
    item = attached(data, "Red.")
    held = PLATFORM.upload(here, item, files(data))
    media = {1: [item] * (LIMITS.pictures + 1)}
    with pytest.raises(Refused, match="maximum 4"):
        PLATFORM.publish(here, call(account=person.did, media=media, uploads=[held], due_at=due))


def padded(size: int) -> bytes:
    """A picture of so many bytes."""
    data = picture()
    return data + b"\0" * (size - len(data))


@pytest.mark.parametrize("where", ["picture", "card"])
def test_a_picture_may_have_as_many_bytes_as_we_say_and_no_more(
    person: Person, here: Connection, due: datetime, where: str
) -> None:
    most = LIMITS.picture_bytes if where == "picture" else LIMITS.extra["card_picture_bytes"]
    for size in (most, most + 1):
        data = padded(size)
        item = attached(data, "Padded.")
        said = call(account=person.did, uploads=[PLATFORM.upload(here, item, files(data))])
        if where == "picture":
            part = said.message.parts[0].model_copy(update={"media": (item,)})
            message = said.message.model_copy(update={"parts": (part,)})
        else:
            card = Card(link="https://example.org", title="Padded", picture=item)
            message = said.message.model_copy(update={"card": card})
        said = replace(said, message=message, due_at=due)
        if size == most:
            PLATFORM.publish(here, said)
        else:
            with pytest.raises(Refused, match=f"maximum {most}"):
                PLATFORM.publish(here, said)

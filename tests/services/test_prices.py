"""What is planned is priced as the networks count: by part, dearer with a link, once for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from social_scheduler.message import Message, MessagePart, Window, content_digest
from social_scheduler.planning import PlannedMessage, PlannedPost, Speaker
from social_scheduler.platforms import Basics, Prices, discover
from social_scheduler.services.compare import Change, ChangeKind
from social_scheduler.services.prices import estimates

MONDAY = datetime(2027, 1, 11, 7, 0, tzinfo=UTC)
X = discover()["x"]


class Free(Basics):
    """A network that charges nothing."""

    label = "Free"


PLATFORMS = {"x": X, "free": Free()}


def planned(*parts: str, platform: str = "x", **options: str) -> PlannedMessage:
    message = Message(
        platform=platform,
        server="https://example.org",
        account="1",
        language="en",
        parts=tuple(MessagePart(text=text) for text in parts),
        options=options,
    )
    body = message.canonical()
    speaker = Speaker(1, f"{platform}-en", platform, "https://example.org", "1", "en", "someone")
    return PlannedMessage(speaker, body, content_digest(body), len(parts), 0, X.limits)


def change(*messages: PlannedMessage, kind: ChangeKind = ChangeKind.NEW) -> Change:
    post = PlannedPost(
        campaign="week",
        key="opening",
        kind="news",
        owner="amal",
        tags=(),
        release="together",
        window=Window(due_at=MONDAY, not_before=MONDAY, not_after=MONDAY + timedelta(hours=1)),
        zone="UTC",
        wall="2027-01-11 07:00",
        messages=messages,
        place="campaign.yaml:1",
    )
    return Change(kind, "week", "opening", planned=post)


def told(*changes: Change) -> list[str]:
    return [str(estimate) for estimate in estimates(changes, PLATFORMS)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        ([planned("Good morning")], "About $0.02 on X (1 post)."),
        ([planned("See https://example.org")], "About $0.20 on X (1 post, 1 with a link)."),
        ([planned("See example.org"), planned("صباح الخير")], "(2 posts, 1 with a link)."),
        (
            [planned("One", "Two https://example.org", "Three")],
            "About $0.23 on X (3 posts, 1 with a link).",
        ),
        (
            [planned("", repost="https://x.com/partner/status/5")],
            "About $0.02 on X (1 post).",
        ),
    ],
)
def test_each_part_costs_and_a_link_makes_it_dearer(
    messages: list[PlannedMessage], line: str
) -> None:
    (said,) = told(change(*messages))
    assert said.endswith(line)


def test_many_posts_are_one_sum() -> None:
    changes = [change(planned("See https://example.org")) for _ in range(1000)]
    changes.append(change(planned("Good morning")))
    assert told(*changes) == ["About $200.02 on X (1,001 posts, 1,000 with a link)."]


def test_what_is_not_put_in_place_costs_nothing() -> None:
    kinds = [ChangeKind.UNCHANGED, ChangeKind.LIVE, ChangeKind.WITHDRAWN, ChangeKind.PAST]
    assert told(*(change(planned("Good morning"), kind=kind) for kind in kinds)) == []
    assert told(Change(ChangeKind.REMOVED, "week", "gone")) == []


def test_a_network_that_charges_nothing_is_not_named() -> None:
    assert told(change(planned("Good morning", platform="free"))) == []
    assert X.prices == Prices(post=15, post_with_link=200, repost=15)

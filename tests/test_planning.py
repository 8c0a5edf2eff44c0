"""From a campaign to posts and deliveries: what would be said, where, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from social_scheduler.campaign.partners import Partners
from social_scheduler.campaign.schema import AccountEntry, Accounts, Campaign
from social_scheduler.errors import InvalidInput
from social_scheduler.message import Attachment, Limits, Mention, Message, MessagePart
from social_scheduler.planning import (
    PlannedPost,
    Speaker,
    duration,
    plan_campaign,
    post_window,
)

LIMITS = Limits(
    text=280,
    counted_in="weighted",
    pictures=4,
    picture_bytes=1_000_000,
    picture_side=4096,
    picture_types=frozenset({"image/png"}),
    alt_text=1000,
    thread=True,
)
ACCOUNTS = Accounts(
    accounts=[
        AccountEntry(name="x-en", platform="x", handle="EN", language="en", groups=["all-x"]),
        AccountEntry(name="x-ar", platform="x", handle="AR", language="ar", groups=["all-x"]),
    ]
)
SPEAKERS = {
    e.name: Speaker(n, e.name, "x", "https://api.x.com", str(n), e.language, e.handle)
    for n, e in enumerate(ACCOUNTS.accounts, start=1)
}


def campaign(**values: Any) -> Campaign:
    post = {
        "id": "opening",
        "at": "2027-01-11 10:30",
        "text": {"en": "Good morning {link}", "ar": "صباح الخير"},
        "link": "https://example.org/a",
        **values.pop("post", {}),
    }
    return Campaign.model_validate(
        {
            "campaign": "week",
            "kind": "spotlight",
            "title": "The week",
            "owner": "amal",
            "timezone": "Asia/Baghdad",
            "to": ["all-x"],
            "posts": [post],
            **values,
        }
    )


def attach(
    file: str, alt: str, limits: Limits, captions: tuple[str, str] | None = None
) -> Attachment:
    return Attachment(sha256=file.encode().hex().ljust(64, "0"), type="image/png", alt=alt)


def planned(speakers: dict[str, Speaker] | None = None, **values: Any) -> PlannedPost:
    (post,) = plan_campaign(
        campaign(**values),
        ACCOUNTS,
        speakers=SPEAKERS if speakers is None else speakers,
        limits={"x": LIMITS},
        attach=attach,
        place=lambda n: f"week.yaml:{n + 9}",
    )
    return post


def test_each_account_says_its_own_language_bound_to_its_native_id() -> None:
    post = planned()

    said = {m.speaker.name: Message.from_canonical(m.body) for m in post.messages}
    assert said["x-en"].parts[0].text == "Good morning https://example.org/a"
    assert said["x-ar"].parts[0].text.startswith("صباح الخير")
    assert (said["x-ar"].account, said["x-ar"].server) == ("2", "https://api.x.com")
    assert post.place == "week.yaml:9"


def test_times_are_local_and_kept_with_what_was_written() -> None:
    post = planned()

    due = datetime(2027, 1, 11, 7, 30, tzinfo=UTC)
    assert (post.wall, post.zone) == ("2027-01-11 10:30", "Asia/Baghdad")
    assert post.window.due_at == post.window.not_before == due
    assert post.window.not_after == due + timedelta(minutes=10)


def test_an_embargo_and_an_end_narrow_the_window() -> None:
    _, window = post_window(
        made := campaign(late="2 hours", embargo="2027-01-11 10:45", expires="2027-01-11 11:00"),
        made.posts[0],
    )

    assert window.not_before - window.due_at == timedelta(minutes=15)
    assert window.not_after - window.due_at == timedelta(minutes=30)


def test_an_embargo_that_is_over_before_changes_nothing() -> None:
    one = planned(embargo="2027-01-10 10:00", expires="2027-02-01 10:00")

    assert one.window == planned().window


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10 minutes", timedelta(minutes=10)),
        ("1 minute", timedelta(minutes=1)),
        ("2 hours", timedelta(hours=2)),
    ],
)
def test_a_duration_is_read_as_written(written: str, meant: timedelta) -> None:
    assert duration(written) == meant


@pytest.mark.parametrize("written", ["10", "ten minutes", "2 days", "-1 hour", "10 minutes "])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput, match="no duration"):
        duration(written)


def test_the_same_file_gives_the_same_digests() -> None:
    assert planned().digest == planned().digest
    assert planned() == planned()


def test_the_time_is_not_in_the_digest_of_the_words() -> None:
    later = planned(post={"at": "2027-01-11 10:31"})

    assert later.digest == planned().digest
    assert later.window_digest != planned().window_digest


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "quote"},
        {"owner": "badr"},
        {"tags": ["flood"]},
        {"release": "apart"},
        {"to": ["x-en"]},
        {"post": {"text": {"en": "Good morning. {link}", "ar": "صباح الخير"}}},
        {"post": {"tags": ["flood"]}},
    ],
)
def test_anything_else_that_people_approve_is_in_it(change: dict[str, Any]) -> None:
    assert planned(**change).digest != planned().digest


def test_the_order_of_tags_means_nothing() -> None:
    one = planned(tags=["a", "b"], post={"tags": ["c"]})

    assert one.tags == ("a", "b", "c")
    assert one.digest == planned(tags=["c", "b"], post={"tags": ["a", "b"]}).digest


def test_a_thread_has_a_part_for_each_call() -> None:
    thread = {"en": ["One.", "Two."], "ar": ["واحد.", "اثنان."]}
    post = planned(post={"thread": thread, "text": None, "link": None})

    assert [m.parts for m in post.messages] == [2, 2]


def test_an_account_that_is_not_connected_or_another_one_is_told() -> None:
    with pytest.raises(InvalidInput, match="x-en is not connected yet"):
        planned(speakers={})
    wrong = {
        **SPEAKERS,
        "x-en": Speaker(1, "x-en", "x", "https://api.x.com", "1", "en", "Elsewhere"),
    }
    with pytest.raises(InvalidInput, match=r"the handle 'EN', but it was connected .* 'Elsewhere'"):
        planned(speakers=wrong)


def message_of(limits: Limits, refusals: Any = None, **post: Any) -> Message:
    """What the English account would say of a post, on a network with these limits."""
    (made,) = plan_campaign(
        campaign(post=post, media={"a": {"file": "media/a.png", "alt": {"en": "A", "ar": "أ"}}}),
        ACCOUNTS,
        speakers=SPEAKERS,
        limits={"x": limits},
        attach=attach,
        place=lambda n: f"week.yaml:{n + 9}",
        partners=BOOK,
        refusals=refusals,
    )
    return Message.from_canonical(made.messages[0].body)


BOOK = Partners.model_validate(
    {"partners": {"nato": {"handles": {"x": "NATO"}, "ids": {"x": "did:plc:nato"}}}}
)
CARD = {"en": {"title": "The market", "description": "Forty stalls", "picture": "a"}}


def test_only_what_the_network_knows_is_chosen_there() -> None:
    some = replace(LIMITS, options=frozenset({"replies", "warning"}))
    chosen = {"replies": "following", "silent": "yes", "warning": {"en": "Ruins"}}
    assert message_of(some, **chosen).options == {"replies": "following", "warning": "Ruins"}
    assert message_of(LIMITS, **chosen).options == {}


def test_a_card_of_ours_stands_where_it_is_ours_to_make_and_no_media_do() -> None:
    own = replace(LIMITS, own_card=True, extra={"card_picture_bytes": 500_000})
    card = message_of(own, card=CARD).card
    assert card is not None
    assert (card.link, card.title, card.description) == (
        "https://example.org/a",
        "The market",
        "Forty stalls",
    )
    assert card.picture is not None
    assert card.picture.alt == "A"
    assert message_of(LIMITS, card=CARD).card is None
    assert message_of(own, card=CARD, media=["a"]).card is None


def test_a_partner_stands_in_the_bytes_with_the_networks_own_id() -> None:
    (part,) = message_of(LIMITS, text={"en": "With {@nato}", "ar": "مع {@nato}"}).parts
    assert part.text == "With @NATO\nhttps://example.org/a"
    assert part.mentions == (Mention(text="@NATO", id="did:plc:nato"),)


def test_a_repost_is_one_part_without_words() -> None:
    some = replace(LIMITS, options=frozenset({"repost"}))
    address = "https://x.com/NATO/status/7"
    made = message_of(some, repost=address, text=None, link=None)
    assert (made.parts, made.link) == ((MessagePart(text=""),), None)
    assert made.options == {"repost": address}


def test_a_long_text_is_planned_as_the_thread_it_becomes() -> None:
    threading = Accounts(
        accounts=[e.model_copy(update={"may_thread": "yes"}) for e in ACCOUNTS.accounts]
    )
    long = {"en": "A sentence of the day. " * 20, "ar": "جملة."}
    (post,) = plan_campaign(
        campaign(post={"text": long, "split": "yes"}),
        threading,
        speakers=SPEAKERS,
        limits={"x": LIMITS},
        attach=attach,
        place=str,
    )
    assert [m.parts for m in post.messages] == [2, 1]


def test_what_the_network_would_refuse_is_not_planned() -> None:
    def refuse(message: Message, limits: Limits) -> list[str]:
        return [f"{limits.text} is too much for {message.language}"]

    with pytest.raises(InvalidInput, match=r"week\.yaml:9: x-en cannot say this: 280 is too much"):
        message_of(LIMITS, refusals={"x": refuse})

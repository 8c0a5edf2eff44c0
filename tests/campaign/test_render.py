"""What one account will say: which wording, where the link stands, which pictures."""

from __future__ import annotations

from typing import Any

import pytest

from social_scheduler.campaign.render import Rendered, RenderProblem, render
from social_scheduler.campaign.schema import AccountEntry, Campaign
from social_scheduler.message import Limits
from tests.campaign.conftest import BOX, PARTNERS, X, account

X_EN, X_AR, PLAIN_EN = account("x-en", "en"), account("x-ar", "ar"), account("plain-en", "en")
BOX_EN = account("box-en", "en")


def said(
    post: dict[str, Any], speaker: AccountEntry = X_EN, limits: Limits | None = None
) -> Rendered:
    """What an account says of a campaign's second post."""
    picture = {"file": "media/a.png", "alt": {"en": "A"}}
    campaign = Campaign.model_validate(
        {
            "campaign": "c",
            "kind": "news",
            "title": "T",
            "owner": "amal",
            "timezone": "UTC",
            "to": ["all"],
            "media": {"a": picture, "b": picture},
            "posts": [
                {"id": "first", "at": "2027-01-11 10:30", "text": {"en": "First"}},
                {"id": "second", "at": "2027-01-11 10:30"} | post,
            ],
        }
    )
    return render(campaign, campaign.posts[1], speaker, partners=PARTNERS, limits=limits)


def texts(post: dict[str, Any], speaker: AccountEntry = X_EN) -> list[str]:
    """The texts alone."""
    return [part.text for part in said(post, speaker).parts]


def problem(post: dict[str, Any], speaker: AccountEntry = X_EN) -> RenderProblem:
    """Why the account cannot say it."""
    with pytest.raises(RenderProblem) as caught:
        said(post, speaker)
    assert caught.value.remedy
    return caught.value


def test_an_account_speaks_its_language() -> None:
    post = {"text": {"en": "Home", "ar": "بيت"}}
    assert texts(post) == ["Home"]
    assert texts(post, X_AR) == ["بيت"]


def test_a_language_without_words_is_a_problem_at_the_text() -> None:
    assert problem({"text": {"fr": "Maison"}}).path == ("posts", 1, "text")


def test_account_beats_platform_beats_post_language_by_language() -> None:
    post = {
        "text": {"en": "post", "ar": "post"},
        "variants": {"x": {"text": {"en": "platform"}}, "x-en": {"text": {"en": "account"}}},
    }
    assert texts(post, X_EN) == ["account"]
    assert texts(post, account("x-two", "en")) == ["platform"]
    assert texts(post, X_AR) == ["post"]
    assert texts(post, PLAIN_EN) == ["post"]


def test_a_variant_changes_only_the_fields_it_gives() -> None:
    post = {
        "text": {"en": "Home {link}"},
        "link": "https://a.example",
        "media": ["a"],
        "variants": {"x": {"link": "https://b.example"}, "x-en": {"media": []}},
    }
    assert said(post).parts[0].text == "Home https://b.example"
    assert said(post).parts[0].media == ()
    assert said(post, PLAIN_EN).parts[0].media == ("a",)
    assert said(post, PLAIN_EN).link == "https://a.example"


def test_a_variant_may_turn_a_thread_into_one_text() -> None:
    post = {"thread": {"en": ["One", "Two"]}, "variants": {"plain": {"text": {"en": "Both"}}}}
    assert texts(post) == ["One", "Two"]
    assert texts(post, PLAIN_EN) == ["Both"]


def test_a_link_stands_where_it_is_named_else_on_a_last_line() -> None:
    assert texts({"text": {"en": "{link} home"}, "link": "https://a.example"}) == [
        "https://a.example home"
    ]
    assert texts({"text": {"en": "Home"}, "link": "https://a.example"}) == [
        "Home\nhttps://a.example"
    ]


def test_a_threads_link_goes_to_its_last_part_unless_named_in_another() -> None:
    post: dict[str, Any] = {"thread": {"en": ["One", "Two"]}, "link": "https://a.example"}
    assert texts(post) == ["One", "Two\nhttps://a.example"]
    post["thread"] = {"en": ["One {link}", "Two"]}
    assert texts(post) == ["One https://a.example", "Two"]


def test_a_link_may_differ_by_language() -> None:
    post = {"text": {"en": "A", "ar": "ا"}, "link": {"en": "https://en.example"}}
    assert said(post).link == "https://en.example"
    assert problem(post, X_AR).path == ("posts", 1, "link")


def test_doubled_braces_are_braces() -> None:
    assert texts({"text": {"en": "{{link}} }}{{"}}) == ["{link} }{"]


@pytest.mark.parametrize(
    ("text", "offset", "reason"),
    [
        ("Home {link}", 5, "has no link"),
        ("See {@meridai}", 4, "nobody is `meridai`"),
        ("{name}", 0, "not a placeholder"),
        ("a } b", 2, "stands alone"),
        ("a { b", 2, "stands alone"),
    ],
)
def test_other_braces_are_a_problem_at_their_place(text: str, offset: int, reason: str) -> None:
    found = problem({"text": {"en": text}})
    assert (found.path, found.offset) == (("posts", 1, "text", "en"), offset)
    assert reason in found.problem


def test_texts_are_in_composed_form() -> None:
    assert texts({"text": {"en": "Re\u0301union"}}) == ["Réunion"]


def test_pictures_go_with_the_first_part_or_with_the_part_named() -> None:
    thread = {"thread": {"en": ["One", "Two"]}}
    assert [p.media for p in said(thread | {"media": ["a", "b"]}).parts] == [("a", "b"), ()]
    assert [p.media for p in said(thread | {"media_by_part": {"2": ["b"]}}).parts] == [(), ("b",)]
    both = thread | {"media": ["a"], "media_by_part": {"2": ["b"]}}
    assert [p.media for p in said(both).parts] == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("post", "path"),
    [
        ({"text": {"en": "A"}, "media_by_part": {"1": ["a"]}}, ("media_by_part",)),
        ({"thread": {"en": ["A"]}, "media_by_part": {"2": ["a"]}}, ("media_by_part", 2)),
        ({"thread": {"en": ["A"]}, "media": ["a"], "media_by_part": {"1": ["b"]}}, ("media",)),
    ],
)
def test_pictures_of_no_part_are_a_problem(post: dict[str, Any], path: tuple[object, ...]) -> None:
    assert problem(post).path == ("posts", 1, *path)


@pytest.mark.parametrize(
    ("speaker", "words"),
    [
        (X_EN, "Thank you, @MeridiaDemo."),
        (BOX_EN, "Thank you, @meridia.example.org."),
        (PLAIN_EN, "Thank you, Meridia."),
    ],
)
def test_a_partner_is_named_as_each_network_knows_it(speaker: AccountEntry, words: str) -> None:
    assert texts({"text": {"en": "Thank you, {@meridia}."}}, speaker) == [words]


def test_the_networks_own_id_of_a_partner_comes_with_the_words() -> None:
    (part,) = said({"text": {"en": "Thank you, {@meridia}, {@meridia}."}}, BOX_EN).parts
    assert [(n.handle, n.id) for n in part.named] == [("@meridia.example.org", "did:plc:meridia")]


def test_a_partner_without_handle_and_name_is_a_problem() -> None:
    found = problem({"text": {"en": "Thank you, {@harbour}."}})
    assert (found.problem, found.offset) == (
        "`harbour` has neither a handle on x nor a name in en",
        11,
    )


LONG = "Families return home to their street. " * 9 + "{link} #LifeafterDaesh {@meridia}"
LONG_POST = {"link": "https://example.org/a", "text": {"en": LONG}, "split": "yes", "media": ["a"]}


def test_a_long_text_becomes_a_thread_where_its_author_asked_for_it() -> None:
    found = said(LONG_POST, X_EN, X)
    assert found.divided
    assert [part.text.rsplit("\n", 1)[1] for part in found.parts] == ["1/2", "2/2"]
    assert [part.media for part in found.parts] == [("a",), ()]
    assert [len(part.named) for part in found.parts] == [0, 1]
    assert {part.path for part in found.parts} == {("posts", 1, "text", "en")}


def test_it_stays_one_text_where_it_fits_or_nobody_asked_or_it_may_not_thread() -> None:
    quiet = account("x-quiet", "en", thread=False)
    assert not said(LONG_POST | {"text": {"en": "Short."}}, X_EN, X).divided
    assert not said(LONG_POST | {"split": "no"}, X_EN, X).divided
    assert not said(LONG_POST, quiet, X).divided
    assert not said(LONG_POST, X_EN).divided


def test_a_variant_can_ask_for_it_alone() -> None:
    post = LONG_POST | {"split": None, "variants": {"x": {"split": "yes"}}}
    assert said(post, X_EN, X).divided
    assert not said(post, BOX_EN, BOX).divided


def test_what_is_opened_first_counts_with_every_part() -> None:
    post = {"text": {"en": "Families return home. " * 13}, "warning": {"en": "Ruins " * 9}}
    plain, warned = (
        said({k: v for k, v in post.items() if k in keys} | {"split": "yes"}, BOX_EN, BOX)
        for keys in (("text",), ("text", "warning"))
    )
    assert not plain.divided
    assert warned.divided
    assert warned.options["warning"] == "Ruins " * 9


def test_choices_come_from_the_most_particular_wording() -> None:
    found = said(
        {
            "text": {"en": "Home"},
            "replies": "following",
            "silent": "yes",
            "warning": {"en": "About {@meridia}", "ar": "عن"},
            "variants": {"x": {"replies": "mentioned"}, "x-en": {"silent": "no"}},
        }
    )
    assert found.options == {
        "replies": "mentioned",
        "silent": "no",
        "warning": "About @MeridiaDemo",
    }
    assert found.chosen_at["replies"] == ("posts", 1, "variants", "x", "replies")
    assert found.chosen_at["warning"] == ("posts", 1, "warning", "en")


def test_a_repost_has_one_part_without_words() -> None:
    address = "https://x.example/amal/status/7"
    found = said({"repost": address})
    assert [part.text for part in found.parts] == [""]
    assert found.options == {"repost": address}


def test_a_card_is_written_by_language() -> None:
    card = {"title": "The e\u0301tat of things", "description": "By {@meridia}", "picture": "a"}
    found = said({"text": {"en": "Home"}, "card": {"en": card}}).card
    assert found is not None
    assert (found.title, found.description, found.picture) == (
        "The état of things",
        "By @MeridiaDemo",
        "a",
    )
    assert said({"text": {"ar": "بيت"}, "card": {"en": card}}, X_AR).card is None

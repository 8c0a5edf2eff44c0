"""What one account will say: which wording, where the link stands, which pictures."""

from __future__ import annotations

from typing import Any

import pytest

from social_scheduler.campaign.render import Rendered, RenderProblem, render
from social_scheduler.campaign.schema import AccountEntry, Campaign
from tests.campaign.conftest import account

X_EN, X_AR, PLAIN_EN = account("x-en", "en"), account("x-ar", "ar"), account("plain-en", "en")


def said(post: dict[str, Any], speaker: AccountEntry = X_EN) -> Rendered:
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
    return render(campaign, campaign.posts[1], speaker)


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
        ("See {@meridia}", 4, "not yet"),
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

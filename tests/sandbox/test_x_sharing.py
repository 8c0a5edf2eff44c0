"""X's quotes, reposts and who may reply, at the rehearsal network and in its ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import Client
from tests.sandbox.running import Sandbox

ELSEWHERE = "1800000000000000077"


@pytest.fixture
def other(sandbox: Sandbox, client: Client) -> Client:
    """Somebody else."""
    return Client(sandbox, sandbox.add_account(f"o_{client.account.handle[-8:]}", "en"))


def say(client: Client, text: str, **more: Any) -> requests.Response:
    return client.call("POST", "/2/tweets", json={"text": text, **more})


def repost(client: Client, post: str, whose: str | None = None) -> requests.Response:
    path = f"/2/users/{whose or client.account.id}/retweets"
    return client.call("POST", path, json={"tweet_id": post})


def undo(client: Client, post: str) -> requests.Response:
    return client.call("DELETE", f"/2/users/{client.account.id}/retweets/{post}")


def shown(client: Client, post: str) -> dict[str, Any]:
    fields = "referenced_tweets,entities,note_tweet,reply_settings"
    found: dict[str, Any] = client.get(f"/2/tweets/{post}", tweet_fields=fields).json()
    return found


def timeline(client: Client) -> list[dict[str, Any]]:
    path = f"/2/users/{client.account.id}/tweets"
    answer = client.get(path, tweet_fields="referenced_tweets").json()
    found: list[dict[str, Any]] = answer.get("data", [])
    return found


def test_a_quote_names_what_it_quotes_and_ends_with_its_address(client: Client) -> None:
    post = say(client, "hear, hear", quote_tweet_id=ELSEWHERE).json()["data"]["id"]
    data = shown(client, post)["data"]
    assert data["referenced_tweets"] == [{"type": "quoted", "id": ELSEWHERE}]
    (link,) = data["entities"]["urls"]
    assert data["text"] == f"hear, hear {link['url']}"
    assert link["expanded_url"] == f"https://x.com/i/web/status/{ELSEWHERE}"
    assert data["text"][link["start"] : link["end"]] == link["url"]
    assert client.sandbox.ledger()[-1].extra == {"quote": ELSEWHERE}


def test_a_removed_post_cannot_be_quoted_or_repeated(client: Client, other: Client) -> None:
    post = other.posted("soon gone")
    other.call("DELETE", f"/2/tweets/{post}")
    assert say(client, "too late", quote_tweet_id=post).status_code == 403
    assert repost(client, post).status_code == 403


def test_a_quote_shows_no_pictures(client: Client, picture: Callable[..., bytes]) -> None:
    media = {"media_ids": [client.uploaded(picture())]}
    assert say(client, "both", quote_tweet_id=ELSEWHERE, media=media).status_code == 400


@pytest.mark.parametrize("value", [5, "", "abc", None])
def test_what_is_no_id_is_quoted_by_nobody(client: Client, value: object) -> None:
    expected = 201 if value is None else 400
    assert say(client, f"quoting {value}", quote_tweet_id=value).status_code == expected


def test_a_repost_is_in_the_timeline_until_it_is_undone(client: Client, other: Client) -> None:
    post = other.posted("worth repeating")
    answer = repost(client, post)
    assert answer.json() == {"data": {"rest_id": post, "retweeted": True}}
    (mine,) = timeline(client)
    assert mine["referenced_tweets"] == [{"type": "retweeted", "id": post}]
    assert mine["text"].startswith("RT ")
    again = repost(client, post)
    assert again.status_code == 400
    assert "already retweeted" in again.json()["errors"][0]["message"]
    for _ in range(2):
        assert undo(client, post).json() == {"data": {"retweeted": False}}
    assert timeline(client) == []
    assert repost(client, post).status_code == 200
    entries = [e for e in client.sandbox.ledger() if e.account == client.account.handle]
    assert [(e.text, e.extra, e.removed_at is None) for e in entries] == [
        ("", {"repost": post}, False),
        ("", {"repost": post}, True),
    ]


def test_a_repost_goes_with_what_it_repeats(client: Client, other: Client) -> None:
    post = other.posted("for a moment")
    repost(client, post)
    other.call("DELETE", f"/2/tweets/{post}")
    assert timeline(client) == []


def test_nobody_reposts_for_another(client: Client, other: Client) -> None:
    assert repost(client, ELSEWHERE, whose=other.account.id).status_code == 403
    assert timeline(other) == []


@pytest.mark.parametrize("route", ["repost", "delete"])
def test_reposting_and_undoing_can_go_wrong(client: Client, route: str) -> None:
    act = repost if route == "repost" else undo
    for fault, status in (("error_before", 500), ("rate_limited", 429), ("error_after", 500)):
        client.sandbox.fault(fault, account=client.account.handle, route=route)
        assert act(client, ELSEWHERE).status_code == status
    assert len(timeline(client)) == (1 if route == "repost" else 0)


@pytest.mark.parametrize("settings", ["following", "mentionedUsers", None])
def test_who_may_reply_is_kept_and_shown(client: Client, settings: str | None) -> None:
    more = {"reply_settings": settings} if settings else {}
    post = say(client, f"for {settings}", **more).json()["data"]["id"]
    assert shown(client, post)["data"]["reply_settings"] == (settings or "everyone")


def test_an_account_that_pays_says_more_and_timelines_show_its_beginning(
    sandbox: Sandbox, client: Client
) -> None:
    text = "long words " * 100 + "https://example.org/end"
    assert client.post(text).status_code == 400
    paying = Client(sandbox, sandbox.add_account("longwinded", "en", premium=True))
    data = shown(paying, paying.posted(text))["data"]
    assert len(data["text"]) < 300
    assert data["text"].endswith("…")
    (link,) = data["note_tweet"]["entities"]["urls"]
    assert data["note_tweet"]["text"] == text.replace("https://example.org/end", link["url"])
    assert paying.post("x" * 25_001).status_code == 400
    assert paying.texts() == [text]

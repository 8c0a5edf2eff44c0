"""Posting, replying, reading back and removing, in the shapes X documents."""

from __future__ import annotations

import re

import requests

from tests.sandbox.conftest import Client
from tests.sandbox.running import Sandbox


def test_a_post_is_answered_with_its_id_and_kept_word_for_word(client: Client) -> None:
    text = "  Tea & <bread>\n\nat example.org/x  "
    answer = client.post(text)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["edit_history_tweet_ids"] == [data["id"]]
    assert re.fullmatch(r"  Tea &amp; &lt;bread&gt;\n\nat https://t\.co/\w{10}  ", data["text"])
    assert client.texts() == [text]


def test_every_answer_says_that_it_is_a_sandbox(client: Client) -> None:
    paths = ("/2/users/me", "/2/nothing", "/2/tweets/", "/sandbox/health", "/", "/static/mark.svg")
    marks = [client.get(path).headers["X-Sandbox"] for path in paths]
    assert set(marks) == {"social-scheduler"}
    assert requests.get(client.sandbox.url + "/2/users/me", timeout=5).headers["X-Sandbox"]


def test_ids_grow_and_look_like_snowflakes(client: Client) -> None:
    ids = [int(client.posted(f"number {n}")) for n in range(3)]
    assert ids == sorted(set(ids))
    assert all(len(str(number)) == 19 for number in ids)


def test_entities_point_at_what_they_name(client: Client) -> None:
    number = client.posted(
        "🧶 Read <this>: https://example.org/spotlight/a-very-long-name "
        "#LifeafterDaesh #الحياة_بعد_داعش with @partner"
    )
    data = client.get(f"/2/tweets/{number}", tweet_fields="entities,created_at").json()["data"]
    entities, text = data["entities"], data["text"]
    link = entities["urls"][0]
    assert text[link["start"] : link["end"]] == link["url"]
    assert link["expanded_url"] == "https://example.org/spotlight/a-very-long-name"
    assert link["display_url"] == "example.org/spotlight/a-ve…"
    assert [tag["tag"] for tag in entities["hashtags"]] == ["LifeafterDaesh", "الحياة_بعد_داعش"]
    for tag in entities["hashtags"]:
        assert text[tag["start"] : tag["end"]] == "#" + tag["tag"]
    assert entities["mentions"][0]["username"] == "partner"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", data["created_at"])


def test_only_the_fields_asked_for_are_answered(client: Client) -> None:
    number = client.posted("plain")
    data = client.get(f"/2/tweets/{number}").json()["data"]
    assert set(data) == {"id", "text", "edit_history_tweet_ids"}
    answer = client.get(f"/2/tweets/{number}", tweet_fields="created_at,colour")
    assert answer.status_code == 400
    assert "colour" in answer.json()["errors"][0]["message"]


def test_a_reply_names_the_post_it_answers_and_its_author(client: Client) -> None:
    first = client.posted("one")
    second = client.posted("two", reply_to=first)
    fields = "referenced_tweets,in_reply_to_user_id,conversation_id,lang"
    answer = client.get(
        f"/2/tweets/{second}", tweet_fields=fields, expansions="referenced_tweets.id"
    ).json()
    assert answer["data"]["referenced_tweets"] == [{"type": "replied_to", "id": first}]
    assert answer["data"]["in_reply_to_user_id"] == client.account.id
    assert answer["data"]["conversation_id"] == first
    assert answer["includes"]["tweets"][0]["text"] == "one"
    assert client.sandbox.ledger()[-1].reply_to == first


def test_a_reply_to_a_post_that_is_not_there_is_forbidden(client: Client) -> None:
    first = client.posted("soon gone")
    assert client.call("DELETE", f"/2/tweets/{first}").json() == {"data": {"deleted": True}}
    for target in (first, "12345"):
        answer = client.post("two", reply_to=target)
        assert answer.status_code == 403
        assert "deleted or not visible" in answer.json()["detail"]


def test_a_removed_post_is_gone_for_readers_and_dated_in_the_ledger(client: Client) -> None:
    number = client.posted("for a moment")
    assert client.call("DELETE", f"/2/tweets/{number}").status_code == 200
    answer = client.get(f"/2/tweets/{number}")
    assert answer.status_code == 200
    error = answer.json()["errors"][0]
    assert error["title"] == "Not Found Error"
    assert error["resource_id"] == number
    assert client.get(f"/2/users/{client.account.id}/tweets").json()["meta"] == {"result_count": 0}
    entry = next(e for e in client.sandbox.ledger() if e.id == number)
    assert entry.removed_at is not None
    assert entry.removed_at >= entry.received_at


def test_removing_twice_is_like_removing_once(client: Client) -> None:
    number = client.posted("once")
    client.call("DELETE", f"/2/tweets/{number}")
    removed = client.sandbox.ledger()[-1].removed_at
    assert client.call("DELETE", f"/2/tweets/{number}").json() == {"data": {"deleted": True}}
    assert client.sandbox.ledger()[-1].removed_at == removed


def test_nobody_removes_another_accounts_post(sandbox: Sandbox, client: Client) -> None:
    number = client.posted("mine")
    other = Client(sandbox, sandbox.add_account("somebody_else", "en"))
    answer = other.call("DELETE", f"/2/tweets/{number}")
    assert answer.status_code == 403
    assert answer.json()["title"] == "Forbidden"
    assert other.call("DELETE", "/2/tweets/12345").status_code == 404


def test_several_posts_are_looked_up_and_missing_ones_named(client: Client) -> None:
    one, two = client.posted("one"), client.posted("two")
    answer = client.get("/2/tweets", ids=f"{two},99,{one}").json()
    assert [post["text"] for post in answer["data"]] == ["two", "one"]
    assert [error["value"] for error in answer["errors"]] == ["99"]


def test_the_same_words_twice_are_a_duplicate_until_the_first_is_removed(client: Client) -> None:
    number = client.posted("the same words")
    answer = client.post("the same words")
    assert answer.status_code == 403
    assert answer.json() == {
        "detail": "You are not allowed to create a Tweet with duplicate content.",
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
    }
    client.call("DELETE", f"/2/tweets/{number}")
    assert client.post("the same words").status_code == 201


def test_two_accounts_may_say_the_same(sandbox: Sandbox, client: Client) -> None:
    client.posted("all of us")
    other = Client(sandbox, sandbox.add_account("choir", "en"))
    assert other.post("all of us").status_code == 201


def test_malformed_requests_are_refused_with_the_field_named(client: Client) -> None:
    for wish, named in (
        ({"text": 5}, "$.text"),
        ({"text": "a", "colour": "red"}, "$.colour"),
        ({"text": "a", "reply": {"in_reply_to_tweet_id": 5}}, "$.reply.in_reply_to_tweet_id"),
        ({"text": "a", "media": {"media_ids": "5"}}, "$.media.media_ids"),
        ({"text": "a", "reply_settings": "nobody"}, "$.reply_settings"),
    ):
        answer = client.call("POST", "/2/tweets", json=wish)
        assert answer.status_code == 400, wish
        assert answer.json()["title"] == "Invalid Request"
        assert named in answer.json()["errors"][0]["parameters"]
    assert (
        client.call(
            "POST", "/2/tweets", data=b"{", headers={"Content-Type": "application/json"}
        ).status_code
        == 400
    )
    assert client.call("POST", "/2/tweets", json={}).status_code == 400
    assert client.post("   ").status_code == 400
    assert client.texts() == []


def test_me_is_the_account_whose_keys_signed(client: Client) -> None:
    me = client.get("/2/users/me").json()["data"]
    assert me == {
        "id": client.account.id,
        "name": "A mission",
        "username": client.account.handle,
    }


def test_languages_are_told_by_script(sandbox: Sandbox) -> None:
    arabic = Client(sandbox, sandbox.add_account("arabic_desk", "ar"))
    for text, language in (
        ("مرحبا", "ar"),
        ("مرحبا https://example.org/a-long-english-address", "ar"),
        ("hello", "en"),
        ("123", "zxx"),
    ):
        number = arabic.posted(text)
        data = arabic.get(f"/2/tweets/{number}", tweet_fields="lang").json()["data"]
        assert data["lang"] == language

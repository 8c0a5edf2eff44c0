"""An account's own timeline: order, pages, limits by id and time, expansions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.sandbox.conftest import Client


def test_the_timeline_is_newest_first_and_paged(client: Client) -> None:
    ids = [client.posted(f"post {n}") for n in range(12)]
    path = f"/2/users/{client.account.id}/tweets"
    seen, token = [], None
    while True:
        page = client.get(path, max_results="5", **({"pagination_token": token} if token else {}))
        body = page.json()
        seen += [post["id"] for post in body["data"]]
        assert body["meta"]["newest_id"] == body["data"][0]["id"]
        assert body["meta"]["result_count"] == len(body["data"])
        token = body["meta"].get("next_token")
        if token is None:
            break
    assert seen == ids[::-1]


def test_since_id_and_start_time_leave_out_what_is_older(client: Client) -> None:
    path = f"/2/users/{client.account.id}/tweets"
    old, new = client.posted("old"), client.posted("new")
    assert [p["id"] for p in client.get(path, since_id=old).json()["data"]] == [new]
    assert [p["id"] for p in client.get(path, until_id=new).json()["data"]] == [old]
    ago, ahead = (datetime.now(UTC) + timedelta(hours=h) for h in (-1, 1))
    stamps = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (ago, ahead)]
    assert client.get(path, start_time=stamps[0]).json()["meta"]["result_count"] == 2
    assert client.get(path, start_time=stamps[1]).json() == {"meta": {"result_count": 0}}
    assert client.get(path, end_time=stamps[0]).json() == {"meta": {"result_count": 0}}


def test_replies_can_be_left_out(client: Client) -> None:
    first = client.posted("one")
    client.posted("two", reply_to=first)
    answer = client.get(f"/2/users/{client.account.id}/tweets", exclude="replies,retweets")
    assert [post["id"] for post in answer.json()["data"]] == [first]


def test_pictures_come_along_with_their_alt_text(
    client: Client, picture: Callable[..., bytes]
) -> None:
    media = client.uploaded(picture())
    assert client.describe(media, "A teal square.").status_code == 200
    number = client.posted("look", media=[media])
    answer = client.get(
        f"/2/users/{client.account.id}/tweets",
        tweet_fields="attachments,entities",
        expansions="attachments.media_keys,author_id",
        media_fields="alt_text,type,url,width,height",
    ).json()
    data = answer["data"][0]
    assert data["attachments"] == {"media_keys": [f"3_{media}"]}
    shown = answer["includes"]["media"][0]
    assert shown["alt_text"] == "A teal square."
    assert (shown["type"], shown["width"], shown["height"]) == ("photo", 40, 30)
    assert answer["includes"]["users"][0]["username"] == client.account.handle
    link = data["entities"]["urls"][-1]
    assert data["text"] == f"look {link['url']}"
    assert link["expanded_url"].endswith(f"/{client.account.handle}/status/{number}/photo/1")
    assert link["media_key"] == f"3_{media}"


def test_wrong_parameters_are_refused(client: Client) -> None:
    path = f"/2/users/{client.account.id}/tweets"
    for name, value in (
        ("max_results", "4"),
        ("max_results", "101"),
        ("since_id", "x"),
        ("start_time", "yesterday"),
        ("start_time", "2027-13-01T00:00:00Z"),
        ("pagination_token", "!"),
        ("expansions", "everything"),
        ("colour", "red"),
    ):
        assert client.get(path, **{name: value}).status_code == 400, name
    missing = client.get("/2/users/12345/tweets")
    assert missing.json()["errors"][0]["resource_type"] == "user"
    assert client.get("/2/users/99999999999999999999/tweets").status_code == 400

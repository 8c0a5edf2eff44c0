"""Looking for a post that may be live reads everything since, and never says "absent" too soon."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from social_scheduler.errors import NotSent
from social_scheduler.platforms.x import PLATFORM as X
from tests.platforms.x.wires import ACCOUNT, NOW, Behaviour, Server, call, connect, reply, server

NOTHING: frozenset[str] = frozenset()


def page(texts: dict[str, str], following: str | None = None) -> dict[str, Any]:
    """One page of a timeline: texts by id."""
    meta: dict[str, Any] = {"result_count": len(texts)}
    if following:
        meta["next_token"] = following
    posts = [{"id": n, "author_id": ACCOUNT, "text": text} for n, text in texts.items()]
    return {"data": posts, "meta": meta} if posts else {"meta": meta}


def pages(*bodies: dict[str, Any]) -> Behaviour:
    """Answer these one after another, the last one for ever."""

    def behave(peer: socket.socket, it: Server) -> None:
        body = bodies[min(len(it.requests), len(bodies)) - 1]
        peer.sendall(reply(200, json.dumps(body).encode()))

    return behave


def query(request: bytes) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.split(b" ")[1].decode()).query)


def test_every_page_is_read_and_the_earliest_copy_is_ours() -> None:
    timeline = pages(
        page({"9": "Other", "8": "Wanted"}, "next"), page({}, "more"), page({"3": "Wanted"})
    )
    with server(timeline) as on:
        found = X.find(connect(on.url), call("Wanted"), NOW, NOTHING)
    assert found is not None
    assert found.remote_id == "3"
    assert [query(r).get("pagination_token") for r in on.requests] == [None, ["next"], ["more"]]


def test_an_empty_timeline_means_absent() -> None:
    with server(pages(page({}))) as on:
        assert X.find(connect(on.url), call("Wanted"), NOW, NOTHING) is None


def test_a_timeline_longer_than_is_read_means_nothing() -> None:
    with server(pages(page({"9": "Other"}, "on and on"))) as on, pytest.raises(NotSent):
        X.find(connect(on.url), call("Wanted"), NOW, NOTHING)
    assert len(on.requests) == 5


def test_known_posts_are_passed_over() -> None:
    with server(pages(page({"9": "Wanted", "8": "Wanted"}))) as on:
        found = X.find(connect(on.url), call("Wanted"), NOW, frozenset({"8"}))
    assert found is not None
    assert found.remote_id == "9"


def test_clocks_may_differ_by_two_minutes() -> None:
    with server(pages(page({}))) as on:
        X.find(connect(on.url), call("Wanted"), NOW, NOTHING)
    start = (NOW - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert query(on.requests[0])["start_time"] == [start]
    assert on.requests[0].startswith(f"GET /2/users/{ACCOUNT}/tweets?".encode())


def test_a_page_that_breaks_off_later_means_nothing() -> None:
    with server(pages(page({"9": "Other"}, "next"), {"errors": []})) as on, pytest.raises(NotSent):
        X.find(connect(on.url), call("Wanted"), NOW, NOTHING)

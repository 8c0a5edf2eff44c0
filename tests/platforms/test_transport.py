"""What every network's session does: large bodies leave in pieces, each of them in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from social_scheduler.errors import NotSent
from social_scheduler.platforms import Connection, may_still_go_out
from social_scheduler.platforms._line import Line
from social_scheduler.platforms._transport import Session
from tests.platforms.telegram.wires import slow_reader
from tests.platforms.x.wires import answer, reply, server

NOW = datetime(2027, 1, 11, 9, 0, tzinfo=UTC)


def test_a_large_body_may_take_longer_than_a_connection_may_to_come_about() -> None:
    """Sent as one, it would have to leave within the time to connect (socket.sendall)."""
    with (
        slow_reader(answer(reply(200, b"{}"))) as url,
        Session(Connection(url, {}, connect_timeout=0.4)) as session,
    ):
        told = session.post("http://anywhere.example/media", data=bytes(12_000_000))
    assert told.status_code == 200


def test_a_body_of_bytes_goes_out_with_its_length_and_not_in_chunks() -> None:
    with server(answer(reply(200, b"{}"))) as on, Session(Connection(on.url, {})) as session:
        session.post("http://anywhere.example/x", json={"a": "ب"})
        session.post("http://anywhere.example/x", data={"a": "ب"})
        session.post("http://anywhere.example/x", files={"f": b"1234"})
        session.post("http://anywhere.example/x")
        session.get("http://anywhere.example/x")
    for request in on.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head.lower()
        assert not body or f"content-length: {len(body)}\r\n".encode() in head.lower() + b"\r\n"
    assert [bool(r.partition(b"\r\n\r\n")[2]) for r in on.requests] == [True] * 3 + [False] * 2


@contextmanager
def in_time(*moments: bool) -> Iterator[None]:
    """Whether it may still go out, each time that is asked."""
    left = iter(moments)
    before = may_still_go_out.set(lambda: next(left))
    try:
        yield
    finally:
        may_still_go_out.reset(before)


def posted(url: str, publishing: bool = True, **body: Any) -> int:
    """The status of the answer to one request."""
    with Line(Connection(url, {}), "Pigeons", lambda: NOW) as line:
        return line.answer(
            lambda: line.session.post("http://pigeons.example/x", **body), publishing=publishing
        ).status


def test_nothing_is_published_when_it_may_not_go_out_any_more() -> None:
    """Asked at the last moment; what publishes nothing is not asked about."""
    line = Line(Connection("http://127.0.0.1:9", {}), "Pigeons", lambda: NOW)
    with in_time(False, False):
        with line, pytest.raises(NotSent, match="took too long"):
            line.answer(lambda: pytest.fail("a request was made"), publishing=True)
        with line, pytest.raises(NotSent, match="no connection"):
            line.answer(lambda: line.session.get("http://pigeons.example/"))


def test_what_publishes_nothing_goes_out_at_any_time() -> None:
    """A module may ask about a post that it has just made."""
    with server(answer(reply(200, b"{}"))) as on, in_time():
        assert posted(on.url, publishing=False, json={"a": "b"}) == 200


@pytest.mark.parametrize("body", [{}, {"json": {"a": "b"}}, {"data": {"a": "b"}}])
def test_nothing_is_published_when_its_time_passes_while_it_connects(body: dict[str, Any]) -> None:
    given_up = pytest.raises(NotSent, match="before Pigeons had any of it")
    with server(answer(reply(200, b"{}"))) as on, in_time(True, False), given_up:
        posted(on.url, **body)
    assert not any(on.requests)


@pytest.mark.parametrize("body", [{"json": {"a": "b"}}, {"data": bytes(3_000_000)}])
def test_nothing_of_a_body_leaves_when_its_time_passes_after_its_head(body: dict[str, Any]) -> None:
    """A machine may stand still between the two."""
    given_up = pytest.raises(NotSent, match="before Pigeons had any of it")
    with server(answer(reply(200, b"{}"))) as on, in_time(True, True, False), given_up:
        posted(on.url, **body)
    assert not any(request.partition(b"\r\n\r\n")[2] for request in on.requests)


def test_a_body_that_has_begun_may_take_longer() -> None:
    with server(answer(reply(200, b"{}"))) as on, in_time(True, True, True):
        assert posted(on.url, data=bytes(3_000_000)) == 200

"""Each answer of a server has one meaning, and no key of ours is in any of them."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from social_scheduler.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Refused,
    Unauthorized,
    Unconfirmed,
)
from social_scheduler.message import Attachment
from social_scheduler.platforms import Connection
from social_scheduler.platforms._line import Line
from social_scheduler.platforms.mastodon import Mastodon
from social_scheduler.platforms.mastodon.outcomes import Answer, resumes_at
from tests.lossy import Fault, lossy
from tests.platforms.mastodon.servers import call, connect
from tests.platforms.x import wires
from tests.platforms.x.wires import NOW, answer, reply, server

TOKEN = "CANARYtoken0123456789"
PICTURE = b"not looked at here"
ITEM = Attachment(sha256=sha256(PICTURE).hexdigest(), type="image/png", alt="A loom.")
mastodon = Mastodon(clock=lambda: NOW)
EVERY: dict[str, Callable[[Connection], object]] = {
    "publish": lambda c: mastodon.publish(c, call()),
    "identify": mastodon.identify,
    "upload": lambda c: mastodon.upload(c, ITEM, {ITEM.sha256: io.BytesIO(PICTURE)}),
    "find": lambda c: mastodon.find(c, call(), NOW, frozenset()),
    "read_back": lambda c: mastodon.read_back(c, "12345"),
    "remove": lambda c: mastodon.remove(c, "12345"),
}


def said(error: object) -> bytes:
    return json.dumps({"error": error}).encode()


MEANINGS: list[tuple[int, bytes, type[PlatformError], type[PlatformError]]] = [
    # status, body, outcome of publishing, outcome of an upload
    (400, said("Bad request"), Refused, Refused),
    (404, said("Record not found"), Refused, Refused),
    (404, b"<html>", Unconfirmed, Refused),
    (413, b"<html>too large</html>", Unconfirmed, Refused),
    (422, said("Validation failed: Text is too long"), Refused, Refused),
    (422, said("The access token is invalid"), Unauthorized, Unauthorized),
    (422, b'"invalid_token"', Unauthorized, Unauthorized),
    (401, said("The access token was revoked"), Unauthorized, Unauthorized),
    (401, b"", Unauthorized, Unauthorized),
    (403, said("This action is outside the authorized scopes"), Unauthorized, Unauthorized),
    (403, said("Your login is currently disabled"), Unauthorized, Unauthorized),
    (403, said("This action is not allowed"), Refused, Refused),
    (403, b"<html>blocked</html>", Unconfirmed, Refused),
    (429, b"", RateLimited, RateLimited),
    *[(status, b"", Unconfirmed, NotSent) for status in (402, 405, 408, 409, 418, 425, 451)],
    *[(status, b"<html>sorry</html>", Unconfirmed, NotSent) for status in (500, 502, 503, 504)],
    (503, said("There was a temporary problem"), Unconfirmed, NotSent),
    (302, b"", Unconfirmed, NotSent),
    (200, b"", Unconfirmed, NotSent),
    (200, b"<html>Posted!</html>", Unconfirmed, NotSent),
    (200, b"{}", Unconfirmed, NotSent),
    (200, b"[]", Unconfirmed, NotSent),
    (200, b'{"id": null}', Unconfirmed, NotSent),
    (200, b'{"id": ""}', Unconfirmed, NotSent),
    (200, b'{"id": 12}', Unconfirmed, NotSent),
]


@pytest.mark.parametrize(("status", "body", "publishing", "other"), MEANINGS)
def test_each_answer_has_its_meaning(
    status: int, body: bytes, publishing: type[PlatformError], other: type[PlatformError]
) -> None:
    with server(answer(reply(status, body))) as on:
        with pytest.raises(publishing) as caught:
            EVERY["publish"](connect(on.url, TOKEN))
        assert len(on.requests) == 1
        with pytest.raises(other):
            EVERY["upload"](connect(on.url, TOKEN))
    assert type(caught.value) is publishing
    assert caught.value.evidence


@pytest.mark.parametrize("ask", EVERY.values(), ids=EVERY)
def test_a_refused_connection_is_not_sent_whatever_the_library_makes_of_it(
    ask: Callable[[Connection], object],
) -> None:
    with pytest.raises(NotSent, match="refused or out of reach"):
        ask(connect(wires.closed_port(), TOKEN))


def test_of_two_requests_in_one_call_the_one_that_may_have_left_counts() -> None:
    """Should a library repeat a request by itself: the second failure does not undo the first."""
    with server(wires.hang_up) as on, lossy(on.url) as proxy:
        connection = connect(proxy.url, TOKEN)

        def twice() -> None:
            with suppress(requests.RequestException):
                line.session.post(f"{proxy.url}/posts")
            proxy.next(Fault.REFUSE)
            line.session.post(f"{proxy.url}/posts")

        with Line(connection, "It", lambda: NOW) as line, pytest.raises(Unconfirmed):
            line.answer(twice, publishing=True)
    assert len(on.requests) == 1


def test_the_post_goes_out_as_the_api_wants_it() -> None:
    live = b'{"id": "12", "url": "https://mastodon.social/@coalition/12"}'
    with server(answer(reply(200, live))) as on:
        published = mastodon.publish(connect(on.url + "/rehearsal/", TOKEN), call("Bonjour à tous"))
    assert (published.remote_id, published.url) == ("12", "https://mastodon.social/@coalition/12")
    (request,) = on.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /rehearsal/api/v1/statuses HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}".encode() in head
    assert body == b"status=Bonjour+%C3%A0+tous&sensitive=0&visibility=public&language=en"


@pytest.mark.parametrize("options", [{}, {"repost": "https://mastodon.social/@partner/9"}])
@pytest.mark.parametrize(("minutes", "ours"), [(-3, False), (-1, True), (50, True)])
def test_an_answer_with_a_post_made_before_it_was_due_is_not_ours(
    options: dict[str, str], minutes: int, ours: bool
) -> None:
    """A key that the server knows from another post, or a repost that somebody made by hand."""
    made = (NOW + timedelta(minutes=minutes)).isoformat()
    body = {"id": "12", "url": "https://mastodon.social/@coalition/12", "created_at": made}
    known = {"statuses": [{"id": "9", "url": options.get("repost")}]}

    def behave(peer: socket.socket, it: wires.Server) -> None:
        asked = b"/api/v2/search" in it.requests[-1].partition(b"\r\n")[0]
        peer.sendall(reply(200, json.dumps(known if asked else body).encode()))

    said = call("" if options else "Good morning.", options=options, due_at=NOW)
    with server(behave) as on:
        if ours:
            assert mastodon.publish(connect(on.url, TOKEN), said).remote_id == "12"
        else:
            with pytest.raises(Unconfirmed, match="an earlier post"):
                mastodon.publish(connect(on.url, TOKEN), said)


def test_an_answer_that_does_not_tell_when_its_post_was_made_is_believed() -> None:
    for odd in (
        None,
        7,
        "yesterday",
        "2020-01-01T00:00:00",
        "9" * 400,
        "9999-12-31T23:59:59-14:00",
    ):
        body = json.dumps({"id": "12", "created_at": odd}).encode()
        with server(answer(reply(200, body))) as on:
            assert mastodon.publish(connect(on.url, TOKEN), call(due_at=NOW)).remote_id == "12"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", None, "https://[x", "https://", 7])
def test_an_address_that_cannot_be_opened_is_made_up_from_the_server(url: object) -> None:
    body = json.dumps({"id": "12", "url": url, "account": {"username": "coalition"}}).encode()
    with server(answer(reply(200, body))) as on:
        published = mastodon.publish(connect(on.url, TOKEN), call())
    assert published.url == f"{on.url}/@coalition/12"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 422, 429, 500])
def test_keys_are_in_no_message_no_evidence_and_no_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Even when the server sends our own headers back, and with every logger at its chattiest."""
    caplog.set_level(logging.DEBUG)

    def echo(peer: socket.socket, it: wires.Server) -> None:
        peer.sendall(reply(status, said(it.requests[-1].decode())))

    with server(echo) as on:
        for name, ask in EVERY.items():
            if (name, status) == ("remove", 200):
                continue  # done
            with pytest.raises(PlatformError) as caught:
                ask(connect(on.url, TOKEN))
            assert "CANARY" not in f"{caught.value} {caught.value.evidence} {caught.value!r}"
    assert "CANARY" not in caplog.text
    assert "Good morning" not in caplog.text


def test_a_token_that_cannot_be_sent_is_named_by_no_error() -> None:
    for broken in ("CANARY\r\nX-Evil: 1", "CANARY\u0660", "CANARY\x00"):
        with server(answer(reply(401, b""))) as on, pytest.raises(PlatformError) as caught:
            mastodon.publish(connect(on.url, broken), call())
        assert not isinstance(caught.value, Unconfirmed)
        assert "CANARY" not in f"{caught.value} {caught.value.evidence}"
        assert b"X-Evil: 1" not in b"".join(on.requests)


def test_a_token_that_is_the_name_of_a_file_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("what is in the file\n")
    with server(answer(reply(401, b""))) as on, pytest.raises(Unauthorized):
        mastodon.publish(connect(on.url, "token"), call())
    assert b"Bearer token\r\n" in on.requests[0]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300),
        ({"x-ratelimit-reset": (NOW + timedelta(seconds=90)).isoformat()}, 90),
        ({"x-ratelimit-reset": "2026-11-20T09:02:00.123456Z"}, 120.123456),
        ({"x-ratelimit-reset": "2026-11-20T12:02:00+03:00"}, 120),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 60)}, 60),
        ({"x-ratelimit-reset": (NOW - timedelta(seconds=30)).isoformat()}, 1),
        ({"x-ratelimit-reset": (NOW + timedelta(days=40)).isoformat()}, 300),
        ({"x-ratelimit-reset": "soon", "retry-after": "45"}, 45),
        ({"retry-after": "99999999"}, 300),
        ({"x-ratelimit-reset": "9" * 400}, 300),
        ({"x-ratelimit-reset": "0001-01-01T00:00:00+14:00"}, 300),
    ],
)
def test_when_the_server_takes_more_is_believed_within_reason(
    headers: dict[str, str], seconds: float
) -> None:
    assert resumes_at(Answer(429, headers, b""), NOW) - NOW == timedelta(seconds=seconds)

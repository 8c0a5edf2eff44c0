"""What became of a call is told rightly on real sockets: never left, may be live, or answered."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

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
from social_scheduler.platforms.x import X
from tests.platforms.x import wires
from tests.platforms.x.wires import NOW, answer, call, connect, reply, server

x = X(clock=lambda: NOW)

PICTURE = b"not looked at here"
ITEM = Attachment(sha256=sha256(PICTURE).hexdigest(), type="image/png", alt="A loom.")

REPEATABLE: dict[str, Callable[[Connection], object]] = {
    "identify": x.identify,
    "upload": lambda c: x.upload(c, ITEM, {ITEM.sha256: io.BytesIO(PICTURE)}),
    "find": lambda c: x.find(c, call(), NOW, frozenset()),
    "read_back": lambda c: x.read_back(c, "12345"),
    "remove": lambda c: x.remove(c, "12345"),
}
EVERY = {"publish": lambda c: x.publish(c, call())} | REPEATABLE

every_call = pytest.mark.parametrize("ask", EVERY.values(), ids=EVERY)
repeatable = pytest.mark.parametrize("ask", REPEATABLE.values(), ids=REPEATABLE)

Ask = Callable[[Connection], object]


@every_call
def test_a_refused_connection_is_not_sent(ask: Ask) -> None:
    with pytest.raises(NotSent, match="refused or out of reach") as caught:
        ask(connect(wires.closed_port()))
    assert "ConnectionRefusedError" in caught.value.evidence


@every_call
def test_a_name_that_cannot_be_looked_up_is_not_sent(ask: Ask) -> None:
    with pytest.raises(NotSent, match=r"no-such-host\.invalid: there is no such address"):
        ask(connect("https://no-such-host.invalid"))


def test_an_address_that_never_connects_is_not_sent() -> None:
    with wires.black_hole() as url, pytest.raises(NotSent, match="no connection in time"):
        x.publish(connect(url, connect=0.3), call())


def test_a_failed_tls_handshake_is_not_sent_and_the_words_stay_here() -> None:
    with server(answer(b"this is not TLS")) as plain, pytest.raises(NotSent, match="TLS"):
        x.publish(connect(plain.url.replace("http:", "https:")), call("Embargoed words"))
    assert b"Embargoed" not in b"".join(plain.requests)


def test_a_tls_handshake_that_hangs_is_not_sent() -> None:
    with server(wires.keep_silent) as plain, pytest.raises(NotSent, match="in time"):
        x.publish(connect(plain.url.replace("http:", "https:"), connect=0.3), call())


LOST = {
    "reset after the request was read": wires.reset,
    "closed without an answer": wires.hang_up,
    "half a status line": answer(b"HTTP/1.1 20"),
    "half the headers": answer(b"HTTP/1.1 201 Created\r\nContent-Le"),
    "half the body": answer(reply(201, b'{"data": {"id": "12345"}}' + b" " * 9)[:-9]),
    "not HTTP at all": answer(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a broken chunk": answer(b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a body that is not the gzip it says": answer(
        reply(201, b'{"data": {"id": "1"}}', {"Content-Encoding": "gzip"})
    ),
}


@pytest.mark.parametrize("behave", LOST.values(), ids=LOST)
def test_a_post_whose_answer_is_lost_may_be_live_and_is_sent_once(behave: wires.Behaviour) -> None:
    with server(behave) as broken, pytest.raises(Unconfirmed):
        x.publish(connect(broken.url), call())
    assert len(broken.requests) == 1


@repeatable
@pytest.mark.parametrize("behave", LOST.values(), ids=LOST)
def test_a_call_that_publishes_nothing_may_be_repeated(ask: Ask, behave: wires.Behaviour) -> None:
    with server(behave) as broken, pytest.raises(NotSent):
        ask(connect(broken.url))
    assert len(broken.requests) == 1


def test_a_post_answered_too_late_may_be_live() -> None:
    with server(wires.keep_silent) as slow, pytest.raises(Unconfirmed, match=r"within 0\.3 s"):
        x.publish(connect(slow.url, read=0.3), call())
    assert len(slow.requests) == 1


def test_no_redirect_is_followed() -> None:
    with server(answer(reply(201, b'{"data": {"id": "1"}}'))) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            headers = {"Location": elsewhere.url + "/2/tweets"}
            with server(answer(reply(status, b"", headers))) as here:
                with pytest.raises(Unconfirmed, match="another address"):
                    x.publish(connect(here.url), call())
                with pytest.raises(NotSent, match="another address"):
                    x.identify(connect(here.url))
        broken = reply(302, b"", {"Location": "http://[broken"})
        with server(answer(broken)) as here, pytest.raises(Unconfirmed, match="another address"):
            x.publish(connect(here.url), call())
    assert elsewhere.requests == []


UNREADABLE = [
    b"",
    b"<html>Posted!</html>",
    b"[]",
    b"null",
    b"{}",
    b'{"data": null}',
    b'{"data": []}',
    b'{"data": {}}',
    b'{"data": {"id": ""}}',
    b'{"data": {"id": 12345}}',
    b'{"data": {"id": "12345/../1"}}',
    b'{"data": {"id": "\xd9\xa1\xd9\xa2"}}',
    b'{"errors": [{"title": "?"}]}',
    b'{"data": {"id": "1',
    b"\xff\xfe\x00",
    b"[" * 100_000,
]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_that_names_no_post_may_be_live(status: int) -> None:
    for body in UNREADABLE if status != 204 else [b""]:
        with server(answer(reply(status, body))) as odd, pytest.raises(Unconfirmed):
            x.publish(connect(odd.url), call())


@repeatable
def test_an_unreadable_success_is_never_taken_for_one(ask: Ask) -> None:
    for body in UNREADABLE:
        with server(answer(reply(200, body))) as odd, pytest.raises((NotSent, Refused)):
            ask(connect(odd.url))


def test_a_post_that_x_names_is_published() -> None:
    with server(answer(reply(201, b'{"data": {"id": "1234567890123456789", "text": "?"}}'))) as on:
        published = x.publish(connect(on.url), call("Bonjour à tous"))
    assert published.remote_id == "1234567890123456789"
    assert published.url == f"{on.url}/i/web/status/1234567890123456789"
    assert json.loads(on.requests[0].partition(b"\r\n\r\n")[2]) == {"text": "Bonjour à tous"}


def problem(status: int, detail: str, **more: object) -> bytes:
    """X's problem form."""
    return json.dumps({"title": "?", "detail": detail, "status": status, **more}).encode()


KINDS = "https://api.twitter.com/2/problems/"
MEANINGS: list[tuple[int, bytes, type[PlatformError], type[PlatformError]]] = [
    # status, body, outcome of publishing, outcome of anything else
    (400, problem(400, "One or more parameters to your request was invalid."), Refused, Refused),
    (404, b"", Unconfirmed, Refused),
    (413, b"<html>too large</html>", Unconfirmed, Refused),
    (422, problem(422, "Unprocessable"), Refused, Refused),
    (401, problem(401, "Unauthorized"), Unauthorized, Unauthorized),
    (401, b"", Unauthorized, Unauthorized),
    (402, problem(402, "No credits.", type=KINDS + "credits"), NotSent, NotSent),
    (403, problem(403, "You are not permitted to perform this action."), Refused, Refused),
    (403, problem(403, "Reply to this conversation is not allowed"), Refused, Refused),
    (403, b"<html>blocked</html>", Unconfirmed, Refused),
    (
        403,
        problem(403, "You are not allowed to create a Tweet with duplicate content."),
        Unconfirmed,
        Refused,
    ),
    (
        403,
        b'{"errors": [{"code": 187, "message": "Status is a duplicate."}]}',
        Unconfirmed,
        Refused,
    ),
    (403, problem(403, "?", type=KINDS + "oauth1-permissions"), Unauthorized, Unauthorized),
    (403, problem(403, "?", type=KINDS + "client-forbidden"), Unauthorized, Unauthorized),
    (403, problem(403, "Your account is suspended."), Unauthorized, Unauthorized),
    (
        403,
        b'{"errors": [{"code": 326, "message": "this account is temporarily locked"}]}',
        Unauthorized,
        Unauthorized,
    ),
    (429, b"", RateLimited, RateLimited),
    *[(status, b"", Unconfirmed, NotSent) for status in (408, 409, 410, 418, 425, 451)],
    *[(status, b"<html>sorry</html>", Unconfirmed, NotSent) for status in (500, 502, 503, 504)],
    (520, problem(520, "?"), Unconfirmed, NotSent),
    (304, b"", Unconfirmed, NotSent),
]


@pytest.mark.parametrize(("status", "body", "publishing", "other"), MEANINGS)
def test_each_answer_has_its_meaning(
    status: int, body: bytes, publishing: type[PlatformError], other: type[PlatformError]
) -> None:
    with server(answer(reply(status, body))) as on:
        with pytest.raises(publishing) as caught:
            x.publish(connect(on.url), call())
        with pytest.raises(other):
            x.identify(connect(on.url))
        with pytest.raises(other):
            x.upload(connect(on.url), ITEM, {ITEM.sha256: io.BytesIO(PICTURE)})
    assert type(caught.value) is publishing
    assert caught.value.evidence
    assert len(on.requests) == 3


def test_a_duplicate_says_so_in_its_evidence() -> None:
    body = problem(403, "You are not allowed to create a Tweet with duplicate content.")
    with server(answer(reply(403, body))) as on, pytest.raises(Unconfirmed) as caught:
        x.publish(connect(on.url), call())
    assert caught.value.evidence.startswith("duplicate: HTTP 403")


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors": null}',
        b'{"errors": [7, null, "x", {"code": "?"}]}',
        b'{"detail": 3}',
        b'{"type": [], "errors": {"a": 1}}',
        b'{"errors": [[]], "error": null, "code": {}}',
    ],
)
def test_odd_bodies_change_no_meaning(body: bytes) -> None:
    for status, meaning in (
        (400, Refused),
        (403, Refused),
        (401, Unauthorized),
        (429, RateLimited),
    ):
        with server(answer(reply(status, body))) as on, pytest.raises(meaning):
            x.publish(connect(on.url), call())


def test_a_rate_limit_header_that_is_no_number_is_still_a_rate_limit() -> None:
    limited = reply(429, b"", {"x-rate-limit-reset": "soon"})
    with server(answer(limited)) as on, pytest.raises(RateLimited) as caught:
        x.publish(connect(on.url), call())
    assert (caught.value.until - NOW).total_seconds() == 15 * 60


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
def test_keys_and_signatures_are_in_no_message_no_evidence_and_no_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Even when the server sends our own headers back, and with every logger at its chattiest."""
    caplog.set_level(logging.DEBUG)

    def echo(peer: socket.socket, it: wires.Server) -> None:
        peer.sendall(reply(status, problem(status, it.requests[-1].decode())))

    with server(echo) as on:
        for ask in EVERY.values():
            with pytest.raises(PlatformError) as caught:
                ask(connect(on.url))
            said = f"{caught.value} {caught.value.evidence} {caught.value!r}"
            assert "CANARY" not in said
            assert "oauth_signature=" not in said
            assert "oauth_nonce=" not in said
    assert "CANARY" not in caplog.text
    assert "oauth_signature" not in caplog.text
    assert "Good morning" not in caplog.text


def test_keys_that_cannot_be_sent_are_named_by_no_error() -> None:
    for broken in ("CANARY\r\nX-Evil: 1", "CANARY\u0660", "CANARY\x00"):
        keys = wires.KEYS | {"access_token": broken}
        with server(answer(reply(401, b""))) as on, pytest.raises(PlatformError) as caught:
            x.publish(Connection(on.url, keys), call())
        assert not isinstance(caught.value, Unconfirmed)
        assert "CANARY" not in f"{caught.value} {caught.value.evidence}"
        assert b"X-Evil: 1" not in b"".join(on.requests)


def test_an_account_without_all_its_keys_must_be_connected_again() -> None:
    with pytest.raises(Unauthorized, match="access_secret is missing"):
        x.publish(Connection(wires.closed_port(), wires.KEYS | {"access_secret": ""}), call())


def test_nothing_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proxy sees the words, and no .netrc replaces the signature."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with (
        server(answer(reply(502, b""))) as proxy,
        server(answer(reply(201, b'{"data": {"id": "1"}}'))) as on,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        x.publish(connect(on.url), call())
    assert proxy.requests == []
    assert b"\r\nAuthorization: OAuth " in on.requests[0]


def test_requests_go_to_the_connections_own_address_with_its_path() -> None:
    with server(answer(reply(201, b'{"data": {"id": "1"}}'))) as on:
        x.publish(connect(on.url + "/rehearsal/"), call())
    host = on.url.removeprefix("http://").encode()
    assert on.requests[0].startswith(b"POST /rehearsal/2/tweets HTTP/1.1\r\n")
    assert b"\r\nHost: " + host + b"\r\n" in on.requests[0]
    assert b"twitter.com" not in on.requests[0]


def test_cookies_are_not_kept() -> None:
    body = b'{"data": {"id": "1", "expires_after_secs": 60}}'
    with server(answer(reply(200, body, {"Set-Cookie": "guest=1; Path=/"}))) as on:
        x.upload(connect(on.url), ITEM, {ITEM.sha256: io.BytesIO(PICTURE)})
    assert len(on.requests) == 2
    assert b"ookie" not in on.requests[1]


def test_a_server_that_drips_bytes_is_cut_off_as_a_whole() -> None:
    """Each byte comes within the read timeout; the answer as a whole never does."""
    with server(wires.drip) as on, pytest.raises(Unconfirmed):
        x.publish(connect(on.url, read=0.2), call())


def test_an_endless_answer_is_not_kept() -> None:
    with server(answer(reply(200, b" " * 3_000_000))) as on, pytest.raises(Unconfirmed):
        x.publish(connect(on.url), call())

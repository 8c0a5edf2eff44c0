"""What became of a call is told rightly on real sockets: never left, may be live, or answered."""

from __future__ import annotations

import base64
import json
import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from social_scheduler.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Refused,
    Unauthorized,
    Unconfirmed,
)
from social_scheduler.platforms import Connection
from social_scheduler.platforms.bluesky import Bluesky, records
from tests.platforms.bluesky.calls import DID, DUE, attached, call, files, picture
from tests.platforms.x import wires
from tests.platforms.x.wires import answer, reply, server

NOW = DUE + timedelta(seconds=1)
RED = picture()


def token(ends: datetime = NOW + timedelta(hours=2), who: str = "CANARYaccess") -> str:
    """What looks like a server's token."""
    claims = json.dumps({"exp": int(ends.timestamp()), "sub": DID, "who": who}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.CANARYsignature"


KEYS = {
    "identifier": "amal.example.org",
    "app_password": "CANARY-app-password",
    "access_jwt": token(),
    "refresh_jwt": token(NOW + timedelta(days=90), "CANARYrefresh"),
}
SOON_OVER = token(NOW + timedelta(minutes=10))


def connect(url: str, *, read: float = 5) -> Connection:
    return Connection(url, KEYS, connect_timeout=5, read_timeout=read)


def bluesky() -> Bluesky:
    return Bluesky(clock=lambda: NOW)


POST = call("Good morning.")
AT = records.place(POST, 1)
ITEM = attached(RED, "Red.")

PUBLISHING: dict[str, Callable[[Connection], object]] = {
    "a post": lambda c: bluesky().publish(c, POST),
    "a thread": lambda c: bluesky().publish(c, call("One", "Two")),
    "a gated post": lambda c: bluesky().publish(c, call("One", options={"replies": "mentioned"})),
}
REPEATABLE: dict[str, Callable[[Connection], object]] = {
    "identify": lambda c: bluesky().identify(c),
    "upload": lambda c: bluesky().upload(c, ITEM, files(RED)),
    "find": lambda c: bluesky().find(c, POST, NOW, frozenset()),
    "read_back": lambda c: bluesky().read_back(c, str(AT)),
    "remove": lambda c: bluesky().remove(c, str(AT)),
    "renew": lambda c: bluesky().renew(replace(c, keys={**KEYS, "access_jwt": SOON_OVER})),
}
publishing = pytest.mark.parametrize("ask", PUBLISHING.values(), ids=PUBLISHING)
repeatable = pytest.mark.parametrize("ask", REPEATABLE.values(), ids=REPEATABLE)
every_call = pytest.mark.parametrize(
    "ask", [*PUBLISHING.values(), *REPEATABLE.values()], ids=[*PUBLISHING, *REPEATABLE]
)
Ask = Callable[[Connection], object]

LOST = {
    "reset after the request was read": wires.reset,
    "closed without an answer": wires.hang_up,
    "half the headers": answer(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half the body": answer(reply(200, b'{"uri": "at://x"}' + b" " * 9)[:-9]),
    "not HTTP at all": answer(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a redirect": answer(reply(307, b"", {"Location": "http://127.0.0.1:1/"})),
    "a machine in between": answer(reply(404, b"<html>nothing here</html>")),
    "a gateway": answer(reply(502, b"<html>bad gateway</html>")),
    "its own failure": answer(reply(500, b'{"error": "InternalServerError"}')),
    "an odd status": answer(reply(666, b'{"error": "Odd"}')),
    "an empty success": answer(reply(200, b"")),
    "a success that is no object": answer(reply(200, b"[]")),
    "a success that names nothing": answer(reply(200, b"{}")),
    "a success that names another": answer(
        reply(200, b'{"uri": "at://did:plc:x/app.bsky.feed.post/3k2a", "cid": "bafy"}')
    ),
    "results that are no list of posts": answer(reply(200, b'{"results": [7]}')),
}


@every_call
def test_a_refused_connection_is_not_sent(ask: Ask) -> None:
    with pytest.raises(NotSent, match="refused or out of reach"):
        ask(connect(wires.closed_port()))


@publishing
@pytest.mark.parametrize("behave", LOST.values(), ids=LOST)
def test_words_whose_answer_is_lost_may_be_live_and_are_sent_once(
    ask: Ask, behave: wires.Behaviour
) -> None:
    with server(behave) as broken, pytest.raises(Unconfirmed):
        ask(connect(broken.url))
    assert len(broken.requests) == 1


@repeatable
@pytest.mark.parametrize("behave", LOST.values(), ids=LOST)
def test_a_call_that_publishes_nothing_may_be_repeated(ask: Ask, behave: wires.Behaviour) -> None:
    with server(behave) as broken, pytest.raises(NotSent):
        ask(connect(broken.url))
    assert len(broken.requests) == 1


@publishing
def test_words_answered_too_late_may_be_live(ask: Ask) -> None:
    with server(wires.keep_silent) as slow, pytest.raises(Unconfirmed, match=r"within 0\.3 s"):
        ask(connect(slow.url, read=0.3))
    assert len(slow.requests) == 1


def told(status: int, error: str, words: str = "?") -> bytes:
    """A server's no."""
    return reply(status, json.dumps({"error": error, "message": words}).encode())


MEANINGS: list[tuple[bytes, type[PlatformError]]] = [
    (told(400, "InvalidRequest", "Invalid app.bsky.feed.post record"), Refused),
    (told(413, "PayloadTooLarge"), Refused),
    (told(400, "BlobNotFound", "Could not find blob"), NotSent),
    (told(400, "ExpiredToken"), NotSent),
    (told(401, "AuthMissing"), NotSent),
    (told(401, "AccountTakedown"), Unauthorized),
    (told(400, "RepoDeactivated"), Unauthorized),
    (told(429, "RateLimitExceeded"), RateLimited),
    (reply(429, b""), RateLimited),
]


@publishing
@pytest.mark.parametrize(("data", "outcome"), MEANINGS)
def test_a_clear_no_has_its_outcome(ask: Ask, data: bytes, outcome: type[PlatformError]) -> None:
    with server(answer(data)) as no, pytest.raises(outcome):
        ask(connect(no.url))
    assert len(no.requests) == 1


def test_the_same_key_in_use_is_ours_only_when_the_bytes_are() -> None:
    (record,) = records.records(POST, records.Known({}, {}))
    ours = told(400, "InvalidSwap", f"Record was at {record.cid}")
    with server(answer(ours)) as same:
        assert bluesky().publish(connect(same.url), POST).remote_id == str(AT)
    other = told(400, "InvalidSwap", "Record was at bafyreiother")
    with server(answer(other)) as taken, pytest.raises(Unconfirmed):
        bluesky().publish(connect(taken.url), POST)
    theirs = {"uri": str(AT), "cid": "bafyreiother", "value": {"createdAt": "2020-01-01T00:00:00Z"}}
    with server(answer(reply(200, json.dumps(theirs).encode()))) as taken:
        found = bluesky().find(connect(taken.url), POST, NOW, frozenset())
    assert found is None, "looking is over, and a person decides"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "90"}, 90),
        ({"ratelimit-reset": str(int(NOW.timestamp()) + 120), "retry-after": "90"}, 120),
        ({"ratelimit-reset": str(int(NOW.timestamp()) - 30)}, 1),
        ({"ratelimit-reset": "99999999999"}, 300),
        ({"retry-after": "-1"}, 300),
        ({"retry-after": "Mon, 11 Jan 2027 07:30:00 GMT"}, 300),
        ({}, 300),
    ],
)
def test_a_rate_limit_ends_when_the_server_says_if_that_can_be(
    headers: dict[str, str], seconds: int
) -> None:
    data = reply(429, b'{"error": "RateLimitExceeded"}', headers)
    with server(answer(data)) as busy, pytest.raises(RateLimited) as limited:
        bluesky().publish(connect(busy.url), POST)
    assert limited.value.until == NOW + timedelta(seconds=seconds)


def test_the_network_is_asked_as_it_wants_to_be() -> None:
    answered = json.dumps({"uri": str(AT), "cid": "bafy"}).encode()
    with server(answer(reply(200, answered))) as on:
        live = bluesky().publish(connect(on.url), POST)
    assert live.url == f"{on.url}/profile/{DID}/post/{AT.key}"
    head, _, body = on.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /xrpc/com.atproto.repo.putRecord HTTP/1.1\r\n")
    assert f"Authorization: Bearer {KEYS['access_jwt']}".encode() in head
    assert json.loads(body)["swapRecord"] is None
    assert json.loads(body)["record"]["text"] == "Good morning."


def in_turn(*answers: bytes) -> wires.Behaviour:
    """A server that answers one after the other."""
    left = list(answers)
    return lambda peer, _: peer.sendall(left.pop(0))


NO_FILE = {"$type": "blob", "ref": {"$link": "bafkreiother"}, "mimeType": "image/png", "size": 1}


@pytest.mark.parametrize(
    "blob", [None, {}, {"$type": "blob"}, {"$type": "blob", "ref": 7}, NO_FILE], ids=str
)
def test_a_file_the_server_calls_something_else_is_not_held(blob: object) -> None:
    data = reply(200, json.dumps({"blob": blob}).encode())
    with server(answer(data)) as odd, pytest.raises(NotSent, match="as what it is"):
        bluesky().upload(connect(odd.url), ITEM, files(RED))


def test_a_picture_changed_since_it_was_approved_is_not_handed_over() -> None:
    other = {ITEM.sha256: files(picture("green")).popitem()[1]}
    with pytest.raises(Refused, match="approved"):
        bluesky().upload(connect(wires.closed_port()), ITEM, other)


@pytest.mark.parametrize("session", [{}, {"accessJwt": "a"}, {"accessJwt": "", "refreshJwt": ""}])
def test_a_sign_in_without_a_session_is_none(session: dict[str, str]) -> None:
    keys = {name: KEYS[name] for name in ("identifier", "app_password")}
    data = reply(200, json.dumps(session).encode())
    with server(answer(data)) as odd, pytest.raises(NotSent, match="without a session"):
        bluesky().identify(Connection(odd.url, keys))


def test_a_session_that_is_never_good_does_not_go_on_for_ever() -> None:
    session = reply(
        200, json.dumps({"accessJwt": token(who="new"), "refreshJwt": token()}).encode()
    )
    over = told(400, "ExpiredToken")
    with server(in_turn(over, over, session, over)) as odd, pytest.raises(Unauthorized):
        bluesky().identify(connect(odd.url))
    assert len(odd.requests) == 4
    with server(answer(over)) as odd, pytest.raises(NotSent):
        bluesky().publish(connect(odd.url), POST)
    assert len(odd.requests) == 1


def test_a_second_factor_is_told_as_what_it_is() -> None:
    keys = {name: KEYS[name] for name in ("identifier", "app_password")}
    data = told(401, "AuthFactorTokenRequired", "A sign in code has been sent")
    with server(answer(data)) as careful, pytest.raises(Unauthorized, match="second factor"):
        bluesky().identify(Connection(careful.url, keys))


def repeat(peer: socket.socket, it: wires.Server) -> None:
    """Answer with what was asked, headers and all."""
    peer.sendall(told(400, "InvalidRequest", it.requests[-1].decode(errors="replace")))


@every_call
def test_no_secret_is_told_even_when_the_server_repeats_it(
    caplog: pytest.LogCaptureFixture, ask: Ask
) -> None:
    caplog.set_level(logging.DEBUG)
    with server(repeat) as chatty, pytest.raises(PlatformError) as caught:
        ask(connect(chatty.url))
    said = f"{caught.value} {caught.value.evidence} {caught.value!r} {caplog.text}"
    assert "CANARY" not in said


def test_no_password_is_told_even_when_the_server_repeats_it() -> None:
    keys = {name: KEYS[name] for name in ("identifier", "app_password")}
    with server(repeat) as chatty, pytest.raises(PlatformError) as caught:
        bluesky().identify(Connection(chatty.url, keys))
    assert b"CANARY" in chatty.requests[0]
    assert "CANARY" not in f"{caught.value} {caught.value.evidence}"

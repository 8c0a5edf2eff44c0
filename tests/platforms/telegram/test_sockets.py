"""What became of a call is told rightly on real sockets, and the token is told to nobody."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

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
from social_scheduler.platforms.telegram import Telegram
from tests.platforms.telegram.wires import (
    CHANNEL,
    KEYS,
    NOW,
    TOKEN,
    call,
    connect,
    done,
    message,
    pictures,
    refused,
    slow_reader,
)
from tests.platforms.x import wires
from tests.platforms.x.wires import answer, reply, server

telegram = Telegram(clock=lambda: NOW)

Ask = Callable[[Connection], object]
PUBLISHING: dict[str, Ask] = {
    "words": lambda c: telegram.publish(c, call()),
    "a picture": lambda c: telegram.publish(c, call(files=pictures("red"))),
    "an album": lambda c: telegram.publish(c, call(files=pictures("red", "green"))),
}
REPEATABLE: dict[str, Ask] = {
    "identify": telegram.identify,
    "remove": lambda c: telegram.remove(c, "5,6"),
}
EVERY = PUBLISHING | REPEATABLE

publishing = pytest.mark.parametrize("ask", PUBLISHING.values(), ids=PUBLISHING)
repeatable = pytest.mark.parametrize("ask", REPEATABLE.values(), ids=REPEATABLE)
every_call = pytest.mark.parametrize("ask", EVERY.values(), ids=EVERY)


@every_call
def test_a_refused_connection_is_not_sent(ask: Ask) -> None:
    with pytest.raises(NotSent, match="refused or out of reach"):
        ask(connect(wires.closed_port()))


@publishing
def test_an_address_that_never_connects_is_not_sent(ask: Ask) -> None:
    with wires.black_hole() as url, pytest.raises(NotSent, match="no connection in time"):
        ask(connect(url, connect=0.3))


@publishing
def test_a_failed_tls_handshake_is_not_sent_and_the_words_stay_here(ask: Ask) -> None:
    with server(answer(b"this is not TLS")) as plain, pytest.raises(NotSent, match="TLS"):
        ask(connect(plain.url.replace("http:", "https:")))
    assert b"Good morning" not in b"".join(plain.requests)
    assert TOKEN.encode() not in b"".join(plain.requests)


LOST = {
    "reset after the request was read": wires.reset,
    "closed without an answer": wires.hang_up,
    "half a status line": answer(b"HTTP/1.1 20"),
    "half the headers": answer(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half the body": answer(done(message(5))[:-9]),
    "not HTTP at all": answer(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a broken chunk": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
}


@publishing
@pytest.mark.parametrize("behave", LOST.values(), ids=LOST)
def test_a_post_whose_answer_is_lost_may_be_live_and_is_sent_once(
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
def test_a_post_answered_too_late_may_be_live(ask: Ask) -> None:
    with server(wires.keep_silent) as slow, pytest.raises(Unconfirmed, match=r"within 0\.3 s"):
        ask(connect(slow.url, read=0.3))


def test_a_file_that_broke_off_on_its_way_is_certainly_not_live() -> None:
    """The request was never whole, so nothing can have come of it: it is tried again."""
    ((item, data),) = pictures("red").values()
    large = {"it": (item, data + bytes(20_000_000))}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        code = (
            "import socket,struct,sys\n"
            "listener = socket.socket(fileno=int(sys.argv[1]))\n"
            "peer, _ = listener.accept()\n"
            "peer.recv(65536)\n"
            "peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
            "peer.close()\n"
        )
        fd = listener.fileno()
        with subprocess.Popen([sys.executable, "-c", code, str(fd)], pass_fds=[fd]) as breaking:
            with pytest.raises(NotSent, match="before all files had left"):
                telegram.publish(connect(url), call(files=large))
            assert breaking.wait(10) == 0


@publishing
def test_no_redirect_is_followed(ask: Ask) -> None:
    with server(answer(done(message(5)))) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            headers = {"Location": f"{elsewhere.url}/bot{TOKEN}/sendMessage"}
            with server(answer(reply(status, b"", headers))) as here:
                with pytest.raises(Unconfirmed, match="another address"):
                    ask(connect(here.url))
                with pytest.raises(NotSent, match="another address"):
                    telegram.identify(connect(here.url))
    assert elsewhere.requests == []


UNREADABLE: list[bytes] = [
    b"",
    b"<html>Posted!</html>",
    b"[]",
    b"null",
    b"{}",
    b'{"ok": true}',
    b'{"ok": 1, "result": {"message_id": 5}}',
    b'{"ok": false, "result": {"message_id": 5}}',
    b'{"ok": true, "result": null}',
    b'{"ok": true, "result": true}',
    b'{"ok": true, "result": []}',
    b'{"ok": true, "result": {}}',
    b'{"ok": true, "result": {"message_id": "5"}}',
    b'{"ok": true, "result": {"message_id": 0}}',
    b'{"ok": true, "result": {"message_id": true}}',
    b'{"ok": true, "result": [{"message_id": 5}, {}]}',
    b'{"ok": true, "result": [5, 6]}',
    b'{"ok": true, "result": {"message_id": 5',
    b"\xff\xfe\x00",
    b"[" * 100_000,
]


@publishing
@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_success_that_names_no_message_may_be_live(ask: Ask, body: bytes) -> None:
    with server(answer(reply(200, body))) as odd, pytest.raises(Unconfirmed):
        ask(connect(odd.url))


def test_an_album_of_which_not_every_message_is_named_may_be_live() -> None:
    with server(answer(done([message(5)]))) as odd, pytest.raises(Unconfirmed, match="not name"):
        telegram.publish(connect(odd.url), call(files=pictures("red", "green")))


def test_who_a_channel_is_is_never_guessed() -> None:
    for body in UNREADABLE:
        with server(answer(reply(200, body))) as odd, pytest.raises(NotSent):
            telegram.identify(connect(odd.url))


def test_words_are_sent_as_they_are_and_named_by_their_number() -> None:
    with server(answer(done(message(5, "Bonjour à tous")))) as on:
        published = telegram.publish(
            connect(on.url), call("Bonjour à tous", reply_to="3,4", options={"preview": "no"})
        )
    assert (published.remote_id, published.rest) == ("5", ())
    head, _, body = on.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST /bot{TOKEN}/sendMessage HTTP/1.1\r\n".encode())
    assert json.loads(body) == {
        "chat_id": CHANNEL,
        "text": "Bonjour à tous",
        "link_preview_options": {"is_disabled": True},
        "reply_parameters": {"message_id": 3},
    }


@pytest.mark.parametrize(
    ("chat", "address"),
    [
        ({"username": "a_channel", "id": -1001}, "https://t.me/a_channel/5"),
        ({"id": -1001234567890}, "https://t.me/c/1234567890/5"),
        ({"username": "../evil?", "id": -1001234567890}, "https://t.me/c/1234567890/5"),
    ],
)
def test_the_address_is_on_t_me(chat: dict[str, object], address: str) -> None:
    from social_scheduler.platforms.telegram import posting

    assert posting.address("https://api.telegram.org", chat, "5") == address
    assert telegram.id_in(address) == "5"


@pytest.mark.parametrize(
    ("url", "remote_id"),
    [
        ("https://t.me/a_channel/123", "123"),
        ("https://t.me/s/a_channel/123?before=4", "123"),
        ("https://t.me/a_channel/123?single", "123"),
        ("https://t.me/c/1234567890/123", "123"),
        ("http://telegram.me/a_channel/7/", "7"),
        ("https://t.me/a_channel", None),
        ("https://t.me/a_channel/12a", None),
        ("https://t.me/a_channel/0", None),
        ("https://example.org/a_channel/123", None),
        ("https://x.com/i/web/status/123", None),
    ],
)
def test_the_number_is_read_out_of_an_address(url: str, remote_id: str | None) -> None:
    assert telegram.id_in(url) == remote_id


@pytest.mark.parametrize(
    ("shown", "differs"),
    [
        (message(5), []),
        (message(5, " Good morning. "), []),
        (message(5, "Good evening."), ["text"]),
        (message(5, photo=[{"file_id": "x"}]), ["media_count"]),
        (message(5, reply_to_message={"message_id": 4}), ["reply_to"]),
        (message(5) | {"chat": {"id": -1009}}, ["author_id"]),
    ],
)
def test_what_the_answer_shows_is_compared_with_what_was_approved(
    shown: dict[str, object], differs: list[str]
) -> None:
    """It is published whatever the answer shows: a difference is told, and nothing is repeated."""
    said = call()
    with server(answer(done(shown))) as on:
        live = telegram.publish(connect(on.url), said)
    assert live.seen is not None
    assert live.seen.differences(telegram.as_seen(said)) == differs


OWN = b'{"ok": false, "error_code": 400, "description": "?"}'
MEANINGS: list[tuple[bytes, type[PlatformError], type[PlatformError]]] = [
    # answer, outcome of publishing, outcome of anything else
    (refused(400, "Bad Request: message is too long"), Refused, Refused),
    (refused(400, "Bad Request: message to be replied not found"), Refused, Refused),
    (refused(400, "Bad Request: chat not found"), Unauthorized, Unauthorized),
    (
        refused(400, "Bad Request: need administrator rights in the channel chat"),
        Unauthorized,
        Unauthorized,
    ),
    (
        refused(400, "Bad Request: not enough rights to send text messages to the chat"),
        Unauthorized,
        Unauthorized,
    ),
    (refused(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), Unauthorized, Unauthorized),
    (refused(400, "Bad Request: CHAT_ADMIN_REQUIRED"), Unauthorized, Unauthorized),
    (
        refused(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1005),
        Refused,
        Refused,
    ),
    *[
        (refused(400, f'failed to send message #2 with the error message "{why}"'), Unconfirmed, no)
        for why, no in (("WEBPAGE_MEDIA_EMPTY", Refused), ("CHAT_WRITE_FORBIDDEN", Unauthorized))
    ],
    (refused(413, "Request Entity Too Large"), Refused, Refused),
    (refused(401, "Unauthorized"), Unauthorized, Unauthorized),
    (refused(404, "Not Found"), Unauthorized, Unauthorized),
    (
        refused(403, "Forbidden: bot was kicked from the channel chat"),
        Unauthorized,
        Unauthorized,
    ),
    (refused(429, "Too Many Requests: retry after 7", retry_after=7), RateLimited, RateLimited),
    (reply(429, b""), RateLimited, RateLimited),
    *[(reply(status, b""), Unconfirmed, NotSent) for status in (400, 401, 403, 404, 413)],
    *[(reply(status, OWN), Unconfirmed, NotSent) for status in (402, 405, 408, 409, 410, 418, 422)],
    *[(refused(status, "Internal"), Unconfirmed, NotSent) for status in (500, 502, 504)],
    *[(reply(status, b"<html>sorry</html>"), Unconfirmed, NotSent) for status in (502, 503, 520)],
    (reply(304, b""), Unconfirmed, NotSent),
    (reply(400, b'{"ok": true, "result": {}}'), Unconfirmed, NotSent),
]


@pytest.mark.parametrize(("told", "publishing", "other"), MEANINGS)
def test_each_answer_has_its_meaning(
    told: bytes, publishing: type[PlatformError], other: type[PlatformError]
) -> None:
    for ask in PUBLISHING.values():
        with server(answer(told)) as on, pytest.raises(publishing) as caught:
            ask(connect(on.url))
        assert type(caught.value) is publishing
        assert caught.value.evidence
        assert len(on.requests) == 1
    with server(answer(told)) as on, pytest.raises(other):
        telegram.identify(connect(on.url))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (refused(429, "?", retry_after=7), 7),
        (refused(429, "?", retry_after=3600), 3600),
        (refused(429, "?", retry_after=10**30), 7 * 86400),
        (refused(429, "?", retry_after=-5), 60),
        (refused(429, "?", retry_after="soon"), 60),
        (refused(429, "?", retry_after=True), 60),
        (reply(429, b"", {"Retry-After": "30"}), 30),
        (reply(429, b"", {"Retry-After": "soon"}), 60),
        (reply(429, b"[]"), 60),
    ],
)
def test_a_rate_limit_is_over_when_telegram_says(told: bytes, seconds: int) -> None:
    with server(answer(told)) as on, pytest.raises(RateLimited) as caught:
        telegram.publish(connect(on.url), call())
    assert caught.value.until - NOW == timedelta(seconds=seconds)


def test_a_message_that_telegram_does_not_let_us_delete_is_left_to_a_person() -> None:
    told = refused(400, "Bad Request: message can't be deleted for everyone")
    with server(answer(told)) as on, pytest.raises(Refused, match="48 hours") as caught:
        telegram.remove(connect(on.url), "5")
    assert "by hand" in caught.value.remedy


def test_a_message_that_is_gone_is_what_was_wanted() -> None:
    with server(answer(refused(400, "Bad Request: message to delete not found"))) as on:
        telegram.remove(connect(on.url), "5,6")
    assert len(on.requests) == 2


CHANNEL_IS = {"id": int(CHANNEL), "type": "channel", "title": "A", "username": "a_channel"}


def identified(chat: dict[str, object], member: dict[str, object]) -> wires.Behaviour:
    """A server that tells these of the channel and of the bot."""

    def behave(peer: socket.socket, it: wires.Server) -> None:
        method = it.requests[-1].split(b" ")[1].rpartition(b"/")[2]
        told = {b"getMe": {"id": 1, "is_bot": True, "username": "b"}, b"getChat": chat}
        peer.sendall(done(told.get(method, member)))

    return behave


def test_a_private_channel_is_known_by_its_number() -> None:
    admin: dict[str, object] = {"status": "administrator", "can_post_messages": True}
    chat: dict[str, object] = {k: v for k, v in CHANNEL_IS.items() if k != "username"}
    with server(identified(chat, admin)) as on:
        who = telegram.identify(connect(on.url))
    assert (who.native_id, who.handle, who.scopes) == (CHANNEL, CHANNEL, ("can_post_messages",))


def test_a_channel_is_kept_by_its_number_for_its_name_may_become_anothers() -> None:
    kept: list[Mapping[str, str]] = []
    admin: dict[str, object] = {"status": "administrator", "can_post_messages": True}
    with server(identified(dict(CHANNEL_IS), admin)) as on:
        named = Connection(on.url, KEYS, renewed=kept.append)
        assert telegram.identify(named).native_id == CHANNEL
        assert kept == [{"channel": CHANNEL}]
        telegram.identify(replace(named, keys={**KEYS, **kept[0]}))
    assert len(kept) == 1, "it is kept already"


@pytest.mark.parametrize(
    "member",
    [
        {"status": "administrator", "can_post_messages": False},
        {"status": "administrator"},
        {"status": "member"},
        {"status": "left"},
        {"status": "kicked"},
        {},
    ],
)
def test_a_bot_that_may_not_post_cannot_be_connected(member: dict[str, object]) -> None:
    behave = identified(dict(CHANNEL_IS), member)
    with server(behave) as on, pytest.raises(Unauthorized, match="may not post") as caught:
        telegram.identify(connect(on.url))
    assert "administrator" in caught.value.remedy


@pytest.mark.parametrize("kind", ["group", "supergroup", "private"])
def test_what_is_no_channel_cannot_be_connected(kind: str) -> None:
    admin: dict[str, object] = {"status": "administrator", "can_post_messages": True}
    behave = identified({**CHANNEL_IS, "type": kind}, admin)
    with server(behave) as on, pytest.raises(Unauthorized, match="not a channel"):
        telegram.identify(connect(on.url))


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 418, 429, 500])
def test_the_token_is_in_no_message_no_evidence_and_no_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Even when the server sends our own request back, and with every logger at its chattiest."""
    caplog.set_level(logging.DEBUG)

    def echo(peer: socket.socket, it: wires.Server) -> None:
        said = it.requests[-1].decode("utf-8", "replace")
        said += f" {quote(TOKEN, safe='')}"
        body = {"ok": False, "error_code": status, "description": said}
        peer.sendall(reply(status, json.dumps(body).encode()))

    with server(echo) as on:
        for ask in EVERY.values():
            with pytest.raises(PlatformError) as caught:
                ask(connect(on.url))
            assert_no_canary(caught.value)
    assert "CANARY" not in caplog.text
    assert "Good morning" not in caplog.text


@pytest.mark.parametrize("behave", [*LOST.values(), wires.keep_silent], ids=[*LOST, "silence"])
def test_the_token_is_in_nothing_that_a_broken_connection_leaves_behind(
    behave: wires.Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")
    with server(behave) as broken:
        for ask in EVERY.values():
            with pytest.raises(PlatformError) as caught:
                ask(connect(broken.url, read=0.3))
            assert_no_canary(caught.value)
    with pytest.raises(PlatformError) as caught:
        telegram.publish(connect(wires.closed_port()), call())
    assert_no_canary(caught.value)
    assert "CANARY" not in caplog.text


def assert_no_canary(error: PlatformError) -> None:
    """Neither in what is told, nor in anything a traceback would print after it."""
    told: BaseException | None = error
    assert "CANARY" not in f"{error} {error.evidence}"
    while told is not None:
        assert "CANARY" not in f"{told!r}"
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)


@pytest.mark.parametrize(
    "token",
    ["", "CANARY", "1:CANARY/../x", f"{TOKEN}\r\nX-Evil: 1", f"{TOKEN}?x=", f"{TOKEN}\u0660"],
)
def test_what_is_no_token_becomes_part_of_no_address(token: str) -> None:
    with server(answer(refused(401, "Unauthorized"))) as on:
        with pytest.raises(Unauthorized, match="bot_token") as caught:
            telegram.publish(Connection(on.url, {**KEYS, "bot_token": token}), call())
        assert_no_canary(caught.value)
    assert on.requests == []


@pytest.mark.parametrize("channel", ["", "a b", "@x/y", "12345", "https://example.org/a", "-100"])
def test_what_names_no_channel_is_told_before_anything_is_asked_of_it(channel: str) -> None:
    behave = identified(dict(CHANNEL_IS), {})
    with server(behave) as on, pytest.raises(Unauthorized, match="not the name of a channel"):
        telegram.identify(Connection(on.url, {**KEYS, "channel": channel}))
    assert all(b"getMe" in request for request in on.requests)


def test_a_connection_and_a_line_show_no_token() -> None:
    from social_scheduler.platforms.telegram import wire

    connection = connect("https://api.telegram.org")
    with wire.line(connection, lambda: NOW) as line:
        assert "CANARY" not in f"{connection!r} {line!r}"


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy sees the words or the token."""
    with server(answer(reply(502, b""))) as proxy, server(answer(done(message(5)))) as on:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        telegram.publish(connect(on.url), call())
    assert proxy.requests == []


def test_importing_the_module_loads_no_network_library() -> None:
    code = "import sys, social_scheduler.platforms.telegram; print('requests' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def test_a_film_may_take_longer_than_a_connection_may_to_come_about() -> None:
    """Handed over in pieces: each of them in time, the whole of it as long as the line needs."""
    ((item, data),) = pictures("red").values()
    large = {"it": (item, data + bytes(12_000_000))}

    shown = answer(done(message(5, photo=[{"file_id": "x"}])))
    with slow_reader(shown) as url:
        live = telegram.publish(connect(url, connect=0.4), call(files=large))
    assert live.remote_id == "5"

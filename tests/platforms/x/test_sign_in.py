"""OAuth 2 against the rehearsal network: connected in a browser, renewed by one, never leaking."""

from __future__ import annotations

import io
import json
import logging
import re
import secrets
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from social_scheduler.errors import NotSent, PlatformError, Refused, Unauthorized
from social_scheduler.platforms import Connection, SignInRequest
from social_scheduler.platforms.x import PLATFORM, X
from tests.platforms.x.films import attachment, film
from tests.platforms.x.wires import NOW, Server, answer, call, connect, reply, server
from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount

pytestmark = pytest.mark.process

BACK = "http://127.0.0.1:8600/accounts/back"
CONNECT = PLATFORM.sign_in
assert CONNECT is not None


def new_app(sandbox: Sandbox, *, public: bool = False) -> dict[str, str]:
    """What our app is known by at the rehearsal network."""
    wish = {"redirect_urls": [BACK], "public": public}
    made = requests.post(sandbox.url + "/sandbox/apps", json=wish, timeout=TIMEOUT)
    assert made.status_code == 201, made.text
    found: dict[str, str] = made.json()
    return found


def request_of(app: Mapping[str, str], server: str) -> SignInRequest:
    return SignInRequest(
        server=server,
        app=app,
        redirect_url=BACK,
        state=secrets.token_urlsafe(16),
        verifier=secrets.token_urlsafe(64),
    )


def agreed(page: str, account: SandboxAccount) -> str:
    """The account's owner opens the page, says yes for it, and comes back with a code."""
    shown = requests.get(page, timeout=TIMEOUT)
    assert f"@{account.handle}" in shown.text
    yes = requests.get(f"{page}&as={account.handle}", timeout=TIMEOUT, allow_redirects=False)
    assert yes.headers["location"].startswith(BACK + "?")
    back = parse_qs(urlsplit(yes.headers["location"]).query)
    assert back["state"] == parse_qs(urlsplit(page).query)["state"]
    return back["code"][0]


def connected(
    sandbox: Sandbox, account: SandboxAccount, *, public: bool = False
) -> Mapping[str, str]:
    """The keys that connecting an account gives."""
    assert CONNECT is not None
    request = request_of(new_app(sandbox, public=public), sandbox.url)
    code = agreed(CONNECT.address(request), account)
    return CONNECT.exchange(Connection(sandbox.url, {}), request, code)


def later(**distance: float) -> X:
    """The module at another time."""
    return X(clock=lambda: datetime.now(UTC) + timedelta(**distance))


@pytest.mark.parametrize("public", [False, True])
def test_a_connected_account_speaks(
    sandbox: Sandbox, account: SandboxAccount, since: datetime, public: bool
) -> None:
    here = Connection(sandbox.url, connected(sandbox, account, public=public))
    who = PLATFORM.identify(here)
    assert (who.native_id, who.handle, who.ends_at) == (account.id, account.handle, None)
    assert set(who.scopes) == {
        "media.write",
        "offline.access",
        "tweet.read",
        "tweet.write",
        "users.read",
    }
    data = film()
    item = attachment(data)
    upload = PLATFORM.upload(here, item, {item.sha256: io.BytesIO(data)})
    while not upload.ready:
        upload = PLATFORM.look_at_upload(here, upload)
    said = call("By token", media=(item,), uploads=(upload,), account=account.id)
    live = PLATFORM.publish(here, said)
    found = PLATFORM.read_back(here, live.remote_id)
    assert found is not None
    assert asdict(found) == asdict(PLATFORM.as_seen(said))
    assert PLATFORM.find(here, said, since, frozenset()) == live
    repost = call("", account=account.id, options={"repost": live.url})
    PLATFORM.remove(here, PLATFORM.publish(here, repost).remote_id)
    PLATFORM.remove(here, live.remote_id)
    assert PLATFORM.read_back(here, live.remote_id) is None


def test_the_address_tells_x_a_hash_only() -> None:
    assert CONNECT is not None
    request = request_of({"client_id": "our app"}, "https://api.x.com")
    address = urlsplit(CONNECT.address(request))
    query = parse_qs(address.query)
    assert (address.scheme, address.netloc, address.path) == (
        "https",
        "x.com",
        "/i/oauth2/authorize",
    )
    assert query["code_challenge"] == [request.challenge]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [BACK]
    assert query["client_id"] == ["our app"]
    assert request.verifier not in CONNECT.address(request)


def test_a_code_serves_once_and_for_its_own_request_only(
    sandbox: Sandbox, account: SandboxAccount
) -> None:
    assert CONNECT is not None
    nobody = Connection(sandbox.url, {})
    app = new_app(sandbox)
    request = request_of(app, sandbox.url)
    code = agreed(CONNECT.address(request), account)
    with pytest.raises(Unauthorized, match="verifier did not match"):
        CONNECT.exchange(nobody, request_of(app, sandbox.url), code)
    with pytest.raises(Unauthorized, match="authorization code was invalid"):
        CONNECT.exchange(nobody, request, code)  # somebody tried it: it is used up
    code = agreed(CONNECT.address(request), account)
    CONNECT.exchange(nobody, request, code)
    with pytest.raises(Unauthorized):
        CONNECT.exchange(nobody, request, code)
    wrong = request_of({**app, "client_secret": "not this one"}, sandbox.url)
    with pytest.raises(Unauthorized, match="authorization header"):
        CONNECT.exchange(nobody, wrong, agreed(CONNECT.address(wrong), account))


def test_tokens_are_renewed_when_they_end_soon_and_not_before(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    assert PLATFORM.renew(here) is None  # keys of OAuth 1.0a
    keys = connected(sandbox, account)
    old = Connection(sandbox.url, keys)
    assert PLATFORM.renew(old) is None
    assert later(minutes=70).renew(old) is None
    fresh = later(minutes=80).renew(old)
    assert fresh is not None
    assert set(fresh) == set(keys)
    assert fresh["oauth2_access"] != keys["oauth2_access"]
    assert fresh["oauth2_refresh"] != keys["oauth2_refresh"]
    assert fresh["client_secret"] == keys["client_secret"]
    assert PLATFORM.identify(Connection(sandbox.url, fresh)).native_id == account.id


def test_a_refresh_token_shown_twice_gives_nothing_and_takes_nothing_at_once(
    sandbox: Sandbox, account: SandboxAccount
) -> None:
    old = Connection(sandbox.url, connected(sandbox, account))
    fresh = later(hours=2).renew(old)
    assert fresh is not None
    with pytest.raises(Unauthorized, match="token was invalid"):
        later(hours=2).renew(old)
    again = later(hours=4).renew(Connection(sandbox.url, fresh))
    assert again is not None
    assert PLATFORM.identify(Connection(sandbox.url, again)).native_id == account.id


def at_once(module: X, old: Connection) -> tuple[list[Mapping[str, str]], list[PlatformError]]:
    """What two get who renew the same tokens at the same moment."""
    start = threading.Barrier(2)
    won: list[Mapping[str, str]] = []
    lost: list[PlatformError] = []

    def renew() -> None:
        start.wait(10)
        try:
            won.append(module.renew(old) or {})
        except PlatformError as problem:
            lost.append(problem)

    both = [threading.Thread(target=renew) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    return won, lost


def test_of_two_who_renew_at_the_same_moment_one_wins_and_nothing_is_lost(
    sandbox: Sandbox, account: SandboxAccount
) -> None:
    old = Connection(sandbox.url, connected(sandbox, account))
    for race in range(1, 6):
        won, lost = at_once(later(hours=2 * race), old)
        assert [type(problem) for problem in lost] == [Unauthorized]
        assert len(won) == 1
        old = Connection(sandbox.url, won[0])
        assert PLATFORM.identify(old).native_id == account.id


def test_an_access_token_that_is_no_good_means_connecting_again(
    sandbox: Sandbox, account: SandboxAccount
) -> None:
    keys = connected(sandbox, account)
    for damaged in ("not this one", "x" * 40, "with\nbreak", "\u0660"):
        wrong = Connection(sandbox.url, {**keys, "oauth2_access": damaged})
        for ask in (PLATFORM.identify, lambda c: PLATFORM.publish(c, call("Nobody"))):
            with pytest.raises(Unauthorized) as caught:
                ask(wrong)
            assert damaged not in f"{caught.value} {caught.value.evidence}"


def test_what_was_not_granted_is_refused(sandbox: Sandbox, account: SandboxAccount) -> None:
    assert CONNECT is not None
    request = request_of(new_app(sandbox), sandbox.url)
    narrow = re.sub(r"scope=[^&]*", "scope=tweet.read+users.read", CONNECT.address(request))
    code = agreed(narrow, account)
    keys = CONNECT.exchange(Connection(sandbox.url, {}), request, code)
    assert "oauth2_refresh" not in keys
    here = Connection(sandbox.url, keys)
    who = PLATFORM.identify(here)
    assert who.scopes == ("tweet.read", "users.read")
    assert who.ends_at is not None
    assert abs(who.ends_at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    with pytest.raises(Refused, match=r"tweet\.write"):
        PLATFORM.publish(here, call(account=account.id))
    assert later(minutes=119).renew(here) is None
    with pytest.raises(Unauthorized, match="no token that can be renewed"):
        later(minutes=121).renew(here)


@pytest.mark.parametrize("fault", ["error_before", "reset_before", "rate_limited", "redirect"])
def test_a_renewal_that_went_nowhere_is_repeated(
    sandbox: Sandbox, account: SandboxAccount, fault: str
) -> None:
    old = Connection(sandbox.url, connected(sandbox, account))
    sandbox.fault(fault, route="sign_in")
    with pytest.raises(PlatformError) as caught:
        later(hours=2).renew(old)
    assert not isinstance(caught.value, Unauthorized | Refused)
    assert later(hours=2).renew(old) is not None


def test_a_renewal_whose_answer_is_lost_has_used_the_token_up(
    sandbox: Sandbox, account: SandboxAccount
) -> None:
    """Nobody can undo that: the account is connected again. The access token lasts as long."""
    old = Connection(sandbox.url, connected(sandbox, account))
    sandbox.fault("answer_lost", route="sign_in")
    with pytest.raises(NotSent):
        later(hours=2).renew(old)
    with pytest.raises(Unauthorized):
        later(hours=2).renew(old)
    assert PLATFORM.identify(old).native_id == account.id


KEYS = {
    "client_id": "CANARYclient0123456789",
    "client_secret": "CANARYsecret0123456789",
    "oauth2_access": "CANARYaccess0123456789",
    "oauth2_refresh": "CANARYrefresh0123456789",
    "oauth2_ends_at": NOW.isoformat(),
    "oauth2_scopes": "tweet.read tweet.write",
}
x = X(clock=lambda: NOW)


def granting(**told: object) -> bytes:
    return reply(200, json.dumps({"token_type": "bearer", **told}).encode())


def test_an_empty_value_replaces_nothing() -> None:
    for told in ({"refresh_token": "", "scope": ""}, {"refresh_token": None}, {}):
        with server(answer(granting(access_token="new", **told))) as on:
            found = x.renew(Connection(on.url, KEYS))
        assert found == {
            **KEYS,
            "oauth2_access": "new",
            "oauth2_ends_at": (NOW + timedelta(hours=2)).isoformat(),
        }
    for nothing in ({}, {"access_token": ""}, {"access_token": None, "refresh_token": "x"}):
        with server(answer(granting(**nothing))) as on, pytest.raises(NotSent):
            x.renew(Connection(on.url, KEYS))


@pytest.mark.parametrize("seconds", [0, -1, "7200", None, True, 10**12])
def test_an_end_that_cannot_be_is_taken_for_the_usual_one(seconds: object) -> None:
    with server(answer(granting(access_token="new", expires_in=seconds))) as on:
        found = x.renew(Connection(on.url, KEYS))
    assert found is not None
    assert found["oauth2_ends_at"] == (NOW + timedelta(hours=2)).isoformat()


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
def test_no_key_code_or_verifier_is_in_any_message_evidence_or_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Even when the server sends our own request back, and with every logger at its chattiest."""
    caplog.set_level(logging.DEBUG)
    request = SignInRequest(
        "https://api.x.com", KEYS, BACK, "CANARYstate0123456789", "CANARYverifier0123456789" * 2
    )

    def echo(peer: socket.socket, it: Server) -> None:
        said = it.requests[-1].decode()
        body = {"error": said, "error_description": said, "title": "?", "detail": said}
        peer.sendall(reply(status, json.dumps(body).encode()))

    assert CONNECT is not None
    with server(echo) as on:
        here = Connection(on.url, KEYS)
        for act in (
            lambda: x.renew(here),
            lambda: x.identify(here),
            lambda: x.publish(here, call("Embargoed")),
            lambda: CONNECT.exchange(Connection(on.url, {}), request, "CANARYcode0123456789"),
        ):
            with pytest.raises(PlatformError) as caught:
                act()
            said = f"{caught.value} {caught.value.evidence} {caught.value!r}"
            assert "CANARY" not in said
            assert "Q0FOQVJZ" not in said  # the same in Base64, as Basic has it
    assert "CANARY" not in caplog.text
    assert "CANARY" not in repr(request) + repr(here)


def test_a_renewal_is_one_request_by_the_app_itself() -> None:
    with server(answer(granting(access_token="new"))) as on:
        x.renew(Connection(on.url, KEYS))
        x.renew(Connection(on.url, {**KEYS, "client_secret": ""}))
    confidential, public = (r.decode() for r in on.requests)
    assert confidential.startswith("POST /2/oauth2/token HTTP/1.1\r\n")
    assert "\r\nAuthorization: Basic " in confidential
    assert "client_id" not in confidential
    assert "client_id=CANARYclient" in public
    assert "Authorization" not in public


def test_oauth1_keys_go_on_working_beside_it() -> None:
    with server(answer(reply(201, b'{"data": {"id": "1"}}'))) as on:
        x.publish(connect(on.url), call())
        x.publish(Connection(on.url, KEYS), call())
    assert b"\r\nAuthorization: OAuth " in on.requests[0]
    assert b"\r\nAuthorization: Bearer CANARYaccess0123456789\r\n" in on.requests[1]

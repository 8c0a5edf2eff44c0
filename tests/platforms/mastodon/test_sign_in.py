"""An account is connected in a browser: our app introduces itself, the owner agrees, a token comes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from social_scheduler.errors import PlatformError
from social_scheduler.platforms import Connection, SignInRequest
from social_scheduler.platforms.mastodon import PLATFORM as MASTODON
from social_scheduler.platforms.mastodon import sign_in
from tests.platforms.mastodon.servers import MockServer
from tests.platforms.x import wires
from tests.platforms.x.wires import answer, reply

pytestmark = pytest.mark.process

BACK = "https://desk.example/accounts/connected"
VERIFIER = "CANARYverifier-0123456789-0123456789-0123456789"


def request_for(url: str, app: dict[str, str]) -> SignInRequest:
    return SignInRequest(url, app, BACK, "a state", VERIFIER)


def test_the_owner_is_sent_to_the_server_with_a_challenge_and_no_secret() -> None:
    app = {"client_id": "an app", "client_secret": "CANARYsecret"}
    address = sign_in.address(request_for("https://mastodon.social/", app))
    parts = urlsplit(address)
    assert (parts.netloc, parts.path) == ("mastodon.social", "/oauth/authorize")
    assert "CANARY" not in address
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert query == {
        "response_type": "code",
        "client_id": "an app",
        "redirect_uri": BACK,
        "scope": sign_in.SCOPES,
        "state": "a state",
        "code_challenge": request_for("", app).challenge,
        "code_challenge_method": "S256",
    }


def test_a_code_becomes_a_token_with_which_the_server_knows_us(server: MockServer) -> None:
    url = server.url
    assert MASTODON.sign_in is not None
    assert MASTODON.sign_in.register is not None
    app = MASTODON.sign_in.register(Connection(url, {}), BACK)
    assert set(app) == set(MASTODON.sign_in.app_keys)
    wanted = request_for(url, dict(app))
    page = requests.get(MASTODON.sign_in.address(wanted), timeout=10)
    assert page.status_code == 200
    agreed = requests.post(
        f"{url}/oauth/authorize",
        data={"username": "testuser", "redirect_uri": BACK, "state": "a state"},
        allow_redirects=False,
        timeout=10,
    )
    code = parse_qs(urlsplit(agreed.headers["Location"]).query)["code"][0]
    keys = MASTODON.sign_in.exchange(Connection(url, {}), wanted, code)
    assert set(keys) == set(MASTODON.keys)
    who = MASTODON.identify(Connection(url, keys))
    assert who.handle == "testuser"
    assert who.scopes == tuple(sign_in.SCOPES.split())


def test_the_verifier_and_the_exact_address_go_with_the_code() -> None:
    app = {"client_id": "an app", "client_secret": "CANARYsecret"}
    with wires.server(answer(reply(200, b'{"access_token": "t"}'))) as on:
        sign_in.exchange(Connection(on.url, {}), request_for(on.url, app), "CANARYcode")
    fields = parse_qs(on.requests[0].partition(b"\r\n\r\n")[2].decode())
    assert on.requests[0].startswith(b"POST /oauth/token ")
    assert {name: values[0] for name, values in fields.items()} == {
        "grant_type": "authorization_code",
        "client_id": "an app",
        "client_secret": "CANARYsecret",
        "redirect_uri": BACK,
        "scope": sign_in.SCOPES,
        "code": "CANARYcode",
        "code_verifier": VERIFIER,
    }


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_no_error_names_the_code_the_verifier_or_the_secret(status: int) -> None:
    app = {"client_id": "an app", "client_secret": "CANARYsecret0123"}
    echoed = f'{{"error": "CANARYcode0123 {VERIFIER} CANARYsecret0123"}}'.encode()
    with wires.server(answer(reply(status, echoed))) as on, pytest.raises(PlatformError) as caught:
        sign_in.exchange(Connection(on.url, {}), request_for(on.url, app), "CANARYcode0123")
    assert "CANARY" not in f"{caught.value} {caught.value.evidence} {caught.value!r}"


def test_a_server_that_names_no_app_is_not_believed() -> None:
    with (
        wires.server(answer(reply(200, b'{"client_id": "only this"}'))) as on,
        pytest.raises(PlatformError, match="what it knows our app by"),
    ):
        sign_in.register(Connection(on.url, {}), BACK)

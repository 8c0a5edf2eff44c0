"""X's OAuth 2 at the rehearsal network: consent, PKCE, tokens that serve once and end."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from social_scheduler.sandbox import create_app
from social_scheduler.sandbox.accounts import Account, add_account
from social_scheduler.sandbox.ledger import Ledger
from social_scheduler.sandbox.x_oauth2 import new_app

BACK = "https://desk.example/back?from=x"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())[:-1].decode()
EVERYTHING = "media.write offline.access tweet.read tweet.write users.read"


class Network:
    """A rehearsal network with a clock to turn, one app and one account."""

    def __init__(self, path: Path) -> None:
        self.now = datetime(2027, 1, 11, 9, 0, tzinfo=UTC)
        self.ledger = Ledger(path, clock=lambda: self.now)
        self.account: Account = add_account(self.ledger, "mission", "A mission", "en")[0]
        self.app = new_app(self.ledger, [BACK])
        self.http = TestClient(create_app(self.ledger, local_only=False), follow_redirects=False)

    def consent(self, **changed: str) -> Any:
        """Open the page of consent, or answer it with `as_`."""
        query = {
            "response_type": "code",
            "client_id": self.app["client_id"],
            "redirect_uri": BACK,
            "scope": EVERYTHING,
            "state": "some state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        query |= {name.rstrip("_"): value for name, value in changed.items()}
        return self.http.get(f"/i/oauth2/authorize?{urlencode(query)}")

    def back(self, **changed: str) -> dict[str, str]:
        """What the app is told when the owner has answered."""
        answer = self.consent(**{"as_": "mission", **changed})
        assert answer.headers["location"].startswith(BACK + "&")
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        return {name: values[0] for name, values in query.items()}

    def token(self, **fields: str) -> Any:
        app = (self.app["client_id"], self.app["client_secret"])
        return self.http.post("/2/oauth2/token", data=fields, auth=app)

    def by_code(self, code: str, **changed: str) -> Any:
        fields = {"redirect_uri": BACK, "code_verifier": VERIFIER, **changed}
        return self.token(grant_type="authorization_code", code=code, **fields)

    def renewed(self, refresh: str) -> Any:
        return self.token(grant_type="refresh_token", refresh_token=refresh)

    def connected(self) -> dict[str, Any]:
        answer = self.by_code(self.back()["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def whose(self, access: str) -> Any:
        return self.http.get("/2/users/me", headers={"Authorization": f"Bearer {access}"})


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path / "ledger.sqlite")
    yield made
    made.ledger.close()


def test_the_page_asks_whose_account_and_for_what(network: Network) -> None:
    page = network.consent()
    assert page.status_code == 200
    assert "@mission" in page.text
    assert "tweet.write" in page.text


def test_the_owner_agrees_and_the_app_acts_for_the_account(network: Network) -> None:
    told = network.back()
    assert told["state"] == "some state"
    assert set(told) == {"from", "state", "code"}
    assert network.back(as_="")["error"] == "access_denied"
    answer = network.by_code(told["code"]).json()
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 7200
    assert answer["scope"] == EVERYTHING
    me = network.whose(answer["access_token"])
    assert me.json()["data"]["username"] == "mission"


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"redirect_uri": BACK + "&more=1"},
        {"redirect_uri": "https://elsewhere.example/back"},
        {"scope": ""},
        {"scope": "tweet.read dm.read"},
        {"state": ""},
        {"state": "x" * 501},
        {"code_challenge": ""},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
    ],
)
def test_what_is_not_in_order_leads_nowhere(network: Network, wrong: dict[str, str]) -> None:
    for answered in ({}, {"as_": "mission"}):
        answer = network.consent(**wrong, **answered)
        assert answer.status_code == 400
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"redirect_uri": "https://desk.example/back"},
        {"grant_type": "password"},
    ],
)
def test_a_code_needs_its_verifier_and_its_address(network: Network, wrong: dict[str, str]) -> None:
    fields = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    answer = network.token(**{**fields, "code": network.back()["code"], **wrong})
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type")


def test_a_code_serves_once_and_for_half_a_minute(network: Network) -> None:
    code = network.back()["code"]
    assert network.by_code(code).status_code == 200
    assert network.by_code(code).status_code == 400
    code = network.back()["code"]
    network.now += timedelta(seconds=30)
    assert network.by_code(code).status_code == 400


def test_an_app_that_is_not_known_is_told_how_one_is_made(network: Network) -> None:
    said = network.consent(client_id="invented").text
    assert "invented" in said
    assert "social-scheduler accounts app x --register" in said


def test_an_app_whose_desk_has_moved_is_told_both_addresses(network: Network) -> None:
    said = network.consent(redirect_uri="http://127.0.0.1:8601/back").text
    assert BACK in said
    assert "http://127.0.0.1:8601/back" in said
    assert "have the app made anew" in said


def test_an_app_needs_its_secret_and_a_public_one_has_none(network: Network) -> None:
    network.app["client_secret"] = "guessed"
    assert network.by_code(network.back()["code"]).status_code == 401
    public = new_app(network.ledger, [BACK], public=True)
    code = network.back(client_id=public["client_id"])["code"]
    fields = {"redirect_uri": BACK, "code_verifier": VERIFIER, "code": code}
    fields |= {"grant_type": "authorization_code", "client_id": public["client_id"]}
    assert network.http.post("/2/oauth2/token", data=fields).status_code == 200


def test_an_access_token_ends_after_two_hours(network: Network) -> None:
    access = network.connected()["access_token"]
    network.now += timedelta(minutes=119)
    assert network.whose(access).status_code == 200
    network.now += timedelta(minutes=1)
    assert network.whose(access).status_code == 401


def test_a_refresh_token_serves_once(network: Network) -> None:
    first = network.connected()
    second = network.renewed(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert network.renewed(first["refresh_token"]).status_code == 400
    assert network.whose(second["access_token"]).status_code == 200
    assert network.renewed(second["refresh_token"]).status_code == 200


def test_a_spent_token_shown_minutes_later_ends_all_that_came_of_it(network: Network) -> None:
    first = network.connected()
    other = network.connected()
    second = network.renewed(first["refresh_token"]).json()
    network.now += timedelta(minutes=1, seconds=1)
    assert network.renewed(first["refresh_token"]).status_code == 400
    assert network.whose(first["access_token"]).status_code == 401
    assert network.whose(second["access_token"]).status_code == 401
    assert network.renewed(second["refresh_token"]).status_code == 400
    assert network.whose(other["access_token"]).status_code == 200


def test_without_offline_access_nothing_can_be_renewed(network: Network) -> None:
    answer = network.by_code(network.back(scope="tweet.read users.read")["code"]).json()
    assert "refresh_token" not in answer
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    said = network.http.post("/2/tweets", json={"text": "hello"}, headers=headers)
    assert said.status_code == 403
    assert "tweet.write" in said.json()["detail"]


def test_new_keys_for_an_account_end_its_tokens(network: Network) -> None:
    first = network.connected()
    add_account(network.ledger, "mission", "A mission", "en", again=True)
    assert network.whose(first["access_token"]).status_code == 401


def test_tokens_outlive_the_process(network: Network, tmp_path: Path) -> None:
    first = network.connected()
    network.ledger.close()
    network.ledger = Ledger(tmp_path / "ledger.sqlite", clock=lambda: network.now)
    network.http = TestClient(create_app(network.ledger, local_only=False))
    assert network.whose(first["access_token"]).status_code == 200
    assert network.renewed(first["refresh_token"]).status_code == 200

"""Signatures: only the account's own four secrets, over the very request, once, and in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from oauthlib.oauth1 import Client as Signer
from requests_oauthlib import OAuth1

from social_scheduler.sandbox.accounts import Keys, add_account
from social_scheduler.sandbox.ledger import Ledger
from social_scheduler.sandbox.oauth import authenticate
from social_scheduler.sandbox.problems import Problem
from tests.sandbox.conftest import Client
from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount

REFUSAL = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


NAMES = ("api_key", "api_secret", "access_token", "access_secret")


def with_keys(account: SandboxAccount, **others: str) -> SandboxAccount:
    return replace(account, keys={**account.keys, **others})


@pytest.mark.parametrize("wrong", NAMES)
def test_each_wrong_secret_is_unauthorized(client: Client, wrong: str) -> None:
    stranger = Client(client.sandbox, with_keys(client.account, **{wrong: "x" * 30}))
    answer = stranger.post("let me in")
    assert (answer.status_code, answer.json()) == (401, REFUSAL)
    assert client.texts() == []


def test_a_request_without_a_signature_is_unauthorized(sandbox: Sandbox) -> None:
    for headers in ({}, {"Authorization": "Bearer token"}, {"Authorization": "OAuth nonsense"}):
        answer = requests.get(sandbox.url + "/2/users/me", headers=headers, timeout=TIMEOUT)
        assert (answer.status_code, answer.json()) == (401, REFUSAL)


def test_keys_of_two_accounts_do_not_mix(sandbox: Sandbox, client: Client) -> None:
    other = sandbox.add_account("second_desk", "en")
    mixed = with_keys(
        client.account,
        access_token=other.keys["access_token"],
        access_secret=other.keys["access_secret"],
    )
    assert Client(sandbox, mixed).get("/2/users/me").status_code == 401


def test_a_changed_query_breaks_the_signature(client: Client) -> None:
    signed = requests.Request(
        "GET",
        client.sandbox.url + "/2/users/me",
        params={"user.fields": "verified"},
        auth=client.account.auth(),
    ).prepare()
    with requests.Session() as session:
        assert session.send(signed, timeout=TIMEOUT).status_code == 200
        signed.url = str(signed.url).replace("verified", "protected")
        assert session.send(signed, timeout=TIMEOUT).status_code == 401


def test_the_same_signed_request_is_taken_once(client: Client) -> None:
    signed = requests.Request(
        "GET", client.sandbox.url + "/2/users/me", auth=client.account.auth()
    ).prepare()
    with requests.Session() as session:
        answers = [session.send(signed, timeout=TIMEOUT).status_code for _ in range(2)]
    assert answers == [200, 401]


def test_another_signature_method_is_refused(client: Client) -> None:
    k = client.account.keys
    auth = OAuth1(
        k["api_key"],
        k["api_secret"],
        k["access_token"],
        k["access_secret"],
        signature_method="PLAINTEXT",
    )
    answer = requests.get(client.sandbox.url + "/2/users/me", auth=auth, timeout=TIMEOUT)
    assert answer.status_code == 401


def test_new_keys_end_the_old_ones(sandbox: Sandbox, client: Client) -> None:
    renewed = sandbox.add_account(client.account.handle, "en", again=True)
    assert renewed.id == client.account.id
    assert client.get("/2/users/me").status_code == 401
    assert Client(sandbox, renewed).get("/2/users/me").status_code == 200


def test_a_clock_more_than_five_minutes_off_is_refused(tmp_path: Path) -> None:
    now = datetime(2027, 1, 11, 9, tzinfo=UTC)
    ledger = Ledger(tmp_path / "ledger", clock=lambda: now)
    account, keys = add_account(ledger, "punctual", "Punctual", "en")
    try:
        for off, taken in ((0, True), (299, True), (-299, True), (301, False), (-301, False)):
            stamp = int((now + timedelta(seconds=off)).timestamp())
            url, headers = _signed(keys, stamp)
            if taken:
                assert authenticate(ledger, "GET", url, headers, "") == account
            else:
                with pytest.raises(Problem, match="401"):
                    authenticate(ledger, "GET", url, headers, "")
    finally:
        ledger.close()


def _signed(keys: Keys, stamp: int) -> tuple[str, dict[str, str]]:
    signer = Signer(
        keys["api_key"],
        keys["api_secret"],
        keys["access_token"],
        keys["access_secret"],
        timestamp=str(stamp),
        nonce=f"nonce-{stamp}",
    )
    url, headers, _ = signer.sign("http://127.0.0.1:4600/2/users/me")
    return url, headers

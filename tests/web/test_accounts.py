"""Connecting accounts on the desk: admins only, everything sealed at once, nothing in an address."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from social_scheduler.app import DATABASE_FILE
from social_scheduler.platforms import discover
from social_scheduler.services import connect_app, connect_ask
from social_scheduler.services.accounts import disconnect_account
from social_scheduler.services.connect_ask import Asker
from social_scheduler.store import accounts as account_store
from tests.services.signing import CLIENT, SigningWire
from tests.web.newsroom import (
    MONDAY,
    Newsroom,
    actor,
    post,
    running,
)
from tests.web.office import make_office
from tests.web.test_lightness import queries

PAGE = "/accounts/signing-en"


class Office:
    """A desk with a network that signs people in, and the worker beside it."""

    def __init__(self, room: Newsroom, wire: SigningWire) -> None:
        self.room = room
        self.wire = wire
        wire.now = room.clock

    def keep_app(self, noor: httpx2.Client) -> httpx2.Response:
        fields: dict[str, Any] = {f"app-{name}": value for name, value in CLIENT.items()}
        return post(noor, f"{PAGE}/app", page=PAGE, **fields)

    def leave(self, noor: httpx2.Client) -> str:
        """Press Connect: the address that the browser is sent on to."""
        answer = post(noor, f"{PAGE}/sign-in", page=PAGE)
        assert answer.status_code == 200, answer.text
        return answer.headers["refresh"].removeprefix("0; url=")

    def back(self, client: httpx2.Client, address: str) -> httpx2.Response:
        """The browser comes back, from another site."""
        parts = urlsplit(address)
        path = f"{parts.path}?{parts.query}"
        return client.get(path, headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=False)

    def work(self) -> None:
        connect_ask.ask_waiting(self.room.context, Asker("worker"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with people and two accounts in accounts.yaml, of which one is connected."""
    root = tmp_path_factory.mktemp("accounts") / "workspace"
    make_office(root)
    return root


@pytest.fixture
def office(empty: Path, tmp_path: Path) -> Iterator[Office]:
    root = tmp_path / "workspace"
    shutil.copytree(empty, root)
    wire = SigningWire(lambda: MONDAY)
    with running(root, platforms={**discover(), "signing": wire}) as room:
        yield Office(room, wire)


@pytest.fixture
def noor(office: Office) -> httpx2.Client:
    return office.room.signed_in("noor")


def test_an_admin_connects_an_account_from_end_to_end(office: Office, noor: httpx2.Client) -> None:
    assert "not connected" in noor.get("/accounts").text
    assert "First: our app at Signing" in noor.get(PAGE).text
    assert "Now connect the account" in office.keep_app(noor).text

    back = office.wire.agree(office.leave(noor), "coalition")
    answer = office.back(noor, back)

    assert answer.status_code == 303
    where = answer.headers["location"]
    assert re.fullmatch(r"/accounts/connecting/\d+", where)
    waiting = noor.get(where)
    assert "The worker asks the network whose keys they are." in waiting.text
    assert 'hx-trigger="every 2s"' in waiting.text
    assert "Being connected" in noor.get("/accounts").text
    office.work()
    done = noor.get(where)
    assert "hx-trigger" not in done.text
    assert "coalition (id-coalition)" in done.text
    assert office.wire.calls == ["exchange", "identify"]


def test_the_way_to_the_network_carries_what_it_must_and_nothing_secret(
    office: Office, noor: httpx2.Client
) -> None:
    office.keep_app(noor)
    answer = post(noor, f"{PAGE}/sign-in", page=PAGE)

    address = answer.headers["refresh"].removeprefix("0; url=")
    asked = parse_qs(urlsplit(address).query)
    assert asked["redirect_uri"] == [f"{office.room.url}/accounts/callback/signing"]
    assert set(asked) == {
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
    }
    host = f'dir="ltr">{urlsplit(address).netloc}<'
    assert host in answer.text
    assert host in noor.get(PAGE).text
    assert CLIENT["client_secret"] not in answer.text
    assert address.replace("&", "&amp;") in answer.text  # for a browser that stays


def test_nobody_is_sent_to_a_network_that_would_send_them_back_elsewhere(
    office: Office, noor: httpx2.Client
) -> None:
    context, elsewhere = office.room.context, "http://127.0.0.1:1/accounts/callback/signing"
    admin = actor(context, "noor")
    connect_app.register_app(context, admin, "signing", context.sandbox_url, elsewhere)

    answer = post(noor, f"{PAGE}/sign-in", page=PAGE)

    assert answer.status_code == 409
    assert f"Signing sends people back to {elsewhere}" in answer.text
    assert "Open the desk at 127.0.0.1:1" in answer.text


def test_an_account_that_is_no_longer_listed_can_be_forgotten(
    office: Office, noor: httpx2.Client
) -> None:
    office.keep_app(noor)
    office.back(noor, office.wire.agree(office.leave(noor), "coalition"))
    office.work()
    listed = office.room.context.root / "campaigns" / "accounts.yaml"
    listed.write_text(listed.read_text().replace("name: signing-en", "name: another-en"))
    assert "accounts disconnect signing-en" in noor.get("/accounts").text

    disconnect_account(office.room.context, actor(office.room.context, "noor"), "signing-en")

    page = noor.get("/accounts").text
    assert "It is not in accounts.yaml any more." in page
    assert "accounts disconnect" not in page


def test_the_desk_never_opens_the_workers_key(office: Office, noor: httpx2.Client) -> None:
    """Everything but the worker's part works on a machine that does not hold it."""
    key = office.room.context.root / "keys" / "worker.key"
    away = key.rename(key.with_suffix(".away"))
    office.keep_app(noor)
    answer = office.back(noor, office.wire.agree(office.leave(noor), "coalition"))
    assert "/connecting/" in answer.headers["location"]

    away.rename(key)
    office.work()

    assert "coalition (id-coalition)" in noor.get(answer.headers["location"]).text


def test_a_failure_is_told_and_leaves_what_was(office: Office, noor: httpx2.Client) -> None:
    office.keep_app(noor)
    answer = office.back(noor, office.wire.agree(office.leave(noor), "somebody_else"))
    office.work()

    page = noor.get(answer.headers["location"]).text
    assert "The keys belong to somebody_else" in page
    assert "Nothing of it was kept." in page
    with office.room.context.database.read() as tx:
        assert account_store.account_named(tx, "signing-en") is None


class TestTheWayBack:
    def test_leaves_no_code_in_an_address_whatever_comes_of_it(
        self, office: Office, noor: httpx2.Client
    ) -> None:
        office.keep_app(noor)
        back = office.wire.agree(office.leave(noor), "coalition")
        for client in (office.room.signed_in("rana"), noor, noor, office.room.browser()):
            answer = office.back(client, back)
            assert answer.status_code == 303
            assert "code" not in answer.headers["location"]
            assert "state" not in answer.headers["location"]
            assert "code-that-counts-once" not in str(answer.headers)

    def test_somebody_who_is_not_signed_in_goes_on_from_the_list(self, office: Office) -> None:
        answer = office.back(
            office.room.browser(), f"{office.room.url}/accounts/callback/signing?code=c&state=s"
        )
        assert answer.headers["location"] == "/sign-in?next=/accounts"

    def test_a_state_of_another_session_counts_nothing(
        self, office: Office, noor: httpx2.Client
    ) -> None:
        office.keep_app(noor)
        back = office.wire.agree(office.leave(noor), "coalition")
        other = office.room.signed_in("noor")

        assert office.back(other, back).headers["location"] == "/accounts"
        page = other.get("/accounts").text
        assert "used already, or was begun elsewhere" in page
        office.work()
        assert office.wire.calls == []

    def test_a_state_counts_once(self, office: Office, noor: httpx2.Client) -> None:
        office.keep_app(noor)
        back = office.wire.agree(office.leave(noor), "coalition")
        assert "/connecting/" in office.back(noor, back).headers["location"]
        assert office.back(noor, back).headers["location"] == "/accounts"

    def test_that_the_person_did_not_agree_to_is_told(
        self, office: Office, noor: httpx2.Client
    ) -> None:
        office.keep_app(noor)
        state = parse_qs(urlsplit(office.leave(noor)).query)["state"][0]
        answer = office.back(
            noor,
            f"{office.room.url}/accounts/callback/signing?error=access_denied&state={state}",
        )
        page = noor.get(answer.headers["location"]).text
        assert "Signing did not agree: access_denied." in page


class TestPastedKeys:
    KEYS = ("key-access_token", "key-refresh_token")

    def send(self, client: httpx2.Client, access: str = "pasted-access-token") -> httpx2.Response:
        fields: dict[str, Any] = dict(zip(self.KEYS, (access, "pasted-refresh-token"), strict=True))
        return post(client, f"{PAGE}/keys", page=PAGE, **fields)

    def test_are_sealed_and_never_shown_again(self, office: Office, noor: httpx2.Client) -> None:
        office.wire.tokens["pasted-access-token"] = "coalition"
        answer = self.send(noor)
        assert "pasted-" not in answer.text
        database = office.room.context.root / DATABASE_FILE
        with sqlite3.connect(database) as look:
            dump = "\n".join(look.iterdump())
        look.close()
        assert "pasted-" not in dump
        assert b"pasted-".hex() not in dump.lower()

        office.work()

        assert "coalition (id-coalition)" in noor.get(answer.url.path).text
        for path in ("/accounts", PAGE, answer.url.path):
            assert "pasted-" not in noor.get(path).text

    def test_that_are_missing_are_named_at_their_place(
        self, office: Office, noor: httpx2.Client
    ) -> None:
        answer = self.send(noor, access="")
        assert answer.status_code == 422
        assert "signing-en needs the key access_token." in answer.text
        assert "pasted-" not in answer.text


def test_only_admins_come_here(office: Office) -> None:
    paths = ("/accounts", PAGE, "/accounts/connecting/1")
    for name in ("rana", "amal", "dana", "mallory"):
        client = office.room.signed_in(name)
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 403, (name, path)
            assert "CoalitionDemoEN" not in answer.text
        if name != "mallory":
            assert 'href="/accounts"' not in client.get("/").text
            for form in ("sign-in", "keys", "sandbox", "app"):
                answer = post(client, f"{PAGE}/{form}", page="/")
                assert answer.status_code == 403, (name, form)
    assert office.wire.calls == []


def test_an_admin_finds_the_accounts_from_every_page(noor: httpx2.Client) -> None:
    assert 'href="/accounts"' in noor.get("/").text
    assert '<a href="/accounts" aria-current="page">' in noor.get("/accounts").text


def test_what_is_not_there_is_told(office: Office, noor: httpx2.Client) -> None:
    for path in ("/accounts/nobody", "/accounts/connecting/99", "/accounts/connecting/x"):
        assert noor.get(path).status_code == 404
    assert post(noor, "/accounts/nobody/sign-in", page="/").status_code == 404


def test_in_a_rehearsal_the_account_can_be_made_at_the_sandbox(
    office: Office, noor: httpx2.Client
) -> None:
    answer = post(noor, "/accounts/x-en/sandbox", page="/accounts/x-en")
    assert "The worker asks the network" in answer.text

    office.work()

    page = noor.get(answer.url.path).text  # no sandbox runs here
    assert "The sandbox does not answer" in page


def test_a_list_that_cannot_be_read_is_told(office: Office, noor: httpx2.Client) -> None:
    (office.room.context.root / "campaigns" / "accounts.yaml").write_text("accounts: []\n")
    for path in ("/accounts", PAGE):
        answer = noor.get(path)
        assert answer.status_code == 422
        assert "accounts.yaml cannot be used as it is." in answer.text


def test_a_list_costs_few_queries_however_long(office: Office, noor: httpx2.Client) -> None:
    with queries(office.room) as asked:
        assert noor.get("/accounts").status_code == 200
    assert len(asked) <= 10


def test_an_end_that_is_near_stands_on_the_list(office: Office, noor: httpx2.Client) -> None:
    with office.room.context.database.write() as tx:
        found = account_store.account_named(tx, "x-en")
        assert found is not None
        found.keys_version, found.ends_at = 1, MONDAY.replace(day=12)

    page = noor.get("/accounts").text

    assert '<p class="error">Its keys end:' in page


@pytest.mark.parametrize("locale", ["fr", "ar"])
def test_the_pages_speak_the_desks_languages(
    office: Office, noor: httpx2.Client, locale: str
) -> None:
    noor.cookies.set("lang", locale)
    for path in ("/accounts", PAGE):
        assert "Accounts" not in noor.get(path).text

"""Connecting an account: a person begins, a worker asks and decides; a failure changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSent
from social_scheduler.platforms import Connection, Identity, discover
from social_scheduler.services import (
    accounts,
    connect,
    connect_app,
    connect_ask,
    keys_rotate,
    people,
)
from social_scheduler.services.actor import Actor
from social_scheduler.services.connect_ask import Asker
from social_scheduler.services.context import Context
from social_scheduler.store import accounts as account_store
from social_scheduler.store import connecting as store
from social_scheduler.store.tables import Account, AccountState, Connecting, ConnectingState
from tests.sandbox.running import start_sandbox
from tests.services.desk import SANDBOX, Desk, whose
from tests.services.signing import CLIENT, SigningWire

REDIRECT = "http://127.0.0.1:8600/accounts/callback/signing"
WORKER = Asker("worker-test")


class Office:
    """A desk with a network that signs people in, and short ways to connect to it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.wire = SigningWire(desk.clock)
        platforms = {"wire": desk.wire, "signing": self.wire}
        self.context: Context = dataclasses.replace(desk.context, platforms=platforms)
        self.web: Context = dataclasses.replace(self.context, vault=self.context.vault.shut())
        self.noor = self.actor("noor", session=7)

    def actor(self, name: str, session: int) -> Actor:
        return dataclasses.replace(self.desk.actor(name), token_id=session)

    def keep_app(self, **values: str) -> None:
        connect_app.keep_app(self.web, self.noor, "signing", SANDBOX, {**CLIENT, **values})

    def begin(self, one: AccountEntry | None = None, by: Actor | None = None) -> tuple[int, str]:
        return connect.begin_sign_in(self.web, by or self.noor, one or entry(), REDIRECT, here=True)

    def back(self, address: str, by: Actor | None = None, platform: str = "signing") -> int:
        """The person's browser comes back to the desk."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        return connect.come_back(
            self.web,
            by or self.noor,
            platform,
            asked.get("state", ""),
            asked.get("code", ""),
            asked.get("error", ""),
        )

    def work(self) -> int:
        """What a worker does every two seconds."""
        return connect_ask.ask_waiting(self.context, WORKER)

    def signed_in(self, handle: str = "coalition", one: AccountEntry | None = None) -> int:
        """The whole way, up to the worker."""
        number, address = self.begin(one)
        assert self.back(self.wire.agree(address, handle)) == number
        return number

    def view(self, number: int) -> connect.ConnectingView:
        return connect.look_at(self.web, self.noor, number)

    def row(self, number: int) -> Connecting:
        with self.context.database.read() as tx:
            row = store.numbered(tx, number)
        assert row is not None
        return row

    def account(self, name: str = "signing-en") -> Account | None:
        with self.context.database.read() as tx:
            return account_store.account_named(tx, name)


@pytest.fixture
def office(desk: Desk) -> Office:
    office = Office(desk)
    office.keep_app()
    return office


def entry(name: str = "signing-en", handle: str = "coalition", **values: str) -> AccountEntry:
    return AccountEntry.model_validate(
        {"name": name, "platform": "signing", "handle": handle, "language": "en", **values}
    )


class TestASignIn:
    def test_ends_with_the_account_its_keys_and_what_the_network_tells(
        self, office: Office
    ) -> None:
        office.wire.ends_at = datetime(2027, 3, 1, tzinfo=UTC)
        number = office.signed_in()
        assert office.view(number).state == "waiting"
        assert office.wire.calls == []

        assert office.work() == 1

        assert office.view(number).state == "connected"
        found = office.account()
        assert found is not None
        assert (found.native_id, found.server, found.state) == (
            "id-coalition",
            SANDBOX,
            AccountState.CONNECTED,
        )
        assert (found.told, found.scopes) == ({"text": 4000}, ["write", "read"])
        assert (found.ends_at, found.asked_at) == (office.wire.ends_at, office.desk.clock())
        assert office.context.vault.get(whose("signing-en")) == {
            "access_token": "access-token-2",
            "refresh_token": "refresh-token-2",
            "client_id": "desk-of-ours",
        }
        assert office.desk.steps()[-2:] == ["begin_connecting", "connect_account"]
        assert office.desk.history()[-1].who == "noor"

    def test_sends_state_challenge_and_the_exact_redirect(self, office: Office) -> None:
        _, address = office.begin()

        asked = parse_qs(urlsplit(address).query)
        assert address.startswith(f"{SANDBOX}/authorize?")
        assert asked["redirect_uri"] == [REDIRECT]
        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["state"][0]) >= 43
        assert len(asked["code_challenge"][0]) == 43
        _, again = office.begin()
        other = parse_qs(urlsplit(again).query)
        assert asked["state"] != other["state"]
        assert asked["code_challenge"] != other["code_challenge"]

    def test_keeps_nothing_in_the_clear_while_it_lasts_and_nothing_after(
        self, office: Office
    ) -> None:
        number, address = office.begin()
        state = parse_qs(urlsplit(address).query)["state"][0]
        office.back(office.wire.agree(address, "coalition"))

        row = office.row(number)
        assert row.ours
        assert row.theirs
        for box in (row.ours, row.theirs):
            assert b"code-that-counts-once" not in box
            assert state.encode() not in box
        assert row.state_digest is None
        office.work()
        row = office.row(number)
        assert (row.ours, row.theirs) == (None, None)

    def test_is_for_admins(self, office: Office) -> None:
        for name in ("amal", "rana", "dima"):
            other = office.actor(name, session=7)
            with pytest.raises(NotAllowed):
                office.begin(by=other)
            with pytest.raises(NotAllowed):
                connect.begin_with_keys(office.web, other, entry(), {})
            with pytest.raises(NotAllowed):
                connect_app.keep_app(office.web, other, "signing", SANDBOX, CLIENT)
            with pytest.raises(NotAllowed):
                connect.look_at(office.web, other, 1)

    def test_counts_once(self, office: Office) -> None:
        _, address = office.begin()
        back = office.wire.agree(address, "coalition")
        office.back(back)

        with pytest.raises(Conflict, match="used already"):
            office.back(back)

    def test_counts_in_its_own_session_only(self, office: Office) -> None:
        """Whoever is talked into opening another admin's address connects nothing."""
        number, address = office.begin()
        back = office.wire.agree(address, "mallorys_own")

        for other in (office.actor("noor", session=8), office.actor("rana", session=7)):
            with pytest.raises(NotAllowed):
                office.back(back, by=other)
        assert office.view(number).state == "begun"

    def test_counts_for_the_network_it_was_sent_to_only(self, office: Office) -> None:
        _, address = office.begin()

        with pytest.raises(Conflict, match="not known"):
            office.back(office.wire.agree(address, "coalition"), platform="wire")

    def test_that_nobody_began_is_not_known(self, office: Office) -> None:
        with pytest.raises(Conflict, match="not known"):
            office.back(f"{REDIRECT}?state=guessed&code=mallorys")
        with pytest.raises(Conflict, match="not known"):
            office.back(f"{REDIRECT}?code=mallorys")

    def test_lasts_ten_minutes(self, office: Office) -> None:
        number, address = office.begin()
        office.desk.clock.forward(minutes=10)

        office.back(office.wire.agree(address, "coalition"))

        view = office.view(number)
        assert (view.state, view.outcome) == ("failed", "The sign-in took longer than ten minutes.")
        assert office.work() == 0

    def test_that_the_person_did_not_agree_to_is_told(self, office: Office) -> None:
        number, address = office.begin()
        state = parse_qs(urlsplit(address).query)["state"][0]

        office.back(f"{REDIRECT}?state={state}&error=access_denied")

        assert office.view(number).outcome == "Signing did not agree: access_denied."

    def test_repeats_no_words_of_a_stranger(self, office: Office) -> None:
        number, address = office.begin()
        state = parse_qs(urlsplit(address).query)["state"][0]

        office.back(f"{REDIRECT}?state={state}&error=Call+0800+for+help")

        assert office.view(number).outcome == "Signing did not agree: no code."

    def test_of_an_account_that_is_begun_anew_ends_the_one_before(self, office: Office) -> None:
        number, address = office.begin()
        office.begin()

        with pytest.raises(Conflict):
            office.back(office.wire.agree(address, "coalition"))
        assert office.view(number).outcome == "It was begun anew."

    def test_from_the_command_line_belongs_to_the_person(self, office: Office) -> None:
        number, address = connect.begin_sign_in(
            office.context, office.noor, entry(), REDIRECT, here=False
        )
        back = office.wire.agree(address, "coalition")

        with pytest.raises(NotAllowed):
            office.back(back, by=office.actor("rana", session=7))
        assert office.back(back, by=office.actor("noor", session=8)) == number


class TestTheWorkersHalf:
    def test_keys_of_another_account_are_not_kept(self, office: Office) -> None:
        number = office.signed_in("somebody_else")

        office.work()

        view = office.view(number)
        assert view.state == "failed"
        assert "keys belong to somebody_else" in view.outcome
        assert office.account() is None
        with pytest.raises(NotFound):
            office.context.vault.get(whose("signing-en"))
        assert office.desk.steps()[-1] == "fail_connecting"

    def test_a_failure_leaves_the_old_keys_working(self, office: Office) -> None:
        office.signed_in()
        office.work()
        before = office.context.vault.get(whose("signing-en"))

        office.signed_in("somebody_else")
        office.work()

        assert office.context.vault.get(whose("signing-en")) == before
        found = office.account()
        assert found is not None
        assert found.state is AccountState.CONNECTED

    @pytest.mark.parametrize("where", ["exchange", "identify"])
    def test_trouble_at_the_network_is_told(self, office: Office, where: str) -> None:
        office.wire.troubles = {where: [NotSent("Signing did not answer.")]}
        number = office.signed_in()

        office.work()

        assert office.view(number).outcome == "Signing did not answer."
        assert office.account() is None

    def test_what_a_module_did_not_foresee_is_told_without_its_words(self, office: Office) -> None:
        office.wire.troubles = {"exchange": [ValueError("secret-of-the-app in a traceback")]}
        number = office.signed_in()

        office.work()

        assert office.view(number).outcome == "Something unforeseen happened at the network."

    @pytest.mark.parametrize("said", ["amal\ud800", "amal\0", "amal\x1b[2J", "amal\nall is well"])
    def test_a_hostile_name_is_told_plainly(self, office: Office, said: str) -> None:
        number = office.signed_in(said)

        assert office.work() == 1

        view = office.view(number)
        assert view.state == "failed"
        assert view.outcome.encode().isascii()
        assert view.outcome.isprintable()
        assert "keys belong to amal\\" in view.outcome

    def test_what_nobody_foresaw_ends_one_attempt_and_not_the_worker(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def keep(*_: object) -> None:
            raise UnicodeEncodeError("utf-8", "secret\ud800", 6, 7, "surrogates not allowed")

        monkeypatch.setattr(connect_ask, "keep", keep)
        number = office.signed_in()

        assert office.work() == 1

        assert office.view(number).outcome == "Something unforeseen happened: UnicodeEncodeError."
        assert office.account() is None

    def test_a_code_is_exchanged_once(self, office: Office) -> None:
        number = office.signed_in()
        with office.context.database.work() as tx:
            assert store.waiting(tx) == [number]

        assert connect_ask.ask_one(office.context, number, WORKER)
        assert not connect_ask.ask_one(office.context, number, Asker("another"))
        assert office.wire.calls.count("exchange") == 1

    def test_a_code_for_another_redirect_or_verifier_is_refused(self, office: Office) -> None:
        number, address = office.begin()
        stolen = office.wire.agree(address.replace("callback", "elsewhere"), "coalition")
        office.back(stolen.replace("elsewhere", "callback"))

        office.work()

        assert office.view(number).outcome == "The code was given for something else."

    def test_a_worker_that_stopped_while_it_asked_leaves_it_failed(self, office: Office) -> None:
        number = office.signed_in()
        with office.context.database.work() as tx:
            row = store.numbered(tx, number)
            assert row is not None
            store.move(tx, number, row.state, ConnectingState.ASKING, ends_at=office.desk.clock())

        office.work()

        assert office.view(number).outcome == "The worker stopped while it asked the network."

    def test_what_no_worker_took_up_says_so(self, office: Office) -> None:
        number = office.signed_in()
        office.desk.clock.forward(minutes=10)

        assert connect_ask.ask_waiting(office.context, WORKER) == 0
        assert office.view(number).outcome == "No worker asked the network."

    def test_who_is_no_admin_any_more_connects_nothing(self, office: Office) -> None:
        number = office.signed_in()
        people.add_person(
            office.context,
            office.noor,
            "lina",
            roles=["admin"],
            languages=[],
            password="correct horse battery",
        )
        people.change_person(office.context, office.actor("lina", session=9), "noor", active=False)

        office.work()

        lina = office.actor("lina", session=9)
        view = connect.look_at(office.web, lina, number)
        assert view.outcome == "noor is no admin any more."
        assert office.account() is None

    @pytest.mark.parametrize("pasted", [False, True])
    @pytest.mark.parametrize("what", ["server", "platform", "name"])
    def test_what_was_given_for_one_server_is_sent_to_no_other(
        self, office: Office, what: str, pasted: bool
    ) -> None:
        live = dataclasses.replace(office.web, kind="live")
        home = entry(server="https://social.example")
        connect_app.keep_app(live, office.noor, "signing", "https://social.example", CLIENT)
        connect_app.keep_app(live, office.noor, "signing", "https://evil.example", CLIENT)
        if pasted:
            pair = office.wire._pair("coalition")
            number = connect.begin_with_keys(live, office.noor, home, pair)
        else:
            number, address = connect.begin_sign_in(live, office.noor, home, REDIRECT, here=True)
            office.back(office.wire.agree(address, "coalition"))
        with office.context.database.write() as tx:
            row = store.numbered(tx, number)
            assert row is not None
            if what == "server":
                row.server = "https://evil.example"
            else:
                row.entry = {**row.entry, what: "wire" if what == "platform" else "other-en"}
                row.server = "https://wire.example" if what == "platform" else row.server

        worker = dataclasses.replace(office.context, kind="live")
        connect_ask.ask_waiting(worker, WORKER)

        assert office.wire.calls == office.desk.wire.calls == []
        assert office.view(number).state == "failed"
        assert "sealed for another place" in office.view(number).outcome

    def test_an_attempt_that_somebody_spoilt_ends_and_the_worker_goes_on(
        self, office: Office
    ) -> None:
        number, other = office.signed_in(), entry("signing-ar")
        with office.context.database.write() as tx:
            row = store.numbered(tx, number)
            assert row is not None
            row.entry = {"name": 3}
        after = office.signed_in(one=other)

        office.work()

        assert office.view(number).outcome == "What is kept of this attempt was changed."
        assert office.view(after).state == "connected"

    def test_a_change_of_keys_meanwhile_is_no_trouble(self, office: Office) -> None:
        number = office.signed_in()
        keys_rotate.rotate(office.context, office.noor)

        office.work()

        assert office.view(number).state == "connected"


class TestWhatANetworkChangesWhileItIsAsked:
    def test_is_kept_with_the_keys(self, office: Office) -> None:
        """A session made for the question serves from then on."""
        identify = office.wire.identify

        def asked(connection: Connection) -> Identity:
            assert connection.renewed is not None
            connection.renewed({"session": "made-just-now", "access_token": ""})
            return identify(connection)

        office.wire.identify = asked  # type: ignore[method-assign]
        office.signed_in()
        office.work()

        keys = office.context.vault.get(whose("signing-en"))
        assert keys["session"] == "made-just-now"
        assert keys["access_token"]

    def test_an_empty_key_of_an_exchange_is_no_key(self, office: Office) -> None:
        """An app without a secret is no trouble."""
        sign_in = office.wire.sign_in
        assert sign_in is not None
        office.wire.sign_in = dataclasses.replace(
            sign_in, exchange=lambda *of: {**sign_in.exchange(*of), "client_secret": ""}
        )
        office.signed_in()
        office.work()

        assert "client_secret" not in office.context.vault.get(whose("signing-en"))


class TestPastedKeys:
    def keys(self, office: Office, handle: str = "coalition") -> Mapping[str, str]:
        office.wire.tokens["pasted-access"] = handle
        return {"access_token": " pasted-access\n", "refresh_token": "pasted-refresh"}

    def test_are_sealed_at_once_and_asked_about_by_a_worker(self, office: Office) -> None:
        given = self.keys(office)
        number = connect.begin_with_keys(office.web, office.noor, entry(), given)
        row = office.row(number)
        assert row.ours is not None
        assert b"pasted" not in row.ours

        office.work()

        assert office.view(number).state == "connected"
        assert office.context.vault.get(whose("signing-en"))["access_token"] == "pasted-access"

    def test_that_are_missing_are_named(self, office: Office) -> None:
        with pytest.raises(InvalidInput, match="needs the key refresh_token"):
            connect.begin_with_keys(office.web, office.noor, entry(), {"access_token": "x"})

    def test_connecting_again_ends_a_suspension(self, office: Office) -> None:
        given = self.keys(office)
        for _ in range(2):
            connect.begin_with_keys(office.web, office.noor, entry(), given)
            office.work()
            with office.context.database.work() as tx:
                found = account_store.account_named(tx, "signing-en")
                assert found is not None
                assert found.state is AccountState.CONNECTED
                found.state = AccountState.SUSPENDED


class TestOurApp:
    def test_its_secret_is_sealed_and_the_rest_is_not(self, office: Office) -> None:
        (app,) = connect_app.list_apps(office.web, office.noor)

        assert app.public == {"client_id": "desk-of-ours"}
        with office.context.database.read() as tx:
            whole = connect_app.whole_app(tx, office.context, "signing", SANDBOX, office.wire)
        assert whole == CLIENT

    def test_an_empty_secret_leaves_the_stored_one(self, office: Office) -> None:
        office.keep_app(client_secret="")

        office.signed_in()
        office.work()
        assert office.account() is not None

    def test_another_app_needs_its_own_secret(self, office: Office) -> None:
        with pytest.raises(InvalidInput, match="needs its client_secret"):
            office.keep_app(client_id="another", client_secret="")

    def test_is_needed_first(self, desk: Desk) -> None:
        with pytest.raises(InvalidInput, match="accounts app signing --server"):
            Office(desk).begin()

    def test_is_made_by_a_server_that_does_that(self, desk: Desk) -> None:
        office = Office(desk)
        connect_app.register_app(office.context, office.noor, "signing", SANDBOX, REDIRECT)

        assert office.wire.calls == [f"register {REDIRECT}"]
        assert office.begin()

    def test_is_made_at_the_sandbox_in_a_rehearsal(self, office: Office, tmp_path: Path) -> None:
        with start_sandbox(tmp_path) as sandbox:
            context = dataclasses.replace(
                office.context, sandbox_url=sandbox.url, platforms=discover()
            )
            connect_app.register_app(context, office.noor, "x", sandbox.url, REDIRECT)
            one = AccountEntry.model_validate(
                {"name": "x-en", "platform": "x", "handle": "one", "language": "en"}
            )
            _, address = connect.begin_sign_in(context, office.noor, one, REDIRECT, here=True)

            assert httpx2.get(address).status_code == 200
            live = dataclasses.replace(context, kind="live")
            with pytest.raises(InvalidInput, match="on its own pages"):
                connect_app.register_app(live, office.noor, "x", "https://api.x.com", REDIRECT)

    def test_that_a_server_made_is_not_used_from_another_address(self, desk: Desk) -> None:
        office = Office(desk)
        before = REDIRECT.replace("8600", "8601")
        connect_app.register_app(office.context, office.noor, "signing", SANDBOX, before)
        office.keep_app(client_secret="")  # nothing of it changed

        with pytest.raises(Conflict, match=r"sends people back to .*8601.*accounts app signing"):
            office.begin()

        connect_app.register_app(office.context, office.noor, "signing", SANDBOX, REDIRECT)
        assert office.begin()
        with office.context.database.read() as tx:
            assert connect_app.whole_app(tx, office.context, "signing", SANDBOX, office.wire)
        assert "redirect_url" not in str(office.wire.calls)

    def test_a_network_without_sign_in_needs_none(self, office: Office) -> None:
        with pytest.raises(InvalidInput, match="needs no app"):
            connect_app.keep_app(office.web, office.noor, "wire", SANDBOX, CLIENT)
        other = AccountEntry.model_validate(
            {"name": "wire-fr", "platform": "wire", "handle": "x", "language": "fr"}
        )
        with pytest.raises(InvalidInput, match=r"no way.*Give its keys: token"):
            office.begin(other)

    def test_people_are_sent_where_this_workspace_may_send_only(self, office: Office) -> None:
        sign_in = office.wire.sign_in
        assert sign_in is not None
        office.wire.sign_in = dataclasses.replace(
            sign_in, address=lambda _: "https://evil.example/authorize"
        )
        with pytest.raises(NotAllowed, match="does not send to https://evil"):
            office.begin()

    @pytest.mark.parametrize("address", ["https://x.example/a\nSet-Cookie: b", "https://é.example"])
    def test_an_odd_address_leads_nowhere(self, office: Office, address: str) -> None:
        sign_in = office.wire.sign_in
        assert sign_in is not None
        office.wire.sign_in = dataclasses.replace(sign_in, address=lambda _: address)
        with pytest.raises(NotAllowed):
            office.begin()


def test_a_live_workspace_makes_nothing_at_a_sandbox(office: Office) -> None:
    live = dataclasses.replace(office.web, kind="live")

    with pytest.raises(NotAllowed, match="has no sandbox"):
        connect.begin_at_sandbox(live, office.noor, entry())


def test_an_account_at_a_server_of_its_own_is_connected_there(office: Office) -> None:
    live = dataclasses.replace(office.web, kind="live")
    one = entry(server="https://social.example")
    connect_app.keep_app(live, office.noor, "signing", "https://social.example", CLIENT)

    _, address = connect.begin_sign_in(live, office.noor, one, REDIRECT, here=True)

    assert address.startswith("https://social.example/authorize?")
    assert accounts.server_for(live, one) == "https://social.example"


def test_attempts_that_ended_are_forgotten_after_a_week(office: Office) -> None:
    number = office.signed_in()
    office.work()
    office.desk.clock.forward(hours=24 * 8)
    office.begin()
    office.desk.clock.forward(minutes=11)
    office.work()

    with pytest.raises(NotFound):
        office.view(number)

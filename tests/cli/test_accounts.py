"""Accounts and keys on the command line: connecting them, asking about them, changing the seal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from social_scheduler import platforms
from social_scheduler.app import make_workspace, open_workspace, utc_now
from social_scheduler.cli import app
from social_scheduler.cli import connect as cli
from social_scheduler.errors import SchedulerError
from social_scheduler.services import people
from social_scheduler.services.people import Passwords
from social_scheduler.store import accounts as account_store
from tests.services.signing import CLIENT, SigningWire

RUNNER = CliRunner()
PASSWORD = "a loom, a canal, a bridge"
ACCOUNTS = """
accounts:
  - {name: signing-en, platform: signing, handle: coalition, language: en}
"""
Run = Callable[..., Result]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> SigningWire:
    """The one network of these tests."""
    wire = SigningWire(utc_now)
    monkeypatch.setattr(platforms, "discover", lambda: {"signing": wire})
    return wire


@pytest.fixture
def root(tmp_path: Path, wire: SigningWire, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A live workspace of which noor is the admin; she is signed in."""
    root = tmp_path / "workspace"
    make_workspace(root, kind="live")
    (root / "campaigns" / "accounts.yaml").write_text(ACCOUNTS)
    with open_workspace(root, passwords=Passwords(cheap=True)) as found:
        people.add_person(
            found.context, None, "noor", roles=["admin"], languages=[], password=PASSWORD
        )
        token = people.sign_in(found.context, "noor", PASSWORD, kind="login", label="tests")
    monkeypatch.setenv("SOCIAL_SCHEDULER_TOKEN", token)
    return root


@pytest.fixture
def run(root: Path) -> Run:
    """Run a command there; `code` is what it should exit with."""

    def run(*words: str, code: int = 0) -> Result:
        done = RUNNER.invoke(app, [*words, "--workspace", str(root)])
        found = done.exception.exit_code if isinstance(done.exception, SchedulerError) else None
        assert (done.exit_code if found is None else found) == code, (done.output, done.exception)
        return done

    return run


@pytest.fixture
def has_app(run: Run, tmp_path: Path) -> None:
    """The network knows our app."""
    file = tmp_path / "app.json"
    file.write_text(json.dumps(CLIENT))
    run("accounts", "app", "signing", "--keys-file", str(file))


@pytest.fixture
def browser(wire: SigningWire, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person at a terminal: opens the address, agrees, pastes where it led to."""
    shown: list[str] = []
    monkeypatch.setattr(cli, "note", shown.append)
    monkeypatch.setattr(cli, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))

    def paste(*_: object, **__: object) -> str:
        return wire.agree(shown[-1].strip(), "coalition")

    monkeypatch.setattr(cli, "secret", paste)
    return shown


def account(root: Path) -> Any:
    with open_workspace(root) as found, found.context.database.read() as tx:
        return account_store.account_named(tx, "signing-en")


@pytest.mark.usefixtures("has_app")
class TestConnect:
    def test_sends_a_person_to_the_network_and_takes_what_it_gives_back(
        self, run: Run, root: Path, browser: list[str]
    ) -> None:
        run("accounts", "connect", "signing-en")

        assert browser[-1].startswith("  https://wire.example/authorize?")
        assert "127.0.0.1%3A8600%2Faccounts%2Fcallback%2Fsigning" in browser[-1]
        assert account(root).native_id == "id-coalition"

    def test_where_nobody_can_be_asked_shows_the_address_and_leaves_the_rest_to_the_desk(
        self, run: Run, root: Path
    ) -> None:
        (begun,) = json.loads(run("accounts", "connect", "signing-en", "--json").stdout)

        assert begun["state"] == "begun"
        assert account(root) is None

    @pytest.mark.usefixtures("browser")
    def test_without_the_workers_key_leaves_the_network_to_a_worker(
        self, run: Run, root: Path
    ) -> None:
        (root / "keys" / "worker.key").unlink()

        (begun,) = json.loads(run("accounts", "connect", "signing-en", "--json").stdout)

        assert begun["state"] == "waiting"
        assert account(root) is None

    def test_takes_pasted_keys_where_they_are_wanted(
        self, run: Run, root: Path, wire: SigningWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wire.tokens["pasted"] = "coalition"
        monkeypatch.setenv("SOCIAL_SCHEDULER_ACCESS_TOKEN", "pasted")
        monkeypatch.setenv("SOCIAL_SCHEDULER_REFRESH_TOKEN", "pasted-too")

        run("accounts", "connect", "signing-en")

        assert account(root).native_id == "id-coalition"
        assert "exchange" not in wire.calls

    def test_says_where_pasted_keys_are_sent(
        self, run: Run, wire: SigningWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wire.tokens["pasted"] = "coalition"
        asked: list[str] = []

        def pasted(prompt: str, *_: object, **__: object) -> str:
            asked.append(prompt)
            return "pasted"

        monkeypatch.setattr(cli, "secret", pasted)

        run("accounts", "connect", "signing-en", "--with-keys")

        assert asked[0] == "signing-en at wire.example: access_token"

    @pytest.mark.usefixtures("browser")
    def test_a_failure_ends_with_1(self, run: Run, wire: SigningWire) -> None:
        wire.tokens.clear()
        wire.handle = "somebody"
        wire.troubles = {"exchange": [RuntimeError("a secret in a traceback")]}

        done = run("accounts", "connect", "signing-en", code=1)

        assert "a secret" not in done.output

    def test_its_old_name_is_known(self, run: Run) -> None:
        assert "Connect accounts" in run("accounts", "add", "--help").output


def test_an_app_is_listed_without_its_secret(run: Run, has_app: None) -> None:
    shown = run("accounts", "app", "--json").stdout

    assert json.loads(shown) == [
        {
            "platform": "signing",
            "server": "https://wire.example",
            "public": {"client_id": CLIENT["client_id"]},
        }
    ]


def test_an_app_is_made_by_a_server_that_does_that(run: Run, wire: SigningWire) -> None:
    run("accounts", "app", "signing", "--server", "https://social.example", "--register")

    assert wire.calls == ["register http://127.0.0.1:8600/accounts/callback/signing"]


def test_an_app_that_was_given_was_not_asked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "app.json"
    file.write_text(json.dumps(CLIENT))
    told = run("accounts", "app", "signing", "--keys-file", str(file)).stderr

    assert "is kept. It was not asked" in told
    assert "knows our app" not in told


def test_a_file_of_keys_that_is_not_there_is_told_so(run: Run) -> None:
    done = run("accounts", "connect", "signing-en", "--keys-file", "/nope.json", code=1)

    assert "There is no file /nope.json" in str(done.exception)


@pytest.fixture
def connected(run: Run, has_app: None, browser: list[str]) -> None:
    """signing-en is connected."""
    run("accounts", "connect", "signing-en")


@pytest.mark.usefixtures("connected")
class TestCheck:
    def test_tells_what_the_network_tells(self, run: Run) -> None:
        (told,) = json.loads(run("accounts", "check", "--json").stdout)

        assert (told["handle"], told["scopes"], told["told"]) == (
            "coalition",
            ["write", "read"],
            {"text": 4000},
        )
        assert told["problems"] == []

    def test_ends_with_3_when_something_needs_a_person(self, run: Run, wire: SigningWire) -> None:
        wire.ends_at = utc_now() + timedelta(days=5)

        run("accounts", "check", "signing-en", code=3)

        listed = json.loads(run("accounts", "list", "--json").stdout)
        assert listed[0]["keys_end"]
        assert listed[0]["server"] == "https://wire.example"


@pytest.mark.usefixtures("connected")
class TestDisconnect:
    def test_forgets_the_keys_and_keeps_the_account(self, run: Run, root: Path) -> None:
        done = run("accounts", "disconnect", "signing-en", "--yes")

        assert "its keys are gone" in done.stderr
        assert account(root).state.value == "suspended"
        assert account(root).trouble == "disconnected by noor"
        assert json.loads(run("keys", "show", "--json").stdout)["sealed"] == 1  # our app's
        assert "There are no keys for signing-en" in run("accounts", "check", code=3).stderr

    def test_connecting_it_again_ends_that(self, run: Run, root: Path) -> None:
        run("accounts", "disconnect", "signing-en", "--yes")
        run("accounts", "connect", "signing-en")

        assert account(root).state.value == "connected"
        run("accounts", "check")

    def test_is_asked_about_first(self, run: Run, root: Path) -> None:
        with_nobody = run("accounts", "disconnect", "signing-en", code=1)

        assert "Nobody can be asked" in str(with_nobody.exception)
        assert account(root).state.value == "connected"

    def test_an_account_that_is_no_longer_listed_is_told_so_and_not_asked_about(
        self, run: Run, root: Path, wire: SigningWire
    ) -> None:
        listed = ACCOUNTS.replace("name: signing-en", "name: another").replace("coalition", "b")
        (root / "campaigns" / "accounts.yaml").write_text(listed)
        wire.tokens.clear()  # whatever is wrong with its keys

        done = run("accounts", "check")

        assert "no longer in accounts.yaml" in done.stderr
        assert "accounts disconnect signing-en" in done.stderr
        assert json.loads(run("accounts", "list", "--json").stdout)[0]["listed"] is False
        run("accounts", "disconnect", "signing-en", "--yes")
        assert "signing-en" not in run("accounts", "check").stderr


@pytest.mark.usefixtures("connected")
class TestKeys:
    def test_show_tells_no_key(self, run: Run, root: Path) -> None:
        shown = run("keys", "show", "--json").stdout

        told = json.loads(shown)
        assert (told["sealed"], told["here"]) == (2, True)
        for name in ("worker.key", "worker.pub"):
            assert (root / "keys" / name).read_text().strip() not in shown

    def test_rotate_seals_everything_anew(self, run: Run) -> None:
        before = json.loads(run("keys", "show", "--json").stdout)
        after = json.loads(run("keys", "rotate", "--json").stdout)

        assert after["fingerprint"] != before["fingerprint"]
        assert after["sealed"] == before["sealed"]
        run("accounts", "check")

    def test_a_lost_key_is_replaced(self, run: Run, root: Path) -> None:
        (root / "keys" / "worker.key").unlink()

        assert json.loads(run("keys", "rotate", "--lost", "--yes", "--json").stdout)["sealed"] == 0
        assert account(root).state.value == "suspended"
        assert json.loads(run("accounts", "app", "--json").stdout) == []
        run("accounts", "app", "signing", "--register")
        run("accounts", "connect", "signing-en")
        assert account(root).state.value == "connected"

    def test_a_worker_on_another_machine_is_told_that_it_needs_the_key(
        self, run: Run, root: Path
    ) -> None:
        (root / "keys" / "worker.key").unlink()

        done = run("worker", "enrol", "second")

        assert "It needs the workers' key: copy" in done.stderr

"""A change of the workers' keys: everything is sealed anew, and no crash loses anything."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from social_scheduler.app import open_workspace, upgrade_workspace
from social_scheduler.config import Settings
from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound, WorkspaceError
from social_scheduler.services import connect_app, keys_rotate
from social_scheduler.services.keys import Vault
from social_scheduler.store import connecting
from social_scheduler.store import secrets as store
from social_scheduler.store.tables import AccountState, SealingKey
from social_scheduler.vault import KeyFolder
from tests.services.desk import SANDBOX, Desk, open_desk, whose
from tests.services.signing import CLIENT
from tests.services.test_connect import Office


def keys_of(desk: Desk) -> dict[str, str]:
    return {a: desk.context.vault.get(whose(a))["token"] for a in ("wire-en", "wire-ar")}


def boxes(desk: Desk) -> dict[str, bytes]:
    with desk.context.database.read() as tx:
        return {row.place: row.sealed for row in store.every(tx)}


def again(desk: Desk) -> KeyFolder:
    """The folder as another process finds it."""
    return KeyFolder(desk.context.root / "keys")


def test_everything_is_sealed_anew(desk: Desk) -> None:
    office = Office(desk)
    office.keep_app()
    before, old, key = keys_of(desk), boxes(desk), again(desk).public()

    view = keys_rotate.rotate(desk.context, desk.actor("noor"))

    assert again(desk).public() != key
    assert view.sealed == len(old) == 3
    assert all(sealed != old[place] for place, sealed in boxes(desk).items())
    assert keys_of(desk) == before
    with desk.context.database.read() as tx:
        app = connect_app.whole_app(tx, office.context, "signing", SANDBOX, office.wire)
    assert app == CLIENT
    assert desk.steps()[-1] == "rotate_keys"


def test_what_was_sealed_before_is_closed_to_the_new_key(desk: Desk) -> None:
    old = boxes(desk)["account/wire-en"]
    keys_rotate.rotate(desk.context, desk.actor("noor"))

    with pytest.raises(WorkspaceError, match="another key"):
        desk.context.vault.open(old, "account/wire-en", 1)


def test_a_worker_goes_on_meanwhile(desk: Desk) -> None:
    desk.ready(desk.post("one"), desk.post("two", minutes=61))
    desk.tick()
    keys_rotate.rotate(desk.context, desk.actor("noor"))
    desk.clock.forward(minutes=1)
    desk.tick()

    assert len(desk.wire.texts) == 2


def test_only_an_admin_changes_or_sees_them(desk: Desk) -> None:
    for act in (keys_rotate.rotate, keys_rotate.start_over, keys_rotate.show):
        with pytest.raises(NotAllowed):
            act(desk.context, desk.actor("rana"))


class Killed(BaseException):
    """The process ends here."""


def killed(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(lambda m: m.setattr(KeyFolder, "_believe", killed), id="new key written"),
        pytest.param(lambda m: m.setattr(keys_rotate, "_seal_anew", killed), id="before sealing"),
        pytest.param(lambda m: m.setattr(keys_rotate, "remember", killed), id="before the commit"),
        pytest.param(lambda m: m.setattr(KeyFolder, "settle", settled_once()), id="after it"),
        pytest.param(lambda m: m.setattr(Path, "replace", replaced_not()), id="before the rename"),
    ],
)
def test_a_crash_leaves_a_pair_that_opens_everything(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: Callable[[pytest.MonkeyPatch], None]
) -> None:
    before = keys_of(desk)
    with monkeypatch.context() as broken:
        moment(broken)
        with pytest.raises(Killed):
            keys_rotate.rotate(desk.context, desk.actor("noor"))

    fresh = desk.context.vault.shut()
    fresh._is_shut = False  # another process, which remembers nothing
    assert {a: fresh.get(whose(a))["token"] for a in before} == before
    fresh.put(whose("wire-en"), {"token": "id-wire-en"})
    fresh.require()
    keys_rotate.rotate(desk.context, desk.actor("noor"))
    assert keys_of(desk) == before
    assert sorted(p.name for p in again(desk).path.parent.iterdir()) == ["worker.key", "worker.pub"]


def settled_once() -> Callable[[KeyFolder, bytes], None]:
    """The first call is the check before; the second, after the commit, does not come to pass."""
    calls: list[bytes] = []
    whole = KeyFolder.settle

    def settle(self: KeyFolder, public: bytes) -> None:
        calls.append(public)
        if len(calls) > 1:
            raise Killed
        whole(self, public)

    return settle


def replaced_not() -> Callable[[Path, Path], Path]:
    whole = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.name == "worker.key.next":
            raise Killed
        return whole(self, target)

    return replace


class TestAKeyThatIsLost:
    def test_is_replaced_and_every_account_is_to_be_connected_again(self, desk: Desk) -> None:
        again(desk).path.unlink()
        with pytest.raises(WorkspaceError, match="--lost"):
            keys_rotate.rotate(desk.context, desk.actor("noor"))

        assert keys_rotate.start_over(desk.context, desk.actor("noor")) == 2

        with pytest.raises(NotFound, match="no keys for wire-en"):
            desk.context.vault.get(whose("wire-en"))
        desk.queue(desk.post())
        assert desk.looked().account.state is AccountState.SUSPENDED
        desk.context.vault.put(whose("wire-en"), {"token": "new"})
        assert desk.context.vault.get(whose("wire-en")) == {"token": "new"}

    def test_what_a_worker_remembers_is_not_taken_for_the_newest(self, desk: Desk) -> None:
        version = desk.looked_account("wire-en").keys_version
        desk.context.vault.get(whose("wire-en"), version)
        again(desk).path.unlink()
        keys_rotate.start_over(desk.context, desk.actor("noor"))
        desk.context.vault.put(whose("wire-en"), {"token": "new"})

        newest = desk.looked_account("wire-en").keys_version
        assert desk.context.vault.get(whose("wire-en"), newest) == {"token": "new"}

    def test_is_not_lost_while_it_is_here(self, desk: Desk) -> None:
        with pytest.raises(InvalidInput, match="nothing is lost"):
            keys_rotate.start_over(desk.context, desk.actor("noor"))


def test_the_view_tells_no_key(desk: Desk) -> None:
    view = keys_rotate.show(desk.context, desk.actor("noor"))

    assert (view.sealed, view.here) == (2, True)
    again(desk).path.unlink()
    assert not keys_rotate.show(desk.context, desk.actor("noor")).here


class TestAnOlderWorkspace:
    """Keys lay in files of the vault folder."""

    def test_its_keys_are_sealed_and_the_files_are_gone(self, tmp_path: Path) -> None:
        with open_desk(tmp_path) as desk, desk.context.database.write() as tx:
            store.forget_all(tx, "as before there was any of this")
            tx.query(SealingKey).delete()
        for path in (tmp_path / "keys").iterdir():
            path.unlink()
        vault = tmp_path / "vault"
        vault.mkdir(exist_ok=True)
        for name in ("wire-en", "wire-ar"):
            (vault / f"{name}.json").write_text(json.dumps({"token": f"old-{name}"}))
        (vault / "watch-mail-password").write_text("stays")

        assert sorted(upgrade_workspace(tmp_path)) == ["wire-ar", "wire-en"]

        assert [p.name for p in vault.iterdir()] == ["watch-mail-password"]
        with open_workspace(tmp_path, settings=Settings(sandbox_url=SANDBOX)) as found:
            assert found.context.vault.get(whose("wire-en")) == {"token": "old-wire-en"}
        assert upgrade_workspace(tmp_path) == []

    def test_what_is_sealed_already_is_newer_than_its_file(self, tmp_path: Path) -> None:
        with open_desk(tmp_path):
            pass
        (tmp_path / "vault").mkdir(exist_ok=True)
        (tmp_path / "vault" / "wire-en.json").write_text('{"token": "older"}')

        upgrade_workspace(tmp_path)

        with open_workspace(tmp_path, settings=Settings(sandbox_url=SANDBOX)) as found:
            assert found.context.vault.get(whose("wire-en")) == {"token": "id-wire-en"}

    def test_a_file_that_cannot_be_read_stays_and_is_named(self, tmp_path: Path) -> None:
        with open_desk(tmp_path) as desk:
            desk.lose_keys("wire-en")
        (tmp_path / "vault").mkdir(exist_ok=True)
        spoilt = tmp_path / "vault" / "wire-en.json"
        spoilt.write_text("not json")

        with pytest.raises(WorkspaceError, match=r"wire-en\.json cannot be read"):
            upgrade_workspace(tmp_path)
        assert spoilt.exists()


class TestWhileItIsChanged:
    def other(self, desk: Desk) -> Vault:
        """Another process of this machine."""
        return Vault(desk.context.database, again(desk), desk.context.uid, desk.clock)

    def test_another_process_waits_and_drops_nothing(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, whole = keys_of(desk), keys_rotate._seal_anew
        starts = threading.Thread(target=self.other(desk).require)

        def meanwhile(*given: Any) -> tuple[int, list[str]]:
            starts.start()
            starts.join(0.3)
            assert starts.is_alive()
            return whole(*given)

        monkeypatch.setattr(keys_rotate, "_seal_anew", meanwhile)
        keys_rotate.rotate(desk.context, desk.actor("noor"))
        starts.join()

        other = self.other(desk)
        other.require()
        assert {a: other.get(whose(a))["token"] for a in before} == before

    def test_a_new_key_that_is_gone_stops_it_before_anything_is_kept(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, whole = keys_of(desk), keys_rotate._seal_anew

        def lost(*given: Any) -> tuple[int, list[str]]:
            again(desk).path.with_name("worker.key.next").unlink()
            return whole(*given)

        with monkeypatch.context() as broken:
            broken.setattr(keys_rotate, "_seal_anew", lost)
            with pytest.raises(Conflict, match="Somebody else has changed"):
                keys_rotate.rotate(desk.context, desk.actor("noor"))

        assert {a: self.other(desk).get(whose(a))["token"] for a in before} == before
        keys_rotate.rotate(desk.context, desk.actor("noor"))
        assert keys_of(desk) == before

    def test_a_look_changes_nothing(self, desk: Desk) -> None:
        folder = again(desk)
        folder.begin_next()
        before = sorted(p.name for p in folder.path.parent.iterdir())

        assert keys_rotate.show(desk.context, desk.actor("noor")).here
        assert sorted(p.name for p in folder.path.parent.iterdir()) == before


class TestWhatNobodyCanOpen:
    def test_is_dropped_and_named_and_the_rest_goes_on(self, desk: Desk) -> None:
        office = Office(desk)
        office.keep_app()
        number = office.signed_in()
        desk.spoil_keys("wire-en")
        with desk.context.database.write() as tx:
            store.reseal(tx, [(f"app/signing/{SANDBOX}", b"junk")])
            connecting.reseal(tx, [(number, b"junk", None)])

        view = keys_rotate.rotate(desk.context, desk.actor("noor"))

        junk = ("account/wire-en", f"app/signing/{SANDBOX}", "connecting/signing-en")
        assert (view.sealed, view.dropped) == (1, junk)
        assert desk.context.vault.get(whose("wire-ar")) == {"token": "id-wire-ar"}
        found = desk.looked_account("wire-en")
        assert (found.state, found.trouble) == (AccountState.SUSPENDED, keys_rotate.JUNK)
        with pytest.raises(NotFound):
            desk.context.vault.get(whose("wire-en"), found.keys_version)
        assert office.view(number).state == "failed"
        assert connect_app.list_apps(office.context, office.noor) == []
        assert {"suspend_account", "fail_connecting"} <= set(desk.steps())
        assert all(name in (desk.history()[-1].why or "") for name in junk)
        desk.context.vault.put(whose("wire-en"), {"token": "id-wire-en"})
        keys_rotate.rotate(desk.context, desk.actor("noor"))


def test_a_file_of_keys_of_no_account_stays(tmp_path: Path) -> None:
    with open_desk(tmp_path):
        pass
    (tmp_path / "vault").mkdir(exist_ok=True)
    stray = tmp_path / "vault" / "x-old.json"
    stray.write_text('{"token": "of nobody"}')

    assert upgrade_workspace(tmp_path) == []
    assert stray.exists()

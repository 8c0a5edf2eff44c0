"""Secrets in the database: sealed, bound to their place, each version opened once."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from social_scheduler.app import DATABASE_FILE
from social_scheduler.errors import NotFound, WorkspaceError
from social_scheduler.services.keys import Vault
from social_scheduler.store import secrets as store
from social_scheduler.vault import KeyFolder, Misplaced, NotOurs
from tests.services.desk import Desk, copied_database, open_desk, whose

TOKEN = "token-that-nobody-else-knows"


def version(desk: Desk, account: str = "wire-en") -> int:
    with desk.context.database.read() as tx:
        return store.version_of(tx, account)


def test_keys_come_back_as_they_were_kept(desk: Desk) -> None:
    desk.context.vault.put(whose("wire-en"), {"token": TOKEN, "secret": "twö"})

    assert desk.context.vault.get(whose("wire-en")) == {"token": TOKEN, "secret": "twö"}
    assert desk.context.vault.get(whose("wire-ar")) == {"token": "id-wire-ar"}


def test_new_keys_replace_old_ones_whole_and_workers_are_told(desk: Desk) -> None:
    before = version(desk)
    desk.context.vault.put(whose("wire-en"), {"token": "one", "secret": "two"})
    desk.context.vault.put(whose("wire-en"), {"token": "three"})

    assert desk.context.vault.get(whose("wire-en")) == {"token": "three"}
    assert version(desk) == before + 2


def test_an_empty_value_replaces_nothing(desk: Desk) -> None:
    before = version(desk)
    with pytest.raises(WorkspaceError, match="token is empty"):
        desk.context.vault.put(whose("wire-en"), {"token": "  "})

    assert desk.context.vault.get(whose("wire-en")) == {"token": "id-wire-en"}
    assert version(desk) == before


def test_keys_that_were_opened_are_not_looked_up_again(desk: Desk) -> None:
    opened = desk.context.vault.get(whose("wire-en"), version(desk))
    desk.spoil_keys("wire-en")

    assert desk.context.vault.get(whose("wire-en"), version(desk)) is opened
    with pytest.raises(WorkspaceError, match="cannot be read"):
        desk.context.vault.get(whose("wire-en"), version(desk) + 1)


def test_an_account_without_keys_says_how_to_give_them(desk: Desk) -> None:
    with pytest.raises(NotFound, match="accounts connect wire-fr"):
        desk.context.vault.get(whose("wire-fr"))


def test_the_web_puts_keys_in_and_takes_none_out(desk: Desk) -> None:
    shut = desk.context.vault.shut()
    shut.put(whose("wire-en"), {"token": "pasted"})

    assert not shut.can_open
    with pytest.raises(WorkspaceError, match="never opens"):
        shut.get(whose("wire-en"))
    assert desk.context.vault.get(whose("wire-en")) == {"token": "pasted"}


def test_sealing_needs_no_private_key(desk: Desk) -> None:
    key = desk.context.vault.folder.path
    key.rename(key.with_suffix(".away"))
    desk.context.vault.put(whose("wire-en"), {"token": "pasted"})

    with pytest.raises(WorkspaceError, match=r"worker\.key is missing"):
        desk.context.vault.get(whose("wire-en"))
    key.with_suffix(".away").rename(key)
    assert desk.context.vault.get(whose("wire-en")) == {"token": "pasted"}


class TestWithTheDatabaseFileAlone:
    """A thief has the database, the public key beside it, and this program."""

    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[Desk]:
        with open_desk(tmp_path / "workspace") as opened:
            yield opened

    @pytest.fixture
    def stolen(self, desk: Desk, tmp_path: Path) -> Path:
        desk.context.vault.put(whose("wire-en"), {"token": TOKEN})
        folder = tmp_path / "stolen"
        (folder / "keys").mkdir(parents=True)
        shutil.copy(desk.context.root / "keys" / "worker.pub", folder / "keys")
        return copied_database(desk, folder / DATABASE_FILE)

    def test_no_token_stands_in_it(self, stolen: Path) -> None:
        content = stolen.read_bytes()
        assert TOKEN.encode() not in content
        assert b"id-wire-en" in content  # the native id, which is public, does: one does look

    def test_the_program_opens_nothing(self, desk: Desk, stolen: Path) -> None:
        vault = Vault(
            desk.context.database, KeyFolder(stolen.parent / "keys"), desk.context.uid, desk.clock
        )
        with pytest.raises(WorkspaceError, match=r"worker\.key is missing"):
            vault.get(whose("wire-en"))

    def test_nothing_in_it_opens_a_box(self, stolen: Path) -> None:
        """Neither the public key taken for a private one, nor any other bytes of the file."""
        with sqlite3.connect(stolen) as database:
            boxes = [row[0] for row in database.execute("SELECT sealed FROM secret")]
            (public,) = database.execute("SELECT public_key FROM sealing_key").fetchone()
        database.close()
        content, tried = stolen.read_bytes(), 0
        at = content.find(public)
        while at >= 0:
            for start in range(max(0, at - 64), at + 64):
                guess = content[start : start + 32]
                assert bytes(PrivateKey(guess).public_key) != public
                tried += 1
            at = content.find(public, at + 1)
        for box in boxes:
            with pytest.raises(CryptoError):
                SealedBox(PrivateKey(public)).decrypt(box)
        assert tried
        assert len(boxes) == 2


class TestTampering:
    def move(self, desk: Desk, *, bump: int = 0) -> None:
        with desk.context.database.write() as tx:
            other = store.secret_at(tx, "account/wire-ar")
            assert other is not None
            store.reseal(tx, [("account/wire-en", other.sealed)])
            if bump:
                store.set_version(tx, "wire-en", bump)

    def test_one_accounts_box_opens_in_no_others_row(self, desk: Desk) -> None:
        self.move(desk)

        with pytest.raises(WorkspaceError, match="sealed for another place"):
            desk.context.vault.get(whose("wire-en"))

    def test_a_worker_sends_nothing_with_it(self, desk: Desk) -> None:
        desk.ready(desk.post())
        self.move(desk)

        desk.tick()

        assert desk.wire.calls == []
        assert "cannot be read" in desk.trouble()

    def test_an_older_box_does_not_come_back(self, desk: Desk) -> None:
        with desk.context.database.read() as tx:
            before = store.secret_at(tx, "account/wire-en")
        assert before is not None
        desk.context.vault.put(whose("wire-en"), {"token": "newer"})
        with desk.context.database.write() as tx:
            store.reseal(tx, [("account/wire-en", before.sealed)])

        with pytest.raises(WorkspaceError, match="sealed for another place"):
            desk.context.vault.get(whose("wire-en"))

    def test_nothing_is_sealed_to_a_key_that_somebody_put_into_the_database(
        self, desk: Desk
    ) -> None:
        thief = PrivateKey.generate()
        with desk.context.database.write() as tx:
            store.set_public_key(tx, bytes(thief.public_key), desk.clock())

        for vault in (desk.context.vault, desk.context.vault.shut()):
            with pytest.raises(WorkspaceError, match="another public key"):
                vault.put(whose("wire-en"), {"token": TOKEN})
        with pytest.raises(WorkspaceError, match="another public key"):
            desk.context.vault.require()

    @pytest.mark.parametrize(
        "changed", [{"server": "https://evil.example"}, {"platform": "telegram"}]
    )
    def test_keys_open_for_the_network_and_server_they_were_given_for_alone(
        self, desk: Desk, changed: dict[str, str]
    ) -> None:
        other = dataclasses.replace(whose("wire-en"), **changed)
        vault, number = desk.context.vault, version(desk)
        vault.get(whose("wire-en"), number)  # what is remembered is remembered for its server

        for opens in (
            lambda: vault.get(other, number),
            lambda: vault.can_renew(other, number),
            lambda: vault.renew(other, {"token": "x"}, number),
        ):
            with pytest.raises(Misplaced, match="sealed for another place"):
                opens()
        assert vault.get(whose("wire-en")) == {"token": "id-wire-en"}

    @pytest.mark.parametrize("how", ["gone", "no file"])
    def test_nothing_is_sealed_where_nobody_says_which_key_to_believe(
        self, desk: Desk, how: str
    ) -> None:
        pinned = desk.context.vault.folder.path.with_suffix(".pub")
        pinned.unlink()
        if how == "no file":
            pinned.mkdir()
        thief = PrivateKey.generate()
        with desk.context.database.write() as tx:
            store.set_public_key(tx, bytes(thief.public_key), desk.clock())

        for vault in (desk.context.vault, desk.context.vault.shut()):
            with pytest.raises(WorkspaceError, match=r"worker\.pub (is missing|cannot be read)"):
                vault.put(whose("wire-en"), {"token": TOKEN})
        with pytest.raises(WorkspaceError, match=r"another public key|cannot be read"):
            desk.context.vault.require()

    def test_a_thiefs_own_box_is_nobodys_keys(self, desk: Desk) -> None:
        """Anybody can seal to a public key; what is inside must say where it belongs."""
        public = desk.context.vault.folder.public()
        forged = SealedBox(PublicKey(public)).encrypt(b'{"token": "mallory"}')
        with desk.context.database.write() as tx:
            store.reseal(tx, [("account/wire-en", forged)])

        with pytest.raises(WorkspaceError, match="cannot be read"):
            desk.context.vault.get(whose("wire-en"))


class TestKeysThatANetworkChanged:
    def test_they_are_kept_beside_those_it_did_not(self, desk: Desk) -> None:
        desk.context.vault.put(whose("wire-en"), {"token": "one", "session": "old"})
        number = version(desk)

        assert desk.context.vault.renew(whose("wire-en"), {"session": "new"}, number) == number + 1
        assert desk.context.vault.get(whose("wire-en")) == {"token": "one", "session": "new"}

    def test_an_empty_one_replaces_nothing(self, desk: Desk) -> None:
        desk.context.vault.put(whose("wire-en"), {"token": "one", "refresh": "stays"})

        desk.context.vault.renew(whose("wire-en"), {"token": "two", "refresh": ""}, version(desk))

        assert desk.context.vault.get(whose("wire-en")) == {"token": "two", "refresh": "stays"}

    def test_they_never_replace_those_of_an_account_connected_anew(self, desk: Desk) -> None:
        before = version(desk)
        desk.context.vault.put(whose("wire-en"), {"token": "connected anew"})

        assert (
            desk.context.vault.renew(whose("wire-en"), {"token": "of the old grant"}, before)
            is None
        )
        assert desk.context.vault.get(whose("wire-en")) == {"token": "connected anew"}

    def test_a_call_that_changes_them_has_them_kept(self, desk: Desk) -> None:
        desk.ready(desk.post())

        def asked(connection: object, _call: object) -> None:
            for session in ("new", "newer"):
                connection.renewed({"session": session})  # type: ignore[attr-defined]

        desk.wire.asked = asked
        desk.tick()

        assert desk.wire.texts == ["opening: good morning"]
        assert desk.context.vault.get(whose("wire-en"))["session"] == "newer"

    def test_a_box_that_cannot_be_opened_is_not_written_over(self, desk: Desk) -> None:
        desk.spoil_keys("wire-en")

        with pytest.raises(NotOurs):
            desk.context.vault.renew(whose("wire-en"), {"token": "x"}, version(desk))


def test_the_vault_shows_nothing_of_itself_in_logs(desk: Desk) -> None:
    assert "id-wire" not in repr(desk.context.vault)

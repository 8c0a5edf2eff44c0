"""Keys are in files that nobody else reads, and are never lost to an empty answer."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from social_scheduler.errors import NotFound, WorkspaceError
from social_scheduler.vault import Vault


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault")


def test_keys_come_back_as_they_were_kept(vault: Vault) -> None:
    vault.put("x-en", {"token": "one", "secret": "twö"})
    vault.put("x-ar", {"token": "other"})

    assert vault.get("x-en") == {"token": "one", "secret": "twö"}


def test_only_their_owner_can_read_keys(vault: Vault, tmp_path: Path) -> None:
    vault.put("x-en", {"token": "one"})

    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "vault/x-en.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_keys_that_others_could_read_are_not_used(vault: Vault, tmp_path: Path, mode: int) -> None:
    vault.put("x-en", {"token": "one"})
    path = tmp_path / "vault/x-en.json"
    path.chmod(mode)

    with pytest.raises(WorkspaceError, match="chmod 600") as told:
        vault.get("x-en")
    assert "one" not in str(told.value).split()


def test_an_empty_value_never_replaces_a_stored_key(vault: Vault) -> None:
    vault.put("x-en", {"token": "one"})

    for empty in ("", "  ", "\n"):
        with pytest.raises(WorkspaceError, match="token is empty"):
            vault.put("x-en", {"token": empty})
    assert vault.get("x-en") == {"token": "one"}


def test_new_keys_replace_old_ones_whole(vault: Vault, tmp_path: Path) -> None:
    vault.put("x-en", {"token": "one", "secret": "two"})
    (tmp_path / "vault/x-en.new").write_text("half written before a crash")

    vault.put("x-en", {"token": "three"})

    assert vault.get("x-en") == {"token": "three"}
    assert [p.name for p in (tmp_path / "vault").iterdir()] == ["x-en.json"]


def test_an_account_without_keys_says_how_to_give_them(vault: Vault) -> None:
    with pytest.raises(NotFound, match="accounts add x-en"):
        vault.get("x-en")


def test_a_vault_shows_nothing_of_itself_in_logs(vault: Vault, tmp_path: Path) -> None:
    assert str(tmp_path) not in repr(vault)

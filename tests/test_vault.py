"""The seal, and the pair of keys behind it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from social_scheduler.errors import Conflict, WorkspaceError
from social_scheduler.vault import KeyFolder, NotOurs, Place, fingerprint, seal

HERE = Place("workspace", "account/x-en", 3)
KEYS = {"token": "one", "secret": "twö"}


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    folder = KeyFolder(tmp_path / "keys")
    folder.make()
    return folder


def test_what_is_sealed_opens_with_the_private_key_alone(folder: KeyFolder, tmp_path: Path) -> None:
    sealed = seal(folder.public(), HERE, KEYS)

    assert folder.open(sealed, HERE) == KEYS
    assert b"one" not in sealed
    other = KeyFolder(tmp_path / "other")
    other.make()
    with pytest.raises(NotOurs, match="sealed to another key"):
        other.open(sealed, HERE)


@pytest.mark.parametrize(
    "place",
    [
        Place("workspace", "account/x-ar", 3),
        Place("workspace", "account/x-en", 2),
        Place("another", "account/x-en", 3),
        Place("workspace", "account/x-en@x@https://evil.example", 3),
    ],
)
def test_it_opens_at_its_own_place_and_version_only(folder: KeyFolder, place: Place) -> None:
    sealed = seal(folder.public(), HERE, KEYS)

    with pytest.raises(NotOurs, match="sealed for another place"):
        folder.open(sealed, place)


def test_what_was_changed_does_not_open(folder: KeyFolder) -> None:
    sealed = bytearray(seal(folder.public(), HERE, KEYS))
    sealed[-1] ^= 1

    with pytest.raises(NotOurs):
        folder.open(bytes(sealed), HERE)
    with pytest.raises(NotOurs):
        folder.open(b"", HERE)


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_value_is_never_sealed(folder: KeyFolder, empty: str) -> None:
    with pytest.raises(WorkspaceError, match="token is empty"):
        seal(folder.public(), HERE, {"token": empty})


def test_only_its_owner_can_read_the_private_key(folder: KeyFolder) -> None:
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_private_key_that_others_could_read_is_not_used(folder: KeyFolder, mode: int) -> None:
    sealed = seal(folder.public(), HERE, KEYS)
    folder.path.chmod(mode)

    with pytest.raises(WorkspaceError, match="can be read by others"):
        folder.open(sealed, HERE)


def test_a_pair_is_made_once(folder: KeyFolder) -> None:
    before = folder.public()

    assert folder.make() == before
    assert folder.believed() == [before]


def test_a_machine_without_the_key_says_how_to_get_it(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")

    assert not folder.holds_key
    with pytest.raises(WorkspaceError, match=r"is missing.*Copy it here.*--lost"):
        folder.open(b"box", HERE)


@pytest.mark.parametrize("text", ["", "no key", "bm8ga2V5"])
def test_a_file_that_is_no_key_is_told(folder: KeyFolder, text: str) -> None:
    folder.path.write_text(text)

    with pytest.raises(WorkspaceError, match="is no key"):
        folder.public()


class TestAChangeOfKeys:
    def test_both_open_while_it_lasts(self, folder: KeyFolder) -> None:
        before = seal(folder.public(), HERE, KEYS)
        following = folder.begin_next()
        after = seal(following, HERE, KEYS)

        assert folder.open(before, HERE) == folder.open(after, HERE) == KEYS
        assert folder.believed() == [folder.public(), following]

    def test_afterwards_the_new_one_alone_is_there(self, folder: KeyFolder) -> None:
        before = seal(folder.public(), HERE, KEYS)
        following = folder.begin_next()

        folder.settle(following)

        assert folder.public() == following
        assert folder.believed() == [following]
        assert sorted(p.name for p in folder.path.parent.iterdir()) == ["worker.key", "worker.pub"]
        with pytest.raises(NotOurs):
            folder.open(before, HERE)

    def test_one_that_was_given_up_leaves_the_old_one(self, folder: KeyFolder) -> None:
        before = folder.public()
        folder.begin_next()

        folder.settle(before)

        assert folder.public() == before
        assert folder.believed() == [before]

    def test_a_running_worker_opens_what_was_sealed_after_it(self, folder: KeyFolder) -> None:
        worker = KeyFolder(folder.path.parent)
        assert worker.open(seal(folder.public(), HERE, KEYS), HERE)
        following = folder.begin_next()
        folder.settle(following)

        assert worker.open(seal(following, HERE, KEYS), HERE) == KEYS

    def test_a_pair_that_somebody_dropped_meanwhile_is_not_gone_on_with(
        self, folder: KeyFolder
    ) -> None:
        before, following = folder.public(), folder.begin_next()
        folder.require_next(following)
        KeyFolder(folder.path.parent).settle(before)

        with pytest.raises(Conflict, match="Somebody else has changed"):
            folder.require_next(following)

    def test_what_is_sealed_anew_belongs_where_it_belonged(self, folder: KeyFolder) -> None:
        following = folder.begin_next()
        anew = folder.seal_again(seal(folder.public(), HERE, KEYS), following)
        folder.settle(following)

        assert folder.open(anew, HERE) == KEYS
        with pytest.raises(NotOurs):
            folder.open(anew, Place("workspace", "account/x-ar", 3))
        with pytest.raises(NotOurs):
            folder.seal_again(b"junk", following)

    def test_a_key_of_another_machine_is_refused(self, folder: KeyFolder) -> None:
        elsewhere = bytes(PrivateKey.generate().public_key)

        with pytest.raises(WorkspaceError, match="not the key that the database"):
            folder.settle(elsewhere)


def test_a_lost_key_is_replaced_and_set_aside(folder: KeyFolder) -> None:
    before = folder.path.read_bytes()

    folder.replace()

    assert folder.path.read_bytes() != before
    assert (folder.path.parent / "worker.old").read_bytes() == before


def test_a_fingerprint_tells_keys_apart_and_nothing_else() -> None:
    told = fingerprint(b"k" * 32)

    assert told != fingerprint(b"l" * 32)
    assert len(told.split()) == 8


def test_nothing_shows_itself_in_logs(folder: KeyFolder) -> None:
    assert str(folder.path.parent) not in repr(folder)


class TestTheFileThatSaysWhichKeyToBelieve:
    @pytest.mark.parametrize("how", ["gone", "no file"])
    def test_is_asked_for_where_it_cannot_be_read(self, folder: KeyFolder, how: str) -> None:
        path = folder.path.with_suffix(".pub")
        path.unlink()
        if how == "no file":
            path.mkdir()

        with pytest.raises(WorkspaceError, match=r"worker\.pub (is missing|cannot be read) here"):
            folder.believed()

    def test_is_written_again_by_whoever_has_the_private_key(self, folder: KeyFolder) -> None:
        folder.path.with_suffix(".pub").unlink()

        folder.pin()

        assert folder.believed() == [folder.public()]

    def test_is_not_made_up_where_the_private_key_is_not(self, tmp_path: Path) -> None:
        folder = KeyFolder(tmp_path)

        with pytest.raises(WorkspaceError, match=r"worker\.key is missing"):
            folder.pin()

"""A backup is one whole file without secrets, and it goes into nothing but an empty database."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from social_scheduler.app import restore_workspace
from social_scheduler.config import Settings
from social_scheduler.errors import Conflict, InvalidInput, NotFound
from social_scheduler.services import archive, keys_rotate
from social_scheduler.services.backup import write_backup
from social_scheduler.services.people import sign_in
from social_scheduler.store import copying
from social_scheduler.store.tables import AccountState, Base, Delivery
from tests.postgresql import Databases
from tests.services.desk import MONDAY, PASSWORD, SANDBOX, Desk, whose
from tests.services.restored import back_up, restored


@pytest.fixture
def file(desk: Desk, tmp_path: Path) -> Path:
    """A backup of a desk with a past: said, missed, held, with a picture."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    desk.context.media.put(picture.getvalue(), "image/png")
    desk.ready(desk.post("first"), desk.post("second", minutes=61, late=1))
    desk.tick()
    desk.look()
    desk.clock.forward(hours=1)
    desk.tick()
    return back_up(desk, tmp_path / "backup.tar.gz")


def rows(desk: Desk) -> dict[str, list[bytes]]:
    with desk.context.database.read() as tx:
        return {name: list(copying.lines(tx, name)) for name in copying.tables()}


def members(file: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(file) as backup:
        for member in backup:
            content = backup.extractfile(member)
            assert content is not None
            yield member, content.read()


def rewritten(file: Path, to: Path, change: dict[str, bytes | None]) -> Path:
    """The backup with members changed, or left out (None)."""
    with tarfile.open(to, "w:gz") as backup:
        for member, content in members(file):
            new = change.get(member.name, content)
            if new is not None:
                member.size = len(new)
                backup.addfile(member, io.BytesIO(new))
    return to


def test_every_row_comes_back_as_it_was(
    desk: Desk, file: Path, tmp_path: Path, databases: Databases | None
) -> None:
    before = rows(desk)
    with restored(desk, file, tmp_path / "again", databases) as again:
        after = rows(again)
        placed = {"hold", "history"}  # the restore itself is written down, and holds everything
        for name in set(before) - placed - {"workspace", "worker"}:
            assert after[name] == before[name], name
        for name in placed:
            assert after[name][: len(before[name])] == before[name]
            assert len(after[name]) == len(before[name]) + 1
        [kept] = (again.context.root / "media").glob("[0-9a-f][0-9a-f]/*")
        again.context.media.verified_open(kept.name).close()


def test_new_rows_follow_the_restored_ones(
    desk: Desk, file: Path, tmp_path: Path, databases: Databases | None
) -> None:
    with restored(desk, file, tmp_path / "again", databases) as again:
        again.queue(again.post("third", minutes=200))
        with again.context.database.read() as tx:
            ids = list(tx.scalars(select(Delivery.id).order_by(Delivery.id)))
    assert ids == sorted(set(ids))
    assert len(ids) == 3


def test_a_backup_of_one_kind_of_database_goes_into_the_other(
    desk: Desk, file: Path, tmp_path: Path, databases: Databases | None
) -> None:
    with restored(desk, file, tmp_path / "small", None) as small:
        small.queue(small.post("third", minutes=200))
        second = back_up(small, tmp_path / "second.tar.gz")
        with restored(small, second, tmp_path / "large", databases) as large:
            assert rows(large)["delivery"] == rows(small)["delivery"]


def test_people_sign_in_again_and_nobody_is_signed_in(
    desk: Desk, file: Path, tmp_path: Path, databases: Databases | None
) -> None:
    sign_in(desk.context, "noor", PASSWORD, kind="login", label="a test")
    assert "tables/token.jsonl" not in {member.name for member, _ in members(file)}
    with restored(desk, file, tmp_path / "again", databases) as again:
        assert sign_in(again.context, "noor", PASSWORD, kind="login", label="a test")


def test_keys_are_in_it_sealed_only_and_only_its_owner_reads_it(desk: Desk, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = (desk.context.root / "keys" / "worker.key").read_bytes().strip()
    found = {member.name: content for member, content in members(file)}
    assert not any("worker.key" in name or key in content for name, content in found.items())
    secrets = [json.loads(line) for line in found["tables/secret.jsonl"].splitlines()]
    assert [place for place, *_ in secrets] == ["account/wire-ar", "account/wire-en"]
    assert all(b"id-wire" not in base64.b64decode(sealed) for _, _, sealed, _ in secrets)


def test_with_the_workers_key_its_accounts_are_connected_again(
    desk: Desk, file: Path, tmp_path: Path, databases: Databases | None
) -> None:
    with restored(desk, file, tmp_path / "again", databases) as again:
        assert again.context.vault.get(whose("wire-en")) == {"token": "id-wire-en"}


def test_what_was_sealed_before_a_change_of_keys_is_to_be_connected_again(
    desk: Desk, file: Path, tmp_path: Path, databases: Databases | None
) -> None:
    keys_rotate.rotate(desk.context, desk.actor("noor"))
    with restored(desk, file, tmp_path / "again", databases) as again:
        again.context.vault.require()
        with pytest.raises(NotFound, match="no keys for wire-en"):
            again.context.vault.get(whose("wire-en"))
        assert again.looked_account("wire-en").state is AccountState.SUSPENDED


def test_it_says_what_it_is(desk: Desk, file: Path) -> None:
    manifest = archive.check(file)
    assert manifest.workspace == desk.context.uid
    assert manifest.kind == "rehearsal"
    assert manifest.moment == desk.clock().isoformat()
    assert manifest.tables["delivery"].rows == 2
    assert set(manifest.tables) == set(Base.metadata.tables) - {"token", "connecting"}
    assert len(manifest.media) == 1


def test_a_picture_that_was_changed_is_left_out_and_told(desk: Desk, tmp_path: Path) -> None:
    sha256 = desk.context.media.put(b"\xff\xd8\xff approved", "image/jpeg")
    desk.context.media.path(sha256).write_bytes(b"\xff\xd8\xff other")
    manifest = write_backup(desk.context, tmp_path / "b.tar.gz")
    assert manifest.damaged == [sha256]
    assert manifest.media == []


def test_nothing_is_written_over(desk: Desk, file: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="already"):
        write_backup(desk.context, file)
    with pytest.raises(InvalidInput, match="no folder"):
        write_backup(desk.context, tmp_path / "none/b.tar.gz")
    assert not list(tmp_path.glob(".*part"))


def test_it_is_never_restored_over_a_database_that_has_something(desk: Desk, file: Path) -> None:
    settings = desk.opened.settings
    with pytest.raises(Conflict, match=r"not empty.*Move it away"):
        restore_workspace(desk.context.root, file, settings=settings)
    assert desk.state("week/first") == "published"


def test_journals_of_another_workspace_are_not_mixed_in(
    desk: Desk, file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other/journal/worker.jsonl"
    other.parent.mkdir(parents=True)
    other.write_text('{"is":"journal","workspace":"another","worker":"worker","id":"1"}\n')
    with pytest.raises(Conflict, match="not a journal of this workspace"):
        restore_workspace(tmp_path / "other", file, settings=Settings(sandbox_url=SANDBOX))


def test_whatever_was_changed_in_it_is_noticed_before_a_row_is_written(
    file: Path, tmp_path: Path
) -> None:
    parts = {m.name: c for m, c in members(file)}
    manifest = json.loads(parts["manifest.json"])
    picture = next(name for name in parts if name.startswith("media/"))
    newer = {**manifest, "schema_revision": "9999", "version": "9.9"}
    older = {**manifest, "schema_revision": "0001", "version": "0.1.0"}
    short = {**manifest, "tables": {k: v for k, v in manifest["tables"].items() if k != "gap"}}
    cases: dict[str, tuple[str, dict[str, bytes | None]]] = {
        "changed row": ("not as it was written", {"tables/post.jsonl": b"[1]\n"}),
        "missing table": ("is missing", {"tables/post.jsonl": None}),
        "changed picture": ("not as it was written", {picture: b"x"}),
        "no manifest": ("is no backup", {"manifest.json": None}),
        "manifest damaged": ("damaged", {"manifest.json": b"{}"}),
        "a table more": ("does not belong", {"manifest.json": json.dumps(short).encode()}),
        "newer": ("9.9 or a newer one", {"manifest.json": json.dumps(newer).encode()}),
        "older": ("then run init --upgrade", {"manifest.json": json.dumps(older).encode()}),
    }
    for name, (problem, change) in cases.items():
        broken = rewritten(file, tmp_path / f"{name}.tar.gz", change)
        root = tmp_path / name
        with pytest.raises(InvalidInput, match=problem):
            restore_workspace(root, broken, settings=Settings(sandbox_url=SANDBOX))
        assert not (root / "social-scheduler.db").exists()


def test_a_backup_cut_short_or_of_something_else_is_refused(file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(file.read_bytes()[:-500])
    text = tmp_path / "text.tar.gz"
    text.write_text("not a backup")
    for broken in (cut, text):
        with pytest.raises(InvalidInput, match="damaged"):
            restore_workspace(tmp_path / "root", broken, settings=Settings(sandbox_url=SANDBOX))
    with pytest.raises(InvalidInput, match="There is no file"):
        restore_workspace(tmp_path / "root", tmp_path / "none")


def test_a_row_that_does_not_fit_leaves_nothing_behind(file: Path, tmp_path: Path) -> None:
    """A backup that is whole by its digests, and wrong: nothing of it is kept."""
    parts = {m.name: c for m, c in members(file)}
    manifest = json.loads(parts["manifest.json"])
    manifest["tables"]["post"]["rows"] += 1
    assert (
        manifest["tables"]["post"]["sha256"]
        == hashlib.sha256(parts["tables/post.jsonl"]).hexdigest()
    )
    broken = rewritten(
        file, tmp_path / "b.tar.gz", {"manifest.json": json.dumps(manifest).encode()}
    )
    with pytest.raises(InvalidInput, match="The backup says"):
        restore_workspace(tmp_path / "root", broken, settings=Settings(sandbox_url=SANDBOX))
    restore_workspace(tmp_path / "root", file, settings=Settings(sandbox_url=SANDBOX))


def test_work_goes_on_while_it_is_written(desk: Desk, tmp_path: Path) -> None:
    desk.ready(desk.post("first"))
    seen: list[str] = []

    def meanwhile(words: str) -> None:
        if not seen:
            desk.tick()
        seen.append(words)

    manifest = write_backup(desk.context, tmp_path / "b.tar.gz", progress=meanwhile)
    assert seen
    assert manifest.moment >= MONDAY.isoformat()

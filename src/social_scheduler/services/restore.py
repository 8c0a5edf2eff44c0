"""Puts a backup into an empty database: held, and closed to every worker until it is reconciled."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from social_scheduler.errors import Conflict, InvalidInput, WorkspaceError
from social_scheduler.journal import Journal
from social_scheduler.media.store import MediaStore
from social_scheduler.services.archive import (
    FORMAT,
    MEDIA,
    TABLES,
    Manifest,
    Progress,
    check,
    read_manifest,
)
from social_scheduler.services.lost import header
from social_scheduler.services.relearn import hold_everything
from social_scheduler.store import copying
from social_scheduler.store import workers as worker_store
from social_scheduler.store.database import SCHEMA, Database, Transaction
from social_scheduler.store.steps import By


def restore_backup(
    file: Path,
    root: Path,
    open_database: Callable[[], Database],
    *,
    who: str,
    now: datetime,
    progress: Progress = lambda _: None,
) -> Manifest:
    """Check a backup whole, then load it into the empty database of the folder `root`.

    One transaction: it is all there afterwards, or nothing is. Files and journals that are in
    the folder stay.
    """
    require_readable(read_manifest(file), file)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=root) as unpacked:
        manifest = check(file, Path(unpacked), progress)
        _require_own_journals(root, manifest)
        database = open_database()
        try:
            database.upgrade()
            with database.write() as tx:
                if (used := copying.first_used(tx)) is not None:
                    raise Conflict(
                        f"The database {database.url.render_as_string()} is not empty: its table "
                        f"{used} has rows.",
                        "Nothing is restored over it. Move it away first, or give another one.",
                    )
                _keep_media(root, Path(unpacked), manifest)
                _load(tx, Path(unpacked), manifest, progress)
                moment = datetime.fromisoformat(manifest.moment)
                worker_store.mark_restored(tx, moment)
                hold_everything(tx, moment, By(who, now))
        finally:
            database.close()
    return manifest


def require_readable(manifest: Manifest, file: Path) -> None:
    """Refuse what was written for another schema, and say what to use instead."""
    if manifest.format == FORMAT and manifest.schema_revision == SCHEMA:
        return
    older = manifest.format <= FORMAT and manifest.schema_revision < SCHEMA
    raise InvalidInput(
        f"{file} was made by social-scheduler {manifest.version} (schema "
        f"{manifest.schema_revision}); this program has schema {SCHEMA}.",
        f"Restore it with social-scheduler {manifest.version}"
        + (", then run init --upgrade with this one." if older else " or a newer one."),
    )


def _require_own_journals(root: Path, manifest: Manifest) -> None:
    for path in sorted((root / "journal").glob("*.jsonl")):
        try:
            header(Journal(path), manifest.workspace)
        except WorkspaceError as problem:
            raise Conflict(
                f"{problem.problem} The backup is of the workspace {manifest.workspace[:8]}….",
                "Restore it into that workspace's own folder, or into an empty one.",
            ) from None


def _keep_media(root: Path, unpacked: Path, manifest: Manifest) -> None:
    media = MediaStore(root / "media")
    for sha256 in manifest.media:
        media.keep(unpacked / MEDIA / sha256)


def _load(tx: Transaction, unpacked: Path, manifest: Manifest, progress: Progress) -> None:
    if set(manifest.tables) != set(copying.tables()):
        raise InvalidInput("The backup has other tables than this program.", "Use another one.")
    for name in copying.tables():
        table = manifest.tables[name]
        with (unpacked / TABLES / f"{name}.jsonl").open("rb") as lines:
            loaded = copying.load(tx, name, lines, table.columns)
        if loaded != table.rows or copying.count(tx, name) != table.rows:
            raise InvalidInput(
                f"The backup says that {name} has {table.rows} rows; {loaded} are in it.",
                "Use another one.",
            )
        progress(f"{name}: {loaded:,} rows")
    copying.number_on(tx)

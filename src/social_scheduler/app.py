"""The composition root: the only place that knows which concrete parts make a workspace."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from social_scheduler import platforms
from social_scheduler.config import Settings, load_settings
from social_scheduler.errors import Conflict, InvalidInput, WorkspaceError
from social_scheduler.journal import Journal
from social_scheduler.media.store import MediaStore
from social_scheduler.policy import DEFAULT_POLICY
from social_scheduler.services import keys_rotate
from social_scheduler.services.context import Context
from social_scheduler.services.keys import Vault
from social_scheduler.services.people import Passwords
from social_scheduler.store import workers
from social_scheduler.store import workspace as store
from social_scheduler.store.database import Database, sqlite_file, sqlite_url
from social_scheduler.store.workers import worker_named
from social_scheduler.vault import KeyFolder

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import RateLimiter

    from social_scheduler.services.archive import Manifest, Progress

FIRST_WORKER = "worker"
"""The worker that every new workspace has; others are enrolled."""

DATABASE_FILE = "social-scheduler.db"
KINDS = ("rehearsal", "live")


@dataclass(frozen=True, slots=True)
class Opened:
    """A workspace that is open: what services need, and its settings."""

    context: Context
    settings: Settings


class LoginThrottle:
    """At most ten wrong passwords a name in ten minutes, counted in this process."""

    @cached_property
    def _limiter(self) -> RateLimiter:
        # Imported when somebody signs in: other commands need not wait for it.
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        return MovingWindowRateLimiter(MemoryStorage())

    @cached_property
    def _limit(self) -> RateLimitItem:
        from limits import RateLimitItemPerMinute

        return RateLimitItemPerMinute(10, 10)

    def may_try(self, name: str) -> bool:
        """Whether another password may be tried for this name now."""
        return self._limiter.test(self._limit, "password", name)

    def failed(self, name: str) -> None:
        """A wrong password was given."""
        self._limiter.hit(self._limit, "password", name)


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def make_workspace(
    root: Path,
    *,
    kind: str,
    now: Callable[[], datetime] = utc_now,
    settings: Settings | None = None,
) -> None:
    """Make an empty workspace in a folder; refused where there is one already."""
    if kind not in KINDS:
        raise InvalidInput(f"There is no kind of workspace {kind!r}.", "Use rehearsal or live.")
    root.mkdir(parents=True, exist_ok=True)
    settings = settings or load_settings(root)
    if (file := sqlite_file(_database_url(root, settings))) is not None:
        # Unpublished words and password hashes: for this user only, whatever the umask.
        file.touch(mode=0o600)
    database = Database(_database_url(root, settings))
    try:
        database.upgrade()
        uid = secrets.token_hex(16)
        with database.write() as tx:
            if store.find(tx) is not None:
                raise Conflict(
                    f"There is a workspace in {root} already.", "Use it, or choose another folder."
                )
            store.create(tx, uid=uid, kind=kind, policy=DEFAULT_POLICY, now=now())
            keys_rotate.begin(tx, _vault(root, database, uid, now), now())
            journal = _journal(root).create(uid, FIRST_WORKER)
            workers.enrol(tx, FIRST_WORKER, journal, now(), "", reconciled=None)
        for folder in ("campaigns", "media", "vault"):
            (root / folder).mkdir(mode=0o700, exist_ok=True)
    finally:
        database.close()


def upgrade_workspace(root: Path, *, now: Callable[[], datetime] = utc_now) -> list[str]:
    """Bring the database of an existing workspace to this program's schema.

    Where there was one worker without a name, its journal becomes that of the first one. Keys
    that lie in files are sealed into the database; answers whose, now that the files are gone.
    """
    database = Database(_database_url(root, load_settings(root)))
    old: list[Path] = []
    try:
        database.upgrade()
        with database.write() as tx:
            workspace, journal = store.find(tx), _journal(root)
            known = worker_named(tx, FIRST_WORKER) is not None
            if workspace is not None and not known and journal.path.exists():
                identity = journal.require(workspace.uid)
                workers.enrol(tx, FIRST_WORKER, identity, now(), "", reconciled=None)
            if workspace is not None:
                vault = _vault(root, database, workspace.uid, now)
                keys_rotate.begin(tx, vault, now())
                old = keys_rotate.move_in(tx, vault, root / "vault")
    finally:
        database.close()
    for path in old:
        path.unlink()
    return [path.stem for path in old]


def restore_workspace(
    root: Path,
    file: Path,
    *,
    who: str = "restore",
    now: Callable[[], datetime] = utc_now,
    settings: Settings | None = None,
    progress: Progress = lambda _: None,
) -> Manifest:
    """Put a backup into a folder whose database is empty or not there yet."""
    # Rarely done: other commands need not wait for it.
    from social_scheduler.services.restore import restore_backup

    root.mkdir(parents=True, exist_ok=True)
    settings = settings or load_settings(root)
    url = _database_url(root, settings)

    def open_database() -> Database:
        if (sqlite := sqlite_file(url)) is not None:
            sqlite.touch(mode=0o600)
        return Database(url)

    manifest = restore_backup(file, root, open_database, who=who, now=now(), progress=progress)
    database = open_database()
    try:
        with database.write() as tx:
            keys_rotate.after_restore(tx, _vault(root, database, manifest.workspace, now))
    finally:
        database.close()
    for folder in ("campaigns", "media", "vault"):
        (root / folder).mkdir(mode=0o700, exist_ok=True)
    return manifest


@contextmanager
def open_workspace(
    root: Path,
    *,
    now: Callable[[], datetime] = utc_now,
    settings: Settings | None = None,
    passwords: Passwords | None = None,
) -> Iterator[Opened]:
    """Open a workspace; WorkspaceError with a remedy when it is not one."""
    settings = settings or load_settings(root)
    if not settings.database_url and not (root / DATABASE_FILE).exists():
        raise WorkspaceError(
            f"There is no workspace in {root}.",
            "Run social-scheduler init there, or name the folder with --workspace.",
        )
    database = Database(_database_url(root, settings))
    journal = _journal(root)
    try:
        database.require_schema()
        with database.read() as tx:
            workspace = store.find(tx)
        if workspace is None:
            raise WorkspaceError("The database has no workspace.", "Run social-scheduler init.")
        if settings.settle_seconds and workspace.kind != "rehearsal":
            raise WorkspaceError(
                "settle_seconds is for rehearsals: looking too early finds nothing and proves nothing.",
                "Take it out of settings.toml and of the environment.",
            )
        yield Opened(
            Context(
                root=root,
                kind=workspace.kind,
                uid=workspace.uid,
                sandbox_url=settings.sandbox_url.rstrip("/"),
                database=database,
                media=MediaStore(root / "media"),
                vault=_vault(root, database, workspace.uid, now),
                journal=journal,
                platforms=platforms.discover(),
                now=now,
                passwords=passwords or Passwords(),
                throttle=LoginThrottle(),
                settle_seconds=settings.settle_seconds,
            ),
            settings,
        )
    finally:
        journal.close()
        database.close()


def _database_url(root: Path, settings: Settings) -> str:
    return settings.database_url or sqlite_url(root / DATABASE_FILE)


def _vault(root: Path, database: Database, uid: str, now: Callable[[], datetime]) -> Vault:
    return Vault(database, KeyFolder(root / "keys"), uid, now)


def _journal(root: Path) -> Journal:
    return Journal(root / "journal" / f"{FIRST_WORKER}.jsonl")

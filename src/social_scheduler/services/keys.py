"""The accounts' keys: sealed in the database, opened by workers only, each version once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from social_scheduler.errors import NotFound, WorkspaceError
from social_scheduler.store import secrets as store
from social_scheduler.store.database import Database, Transaction
from social_scheduler.vault import KeyFolder, NotOurs, Place, seal

ACCOUNT = "account/"
APP = "app/"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose keys, and the one network and server that they are ever sent to.

    All of it stands in the box too: keys open for no other server that somebody wrote beside them.
    """

    account: str
    platform: str
    server: str

    @property
    def row(self) -> str:
        """Under which name they are kept."""
        return ACCOUNT + self.account

    @property
    def place(self) -> str:
        """What stands in the box."""
        return f"{ACCOUNT}{self.account}@{self.platform}@{self.server}"


class Vault:
    """What a workspace keeps secret. The web's is `shut`: things are put into it, never taken out.

    What was opened is remembered by its version, so that a delivery costs no look at the database.
    """

    def __init__(
        self, database: Database, folder: KeyFolder, workspace: str, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._folder = folder
        self._workspace = workspace
        self.now = now
        self._is_shut = False
        self._opened: dict[Owner, tuple[int, Mapping[str, str]]] = {}

    def __repr__(self) -> str:
        return "Vault(…)"

    def shut(self) -> Vault:
        """The same, without a way to open anything."""
        found = Vault(self._database, self._folder, self._workspace, self.now)
        found._is_shut = True
        return found

    @property
    def folder(self) -> KeyFolder:
        """The workers' key pair."""
        return self._folder

    @property
    def can_open(self) -> bool:
        """Whether this process may take out what is kept."""
        return not self._is_shut and self._folder.holds_key

    def require(self) -> None:
        """Refuse to go on where nothing could be opened: WorkspaceError says what is missing."""
        self.require_open()
        with self._folder.locked():
            self.settle()

    def settle(self) -> None:
        """End a change of keys that was broken off; the folder is locked by who calls this."""
        self._folder.pin()
        with self._database.read() as tx:
            public = self.public_key(tx)
        self._folder.settle(public)

    def public_key(self, tx: Transaction) -> bytes:
        """What is sealed to; refused when the file beside the private key names another one.

        Whoever can write the database could put a key of his own there, and read what is sealed
        from then on.
        """
        found = store.public_key(tx)
        if found is None:
            raise WorkspaceError(
                "The workspace has no key to seal secrets to.",
                "Run: social-scheduler init --upgrade",
            )
        believed = self._folder.believed()
        if found not in believed:
            raise WorkspaceError(
                "The database names another public key than keys/worker.pub: nothing is sealed.",
                "If the keys were rotated on another machine, copy its keys folder here; if this is "
                "an older copy of the database: social-scheduler keys rotate --lost. If neither, "
                "somebody has changed it.",
            )
        return found

    def seal(self, tx: Transaction, name: str, version: int, values: Mapping[str, str]) -> bytes:
        """Close something for a place of this workspace."""
        return seal(self.public_key(tx), Place(self._workspace, name, version), values)

    def open(self, sealed: bytes, name: str, version: int) -> dict[str, str]:
        """Open what was closed for a place of this workspace."""
        self.require_open()
        return self._folder.open(sealed, Place(self._workspace, name, version))

    def get(self, owner: Owner, version: int = 0) -> Mapping[str, str]:
        """An account's keys, of that version or a newer one; without: the newest there are."""
        return self.newest(owner, version)[1]

    def newest(self, owner: Owner, version: int = 0) -> tuple[int, Mapping[str, str]]:
        """The same with its version. Misplaced when they were given for another server."""
        account, known = owner.account, self._opened.get(owner)
        if version and known is not None and known[0] >= version:
            return known
        self.require_open()
        with self._database.read() as tx:
            kept = store.secret_at(tx, owner.row)
        if kept is None:
            raise NotFound(
                f"There are no keys for {account}.",
                f"Run social-scheduler accounts connect {account}.",
            )
        try:
            keys = MappingProxyType(self.open(kept.sealed, owner.place, kept.version))
        except NotOurs as problem:
            raise type(problem)(
                f"The keys of {account} cannot be read. {problem.problem}",
                f"Connect it again: social-scheduler accounts connect {account}",
            ) from None
        self._opened[owner] = kept.version, keys
        return self._opened[owner]

    def put(self, owner: Owner, keys: Mapping[str, str]) -> None:
        """Keep an account's keys in place of what was kept, all at once."""
        with self._database.write() as tx:
            self.keep(tx, owner, keys)

    def keep(self, tx: Transaction, owner: Owner, keys: Mapping[str, str]) -> int:
        """The same within a transaction; answers the version."""
        told = store.version_of(tx, owner.account)
        version = self.keep_at(tx, owner.row, keys, told=told, place=owner.place)
        store.set_version(tx, owner.account, version)
        self._opened.pop(owner, None)
        return version

    def keep_at(
        self,
        tx: Transaction,
        name: str,
        values: Mapping[str, str],
        *,
        told: int = 0,
        place: str | None = None,
    ) -> int:
        """Keep a secret under a name, whole; its version is newer than any that was `told`.

        `place` is what stands in the box, where that says more than the name.
        """
        kept = store.secret_at(tx, name)
        version = max(kept.version if kept else 0, told) + 1
        sealed = self.seal(tx, place or name, version, values)
        if kept is None:
            store.add(tx, name, version, sealed, self.now())
        else:
            store.replace(tx, name, kept.version, version, sealed, self.now())
        return version

    def forget(self, tx: Transaction, owner: Owner, why: str) -> None:
        """Keep an account's keys no more. What a worker remembers of them is out of date with it."""
        store.forget(tx, owner.row)
        store.forget_account(tx, owner.account, why)
        self._opened.pop(owner, None)

    def get_at(self, tx: Transaction, name: str) -> dict[str, str]:
        """What is kept at a place; nothing where nothing is."""
        kept = store.secret_at(tx, name)
        return self.open(kept.sealed, name, kept.version) if kept else {}

    def renew(self, owner: Owner, keys: Mapping[str, str], after: int) -> int | None:
        """Keep keys that the network changed beside those it did not; answers their version.

        None, and nothing is kept, when others than those of version `after` are kept by now: an
        admin has connected the account anew, or somebody was quicker. An empty value never
        replaces a stored one.
        """
        given = {name: value for name, value in keys.items() if value.strip()}
        name, version = owner.row, after + 1
        with self._database.work() as tx:
            kept = store.secret_at(tx, name)
            if kept is None or kept.version != after:
                return None
            merged = {**self.open(kept.sealed, owner.place, after), **given}
            sealed = self.seal(tx, owner.place, version, merged)
            if not store.replace(tx, name, after, version, sealed, self.now()):
                return None
            store.set_version(tx, owner.account, version)
        self._opened[owner] = version, MappingProxyType(merged)
        return version

    def can_renew(self, owner: Owner, after: int) -> bool:
        """Whether keys that follow those of version `after` could be kept: asked before a network
        forgets the old ones. WorkspaceError where this machine could not.
        """
        with self._database.read() as tx:
            kept = store.secret_at(tx, owner.row)
            if kept is None or kept.version != after:
                return False
            self.open(kept.sealed, owner.place, after)
            self.public_key(tx)
        return True

    def keeper(self, owner: Owner, version: int) -> Callable[[Mapping[str, str]], None]:
        """What a connection with those keys calls when the network has changed them."""
        newest = [version]

        def renewed(keys: Mapping[str, str]) -> None:
            newest.append(self.renew(owner, keys, newest[-1]) or newest[-1])

        return renewed

    def require_open(self) -> None:
        """Refuse to go on in the web, which opens nothing."""
        if self._is_shut:
            raise WorkspaceError(
                "This process never opens what is sealed.", "Only workers and the command line do."
            )

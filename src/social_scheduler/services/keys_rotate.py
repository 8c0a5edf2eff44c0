"""The workers' key pair: made with the workspace, changed when it may be known, replaced when lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from social_scheduler.errors import InvalidInput, WorkspaceError
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.keys import ACCOUNT, Vault
from social_scheduler.store import connecting
from social_scheduler.store import secrets as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import remember
from social_scheduler.vault import Place, fingerprint, seal

LOST = "its keys were sealed to a key that is lost"


@dataclass(frozen=True, slots=True)
class KeyView:
    """The workers' public key, for people: never a key itself."""

    fingerprint: str
    sealed: int
    """How many secrets are sealed to it."""
    here: bool
    """Whether this machine holds the private key."""


def show(context: Context, actor: Actor) -> KeyView:
    """What the workspace's secrets are sealed to, and whether this machine can open them."""
    actor.require(Right.ADMIN)
    with context.database.read() as tx:
        public = context.vault.public_key(tx)
        count = len(store.every(tx))
    here = context.vault.can_open and _is_ours(context, public)
    return KeyView(fingerprint(public), count, here)


def _is_ours(context: Context, public: bytes) -> bool:
    try:
        context.vault.folder.settle(public)
    except WorkspaceError:
        return False
    return True


def rotate(context: Context, actor: Actor) -> KeyView:
    """A new key pair; everything is sealed anew in one transaction.

    The new private key is on the disk before, and the old one until after: whenever this is
    interrupted, one of the two opens everything, and running it again ends it.
    """
    actor.require(Right.ADMIN)
    context.vault.require()
    following = context.vault.folder.begin_next()
    now = context.now()
    with context.database.write() as tx:
        count = _seal_anew(tx, context, following)
        store.set_public_key(tx, following, now)
        remember(tx, actor.by(now, fingerprint(following)), "rotate_keys")
    context.vault.folder.settle(following)
    return KeyView(fingerprint(following), count, here=True)


def _seal_anew(tx: Transaction, context: Context, public: bytes) -> int:
    vault = context.vault

    def again(sealed: bytes | None, name: str, version: int) -> bytes | None:
        if sealed is None:
            return None
        place = Place(context.uid, name, version)
        return seal(public, place, vault.open(sealed, name, version))

    kept = store.every(tx)
    boxes = [(row.place, again(row.sealed, row.place, row.version) or b"") for row in kept]
    store.reseal(tx, boxes)
    open_ones = connecting.sealed(tx)
    connecting.reseal(
        tx,
        [
            (
                row.id,
                again(row.ours, f"connecting/{row.id}/ours", 1),
                again(row.theirs, f"connecting/{row.id}/theirs", 1),
            )
            for row in open_ones
        ],
    )
    return len(boxes)


def start_over(context: Context, actor: Actor) -> int:
    """The private key is gone for good: a new pair, and every account is to be connected again.

    Answers how many.
    """
    actor.require(Right.ADMIN)
    with context.database.read() as tx:
        public = store.public_key(tx)
    if public is not None and context.vault.can_open and _is_ours(context, public):
        raise InvalidInput(
            "The workers' key is here and opens everything; nothing is lost.",
            "To change it: social-scheduler keys rotate.",
        )
    now = context.now()
    with context.database.write() as tx:
        made = context.vault.folder.replace()
        store.set_public_key(tx, made, now)
        accounts = store.forget_all(tx, LOST)
        connecting.end_open(tx, LOST, now)
        remember(tx, actor.by(now, fingerprint(made)), "lose_keys")
    return accounts


def begin(tx: Transaction, vault: Vault, now: datetime) -> None:
    """The key pair of a workspace that has none, or of which only the file is here."""
    if store.public_key(tx) is None:
        store.set_public_key(tx, vault.folder.make(), now)


def after_restore(tx: Transaction, vault: Vault) -> int:
    """A backup from before a change of keys: what is in it cannot be opened, and is dropped.

    Answers how many accounts are to be connected again.
    """
    if not vault.folder.holds_key:
        return 0  # whoever puts the key back finds everything as it was
    public = vault.folder.public()
    if store.public_key(tx) == public:
        return 0
    store.set_public_key(tx, public, vault.now())
    return store.forget_all(tx, "the backup's keys were sealed to an older key")


def move_in(tx: Transaction, vault: Vault, folder: Path) -> list[Path]:
    """Seal the keys that lie in files of an older version; answers the files, to be removed.

    What is sealed already is newer than its file.
    """
    files = sorted(folder.glob("*.json"))
    for path in files:
        if store.secret_at(tx, ACCOUNT + path.stem) is None:
            vault.keep(tx, path.stem, _read(path))
    return files


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise WorkspaceError(
            f"The keys in {path} cannot be read.",
            "Move that file away; the account can be connected again afterwards.",
        )
    return {str(name): str(value) for name, value in found.items()}

"""The workers' key pair: made with the workspace, changed when it may be known, replaced when lost."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from social_scheduler.errors import InvalidInput, WorkspaceError
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.connect import fail
from social_scheduler.services.context import Context
from social_scheduler.services.keys import ACCOUNT, APP, Owner, Vault
from social_scheduler.store import accounts as account_store
from social_scheduler.store import connecting
from social_scheduler.store import secrets as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import By, remember
from social_scheduler.vault import NotOurs, fingerprint

JUNK = "what was kept of it could not be opened"
LOST = "its keys were sealed to a key that is lost"


@dataclass(frozen=True, slots=True)
class KeyView:
    """The workers' public key, for people: never a key itself."""

    fingerprint: str
    sealed: int
    """How many secrets are sealed to it."""
    here: bool
    """Whether this machine holds the private key."""
    dropped: tuple[str, ...] = ()
    """What nobody could open, and is given anew: accounts, apps, attempts to connect."""


def show(context: Context, actor: Actor) -> KeyView:
    """What the workspace's secrets are sealed to, and whether this machine can open them."""
    actor.require(Right.ADMIN)
    vault = context.vault
    with vault.folder.locked() if vault.can_open else nullcontext():
        with context.database.read() as tx:
            public = vault.public_key(tx)
            count = len(store.every(tx))
        here = vault.can_open and vault.folder.opens(public)
    return KeyView(fingerprint(public), count, here)


def rotate(context: Context, actor: Actor) -> KeyView:
    """A new key pair; everything is sealed anew in one transaction.

    The new private key is on the disk before, and the old one until after: whenever this is
    interrupted, one of the two opens everything, and running it again ends it.
    """
    actor.require(Right.ADMIN)
    folder = context.vault.folder
    context.vault.require_open()
    with folder.locked():
        context.vault.settle()
        following = folder.begin_next()
        known, by = fingerprint(following), actor.by(context.now())
        with context.database.write() as tx:
            count, dropped = _seal_anew(tx, context, following, by)
            store.set_public_key(tx, following, by.at)
            told = f"{known}; dropped: {', '.join(dropped)}" if dropped else known
            remember(tx, by.because(told), "rotate_keys")
            folder.require_next(following)
        folder.settle(following)
    return KeyView(known, count, here=True, dropped=tuple(dropped))


def _seal_anew(tx: Transaction, context: Context, public: bytes, by: By) -> tuple[int, list[str]]:
    """How many secrets were sealed anew, and what had to be dropped because it does not open."""
    folder, boxes, dropped = context.vault.folder, [], []
    for row in store.every(tx):
        try:
            boxes.append((row.place, folder.seal_again(row.sealed, public)))
        except NotOurs:
            _drop(tx, row.place, by)
            dropped.append(row.place)
    store.reseal(tx, boxes)
    attempts = []
    for one in connecting.sealed(tx):
        try:
            ours, theirs = (
                box if box is None else folder.seal_again(box, public)
                for box in (one.ours, one.theirs)
            )
        except NotOurs:
            fail(tx, one, JUNK, "Connect it anew.", by.at)
            dropped.append(f"connecting/{one.account}")
        else:
            attempts.append((one.id, ours, theirs))
    connecting.reseal(tx, attempts)
    return len(boxes), dropped


def _drop(tx: Transaction, place: str, by: By) -> None:
    """Forget a box that does not open; an account waits to be connected again, an app for its keys."""
    if place.startswith(ACCOUNT):
        account = place.removeprefix(ACCOUNT)
        store.forget_account(tx, account, JUNK)
        remember(tx, by.because(f"{account}: {JUNK}"), "suspend_account")
    else:
        store.forget_app(tx, *place.removeprefix(APP).split("/", 1))
    store.forget(tx, place)


def start_over(context: Context, actor: Actor) -> int:
    """The private key is gone for good: a new pair, and every account is to be connected again.

    Answers how many.
    """
    actor.require(Right.ADMIN)
    vault, now = context.vault, context.now()
    with vault.folder.locked():
        with context.database.read() as tx:
            public = store.public_key(tx)
        if public is not None and vault.can_open and vault.folder.opens(public):
            raise InvalidInput(
                "The workers' key is here and opens everything; nothing is lost.",
                "To change it: social-scheduler keys rotate.",
            )
        with context.database.write() as tx:
            made = vault.folder.replace()
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

    What is sealed already is newer than its file. A file of no account stays: nobody knows for
    which network it is.
    """
    files = []
    for path in sorted(folder.glob("*.json")):
        account = account_store.account_named(tx, path.stem)
        if account is None:
            continue
        if store.secret_at(tx, ACCOUNT + path.stem) is None:
            owner = Owner(account.name, account.platform, account.server)
            vault.keep(tx, owner, _read(path))
        files.append(path)
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

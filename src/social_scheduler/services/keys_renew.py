"""Keys that end are replaced ahead of their end: by one worker at a time, the new ones kept first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from social_scheduler.errors import DatabaseBusy, SchedulerError, Unauthorized
from social_scheduler.platforms import Connection, Identity, Platform, renews
from social_scheduler.services.asking import ask
from social_scheduler.services.context import Context
from social_scheduler.services.keys import ACCOUNT, Owner
from social_scheduler.store import accounts as account_store
from social_scheduler.store import publishing
from social_scheduler.store import secrets as store
from social_scheduler.store.steps import By, remember
from social_scheduler.store.tables import Account, AccountState
from social_scheduler.vault import Misplaced

if TYPE_CHECKING:
    from social_scheduler.services.reach import Reach

ASKING = timedelta(minutes=5)
"""How long a worker that asks may be silent before another asks."""
NOT_BEFORE = timedelta(seconds=50)
"""After it was asked, a network's module is left alone for so long."""
REFUSED = timedelta(hours=1)
"""The same, after it said that it gives no new keys; connecting the account ends this."""
NEWS = timedelta(hours=24)
"""So often the network is asked what else it tells of an account: its end of keys, its limits."""


def renew_account(
    context: Context,
    worker: str,
    owner: Owner,
    platform: Platform,
    connection: Connection,
    version: int,
) -> bool:
    """New keys in place of those that end soon; whether there are any.

    Between the network's answer and the database nothing else is done: some networks have
    forgotten the old keys by then.
    """
    if not renews(platform) or not context.vault.can_renew(owner, version):
        return False
    account, now, pause = owner.account, context.now(), NOT_BEFORE
    with context.database.work() as tx:
        if not store.take_renewal(tx, account, now, now + ASKING):
            return False
    kept: int | None = None
    try:
        found: Mapping[str, str] | None = ask(platform.renew, connection)
        kept = context.vault.renew(owner, found, version) if found else None
    except Unauthorized:
        pause = REFUSED
        raise
    finally:
        with context.database.work() as tx:
            store.end_renewal(tx, account, context.now() + pause)
            if kept is not None:
                by = By(worker, context.now(), f"{account}: version {kept}")
                remember(tx, by, "renew_keys")
    return kept is not None


def renew_due(reach: Reach) -> None:
    """Every account in turn: new keys where they end soon, and once a day what else is told."""
    context = reach.context
    with context.database.read() as tx:
        kept = store.places(tx)
        accounts = [a for a in account_store.accounts(tx) if ACCOUNT + a.name in kept]
    for account in accounts:
        platform = context.platforms.get(account.platform)
        if platform is None or reach.ends():
            continue
        try:
            _renew(reach, account, platform)
        except Unauthorized as problem:
            _suspend(reach, account, problem.problem, reach.version(account.name))
        except Misplaced as problem:
            _suspend(reach, account, problem.problem, account.keys_version)
        except DatabaseBusy:
            raise
        except SchedulerError as problem:
            reach.told(f"{account.name}: its keys were not renewed — {problem}")
        except Exception as problem:  # noqa: BLE001 - one account's trouble must not stop the others
            unforeseen = type(problem).__name__
            reach.told(f"{account.name}: its keys were not renewed — unforeseen: {unforeseen}")


def _renew(reach: Reach, account: Account, platform: Platform) -> None:
    context, name = reach.context, account.name
    old = account.asked_at is None or account.asked_at <= context.now() - NEWS
    connected = account.state is AccountState.CONNECTED
    if not renews(platform) and not (connected and old):
        return
    connection = reach.connection(name, account.platform, account.server, account.keys_version)
    version = reach.version(name)
    owner = Owner(name, account.platform, account.server)
    renewed = renew_account(context, reach.worker, owner, platform, connection, version)
    if renewed:
        version += 1
        connection = reach.connection(name, account.platform, account.server, version)
        reach.told(f"{name}: its keys were renewed")
    if renewed or (connected and old):
        identity: Identity = ask(platform.identify, connection)
        _keep_news(reach, account, identity, version, renewed=renewed)


def _keep_news(
    reach: Reach, account: Account, identity: Identity, version: int, *, renewed: bool
) -> None:
    """What the network tells of the account now; one that was suspended speaks again."""
    if identity.native_id != account.native_id:
        why = f"its keys are those of {identity.handle}"
        _suspend(reach, account, why, reach.version(account.name))
        return
    by = By(reach.worker, reach.context.now(), f"{account.name}: its keys were renewed")
    with reach.context.database.work() as tx:
        back = account_store.keep_news(
            tx,
            account.id,
            version,
            resume=renewed,
            told={**account.told, **identity.told},
            scopes=list(identity.scopes),
            ends_at=identity.ends_at,
            asked_at=by.at,
        )
        if back:
            remember(tx, by, "connect_account")


def _suspend(reach: Reach, account: Account, why: str, keys: int) -> None:
    if account.state is AccountState.SUSPENDED:
        return
    by = By(reach.worker, reach.context.now(), f"{account.name}: {why}")
    with reach.context.database.work() as tx:
        if not publishing.suspend_account(tx, account.id, why, keys):
            return
        remember(tx, by, "suspend_account")
    reach.told(f"{account.name}: suspended — {why}")

"""Connecting accounts: whose keys they are, and where this workspace may send at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound
from social_scheduler.planning import Speaker, duration
from social_scheduler.platforms import Connection, Identity, Platform
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.keys import Owner
from social_scheduler.store import accounts as store
from social_scheduler.store import connecting
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import By, remember
from social_scheduler.store.tables import Account, AccountState

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def allowed_server(context: Context, platform: str, server: str) -> str:
    """`server`, if this workspace may send keys of that network there.

    A live one sends to the network's own address, unless the network has many servers.
    """
    allowed_address(context, server)
    module = platform_named(context, platform)
    if context.kind != "rehearsal" and not module.many_servers and server != module.default_url:
        raise NotAllowed(
            f"{module.label} is at {module.default_url}; it has no server {server}.",
            "Leave `server` out of accounts.yaml.",
        )
    return server


def allowed_address(context: Context, server: str) -> str:
    """The address of a server, if this workspace may send anybody there.

    A rehearsal workspace sends to its sandbox and nowhere else; a live one never to a
    sandbox or any other address on this machine.
    """
    if context.kind == "rehearsal":
        if server != context.sandbox_url or urlsplit(server).hostname not in LOOPBACK:
            raise NotAllowed(
                f"This is a rehearsal workspace; it does not send to {server}.",
                f"It sends to its sandbox at {context.sandbox_url} only.",
            )
    elif server == context.sandbox_url or urlsplit(server).hostname in LOOPBACK:
        raise NotAllowed(
            f"This is a live workspace; it does not send to {server}.",
            "Rehearse in a workspace made with: social-scheduler init --rehearsal",
        )
    elif urlsplit(server).scheme != "https":
        raise NotAllowed(f"{server} is not an https address.", "Keys are sent over https only.")
    return server


def server_for(context: Context, entry: AccountEntry) -> str:
    """Where an account is in this workspace."""
    default = entry.server or platform_named(context, entry.platform).default_url
    return context.sandbox_url if context.kind == "rehearsal" else default


def platform_named(context: Context, name: str) -> Platform:
    """The network's module."""
    try:
        return context.platforms[name]
    except KeyError:
        known = ", ".join(sorted(context.platforms))
        raise NotFound(f"There is no platform {name!r}.", f"Use one of: {known}.") from None


def connect_account(
    context: Context, actor: Actor, entry: AccountEntry, keys: Mapping[str, str]
) -> Account:
    """Ask the network whose keys these are, and keep both. Again for an account: reconnects it."""
    actor.require(Right.ADMIN)
    given = own_keys(context, entry, keys)
    server = allowed_server(context, entry.platform, server_for(context, entry))
    platform = platform_named(context, entry.platform)
    connection = Connection(base_url=server, keys=dict(given), renewed=keys_to_keep(given))
    identity = platform.identify(connection)
    with context.database.write() as tx:
        return keep(tx, context, entry, server, identity, given, actor.by(context.now()))


def own_keys(context: Context, entry: AccountEntry, keys: Mapping[str, str]) -> dict[str, str]:
    """The keys that an account's network wants, of those that were given; all of them."""
    platform = platform_named(context, entry.platform)
    if missing := [k for k in platform.keys if not keys.get(k, "").strip()]:
        raise InvalidInput(
            f"{entry.name} needs the key {missing[0]}.", f"All of: {', '.join(platform.keys)}."
        )
    return {k: keys[k].strip() for k in platform.keys}


def keys_to_keep(keys: dict[str, str]) -> Callable[[Mapping[str, str]], None]:
    """What a network changes of keys while it is asked whose they are is kept with them."""

    def renewed(changed: Mapping[str, str]) -> None:
        keys.update({name: value for name, value in changed.items() if value.strip()})

    return renewed


def keep(
    tx: Transaction,
    context: Context,
    entry: AccountEntry,
    server: str,
    identity: Identity,
    keys: Mapping[str, str],
    by: By,
) -> Account:
    """Keep an account and its keys, if they are the ones that accounts.yaml means."""
    if identity.handle.lower() != entry.handle.lower().removeprefix("@"):
        raise Conflict(
            f"The keys belong to {identity.handle}, but accounts.yaml calls {entry.name} "
            f"{entry.handle}.",
            "Use the keys of that account, or correct the file.",
        )
    known = store.account_named(tx, entry.name)
    if known and (known.native_id, known.server) != (identity.native_id, server):
        waiting = store.count_open(tx, known.id)
        if waiting:
            raise Conflict(
                f"{entry.name} was another account until now, and {waiting} deliveries "
                "to it are still open.",
                "Withdraw them first; approvals are for one account and never move.",
            )
    account = store.keep_account(
        tx,
        entry.name,
        platform=entry.platform,
        handle=entry.handle.removeprefix("@"),
        language=entry.language,
        server=server,
        native_id=identity.native_id,
        may_thread=entry.may_thread == "yes",
        spacing=int(duration(entry.spacing).total_seconds()),
        state=AccountState.CONNECTED,
        trouble=None,
        limited_until=None,
        told=entry.own_limits(identity.told),
        scopes=list(identity.scopes),
        ends_at=identity.ends_at,
        asked_at=by.at,
        renewing_until=None,
        connected_at=by.at,
    )
    context.vault.keep(tx, Owner(entry.name, entry.platform, server), keys)
    told = f"{entry.name}: {identity.handle} ({identity.native_id}) at {server}"
    remember(tx, by.because(told), "connect_account")
    return account


@dataclass(frozen=True, slots=True)
class LeftWaiting:
    """Deliveries that wait for an account to be connected again."""

    own: int
    bound: int
    """To other accounts, released together with one of its own."""


def disconnect_account(context: Context, actor: Actor, name: str) -> LeftWaiting:
    """Forget an account's keys: nothing is said through it until it is connected again.

    Its history stays, and so does what is queued for it.
    """
    actor.require(Right.ADMIN)
    by = actor.by(context.now(), name)
    with context.database.write() as tx:
        account = store.account_named(tx, name)
        if account is None:
            raise NotFound(f"{name} is not connected.", "See: social-scheduler accounts list")
        why = f"disconnected by {actor.name}"
        connecting.end_open(tx, f"The account was {why}.", by.at, name)
        context.vault.forget(tx, Owner(name, account.platform, account.server), why)
        remember(tx, by, "disconnect_account")
        return LeftWaiting(store.count_open(tx, account.id), store.count_bound(tx, account.id))


def list_accounts(context: Context, actor: Actor) -> list[Account]:
    """The connected accounts."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return store.accounts(tx)


def speakers(context: Context) -> dict[str, Speaker]:
    """The connected accounts, as planning needs them."""
    with context.database.read() as tx:
        return {
            a.name: Speaker(
                a.id, a.name, a.platform, a.server, a.native_id, a.language, a.handle, a.told
            )
            for a in store.accounts(tx)
        }


def keys_end(context: Context) -> dict[str, datetime]:
    """When the keys of accounts end, where their networks told."""
    with context.database.read() as tx:
        return {a.name: a.ends_at for a in store.accounts(tx) if a.ends_at is not None}

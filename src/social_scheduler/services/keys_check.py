"""Asking the networks now what they say of accounts: whose keys, what they may do, until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from social_scheduler.errors import NotFound, SchedulerError, Unauthorized
from social_scheduler.platforms import Connection, Identity
from social_scheduler.services.accounts import allowed_server, platform_named
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.asking import ask
from social_scheduler.services.connect_ask import Asker
from social_scheduler.services.connect_list import not_listed
from social_scheduler.services.context import Context
from social_scheduler.services.keys import ACCOUNT, Owner
from social_scheduler.services.keys_end import endings
from social_scheduler.services.keys_renew import renew_account
from social_scheduler.store import accounts as store
from social_scheduler.store import publishing, secrets
from social_scheduler.store.steps import remember
from social_scheduler.store.tables import Account, AccountState


@dataclass(frozen=True, slots=True)
class Checked:
    """What a network said of one account just now."""

    account: str
    platform: str
    server: str
    handle: str
    scopes: list[str]
    told: dict[str, int]
    ends_at: datetime | None
    problems: list[str] = field(default_factory=list)
    """What a person has to do something about."""
    listed: bool = True
    """False: it is not in accounts.yaml any more, and was not asked about."""


def check_accounts(
    context: Context, actor: Actor, names: Sequence[str], asker: Asker
) -> list[Checked]:
    """Ask about the named accounts, or about all; keeps what is told. Needs the workers' key.

    Those that are not in accounts.yaml any more are asked about only by name.
    """
    actor.require(Right.ADMIN)
    context.vault.require()
    with context.database.read() as tx:
        accounts = {a.name: a for a in store.accounts(tx)}
        kept = secrets.places(tx)
    for name in names:
        if name not in accounts:
            raise NotFound(
                f"{name} is not connected.", f"Run: social-scheduler accounts connect {name}"
            )
    gone = set() if names else not_listed(context, accounts)
    return [
        _not_asked(accounts[name])
        if name in gone
        else _check(context, actor, accounts[name], asker)
        for name in names or accounts
        if name not in gone or ACCOUNT + name in kept
    ]


def _not_asked(account: Account) -> Checked:
    return Checked(
        account=account.name,
        platform=account.platform,
        server=account.server,
        handle=account.handle,
        scopes=list(account.scopes),
        told=dict(account.told),
        ends_at=account.ends_at,
        listed=False,
    )


def _check(context: Context, actor: Actor, account: Account, asker: Asker) -> Checked:
    identity: Identity | None = None
    problems: list[str] = []
    try:
        identity = _ask(context, actor, account, asker)
    except SchedulerError as problem:
        problems.append(str(problem))
    if identity is not None:
        if identity.native_id != account.native_id:
            problems.append(
                f"The keys are those of {identity.handle} ({identity.native_id}), "
                f"not of {account.native_id}. {_again(account)}"
            )
        elif account.state is AccountState.SUSPENDED:
            problems.append(
                f"It is suspended ({account.trouble}), though the network accepts its keys. "
                f"{_again(account)}"
            )
    return Checked(
        account=account.name,
        platform=account.platform,
        server=account.server,
        handle=identity.handle if identity else account.handle,
        scopes=list(identity.scopes if identity else account.scopes),
        told=dict(identity.told if identity else account.told),
        ends_at=identity.ends_at if identity else account.ends_at,
        problems=problems + _ends(context, account),
    )


def _ask(context: Context, actor: Actor, account: Account, asker: Asker) -> Identity:
    platform = platform_named(context, account.platform)
    owner = Owner(account.name, account.platform, account.server)
    version, keys = context.vault.newest(owner)
    connection = Connection(
        allowed_server(context, account.platform, account.server),
        keys,
        asker.connect_timeout,
        asker.read_timeout,
        context.vault.keeper(owner, version),
    )
    try:
        if renew_account(context, actor.name, owner, platform, connection, version):
            return _ask(context, actor, account, asker)
        identity: Identity = ask(platform.identify, connection)
    except Unauthorized as problem:
        with context.database.work() as tx:
            by = actor.by(context.now(), f"{account.name}: {problem.problem}")
            if publishing.suspend_account(tx, account.id, problem.problem, version):
                remember(tx, by, "suspend_account")
        raise
    if identity.native_id == account.native_id:
        with context.database.work() as tx:
            store.keep_news(
                tx,
                account.id,
                version,
                told={**account.told, **identity.told},
                scopes=list(identity.scopes),
                ends_at=identity.ends_at,
                asked_at=context.now(),
            )
    return identity


def _ends(context: Context, account: Account) -> list[str]:
    now = context.now()
    with context.database.read() as tx:
        found = [one for one in endings(tx, now) if one.account == account.name]
    told = []
    for one in found:
        if one.level == 0:
            told.append(f"Its keys ended {one.ends_at:%Y-%m-%d %H:%M} UTC. {_again(account)}")
        elif one.level is not None:
            told.append(f"Its keys end {one.ends_at:%Y-%m-%d %H:%M} UTC. {_again(account)}")
        if one.first_beyond is not None:
            told.append(
                f"Queued for after that: {one.beyond}, the first for "
                f"{one.first_beyond:%Y-%m-%d %H:%M} UTC."
            )
    return told


def _again(account: Account) -> str:
    return f"Connect it again: social-scheduler accounts connect {account.name}."

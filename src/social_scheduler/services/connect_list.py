"""The accounts as an admin looks after them: listed, connected or not, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from social_scheduler.campaign.load import load_accounts
from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import InvalidInput, NotFound
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.connect import ConnectingView, view_of
from social_scheduler.services.context import Context
from social_scheduler.services.keys import ACCOUNT
from social_scheduler.services.keys_end import Ending, endings
from social_scheduler.store import accounts as store
from social_scheduler.store import connecting, secrets
from social_scheduler.store.tables import Account, Connecting


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account: as accounts.yaml has it, as it is connected, and how its last attempt went."""

    name: str
    platform: str
    handle: str
    language: str
    entry: AccountEntry | None
    """None: it is not in accounts.yaml any more."""
    account: Account | None
    """None: it is not connected."""
    attempt: ConnectingView | None
    ending: Ending | None
    keys_kept: bool
    """Whether there are keys of it."""

    @property
    def state(self) -> str:
        """In one word."""
        return self.account.state.value if self.account else "not_connected"

    @property
    def ends_at(self) -> datetime | None:
        """When its keys end, as the network told."""
        return self.account.ends_at if self.account else None

    @property
    def under_way(self) -> ConnectingView | None:
        """The attempt that is not over."""
        over = self.attempt is None or self.attempt.finished_at is not None
        return None if over else self.attempt


def entries(context: Context) -> dict[str, AccountEntry]:
    """What accounts.yaml lists; InvalidInput when it cannot be used as it is."""
    loaded = load_accounts(context.root / "campaigns" / "accounts.yaml", context.root)
    if loaded.model is None:
        first = next(iter(loaded.findings), None)
        raise InvalidInput(
            f"accounts.yaml cannot be used as it is. {first or ''}".strip(),
            "Correct it; social-scheduler check names every mistake.",
        )
    return {a.name: a for a in loaded.model.accounts}


def not_listed(context: Context, names: Iterable[str]) -> set[str]:
    """Which of these accounts are not in accounts.yaml any more; none while it cannot be read."""
    loaded = load_accounts(context.root / "campaigns" / "accounts.yaml", context.root)
    return set(names) - {a.name for a in loaded.model.accounts} if loaded.model else set()


def overview(context: Context, actor: Actor) -> list[AccountLine]:
    """Every account, in the order of accounts.yaml; those that are not in it any more last."""
    actor.require(Right.ADMIN)
    listed = entries(context)
    with context.database.read() as tx:
        connected = {a.name: a for a in store.accounts(tx)}
        attempts = connecting.newest(tx)
        soon = {one.account: one for one in endings(tx, context.now())}
        kept = secrets.places(tx)
    return [
        _line(
            name,
            listed.get(name),
            connected.get(name),
            attempts.get(name),
            soon.get(name),
            ACCOUNT + name in kept,
        )
        for name in [*listed, *(n for n in connected if n not in listed)]
    ]


def line_of(context: Context, actor: Actor, name: str) -> AccountLine:
    """One account; NotFound when there is none."""
    for line in overview(context, actor):
        if line.name == name:
            return line
    raise NotFound(f"There is no account {name[:40]!r}.", "Go on from the list of accounts.")


def entry_of(context: Context, actor: Actor, name: str) -> AccountEntry:
    """An account as accounts.yaml has it: what can be connected."""
    actor.require(Right.ADMIN)
    found = entries(context).get(name)
    if found is None:
        raise NotFound(f"accounts.yaml has no {name[:40]}.", "Write it there first.")
    return found


def _line(
    name: str,
    entry: AccountEntry | None,
    account: Account | None,
    attempt: Connecting | None,
    ending: Ending | None,
    keys_kept: bool,
) -> AccountLine:
    shown = account or entry
    return AccountLine(
        name=name,
        platform=shown.platform if shown else "",
        handle=(shown.handle if shown else "").removeprefix("@"),
        language=shown.language if shown else "",
        entry=entry,
        account=account,
        attempt=view_of(attempt) if attempt else None,
        ending=ending,
        keys_kept=keys_kept,
    )

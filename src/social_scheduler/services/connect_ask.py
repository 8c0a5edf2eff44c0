"""A worker ends what a person began: it opens what was sealed, asks whose the keys are, keeps them.

When anything is wrong nothing is kept, and the old keys go on working.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import Conflict, NotAllowed, SchedulerError
from social_scheduler.platforms import Connection, Platform, SignInRequest
from social_scheduler.services.accounts import allowed_server, keep, keys_to_keep, platform_named
from social_scheduler.services.actor import Right, rights_of
from social_scheduler.services.asking import ask
from social_scheduler.services.connect import AT_SANDBOX, entry_in, fail, place_of, sign_in_of
from social_scheduler.services.connect_app import whole_app
from social_scheduler.services.connect_sandbox import keys_from_sandbox
from social_scheduler.services.context import Context
from social_scheduler.store import connecting as store
from social_scheduler.store import people
from social_scheduler.store.steps import By
from social_scheduler.store.tables import Connecting, ConnectingState

ASKING = timedelta(minutes=2)
"""How long a worker may be silent while it asks; nobody repeats it, for a code counts once."""
KEPT = timedelta(days=7)
"""How long the outcome can be looked up."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks the networks: a worker, or the command line on a worker's machine."""

    name: str
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    told: Callable[[str], None] = lambda _: None

    def connection(
        self,
        server: str,
        keys: Mapping[str, str],
        renewed: Callable[[Mapping[str, str]], None] | None = None,
    ) -> Connection:
        """How to reach a network with keys that are not kept yet."""
        return Connection(server, dict(keys), self.connect_timeout, self.read_timeout, renewed)


def ask_waiting(context: Context, asker: Asker) -> int:
    """A worker's half, for everything that waits; answers how many were asked."""
    now = context.now()
    with context.database.read() as tx:
        numbers, lapsed = store.waiting(tx), store.lapsed(tx, now)
    for row in lapsed:
        _lapse(context, row, now)
    return sum(ask_one(context, number, asker) for number in numbers)


def ask_one(context: Context, number: int, asker: Asker) -> bool:
    """A worker's half for one attempt; False: another worker is at it."""
    until = context.now() + ASKING
    with context.database.work() as tx:
        taken = store.move(
            tx,
            number,
            ConnectingState.WAITING,
            ConnectingState.ASKING,
            worker=asker.name,
            ends_at=until,
        )
        row = store.numbered(tx, number) if taken else None
    if row is None:
        return False
    try:
        outcome = _ask(context, row, asker)
    except SchedulerError as problem:
        outcome = f"failed — {problem}"
        with context.database.write() as tx:
            fail(tx, row, problem.problem, problem.remedy, context.now())
    except Exception as unforeseen:  # noqa: BLE001 - one attempt must not stop the worker
        name = type(unforeseen).__name__
        outcome = f"failed — unforeseen: {name}"
        with context.database.write() as tx:
            fail(tx, row, f"Something unforeseen happened: {name}.", "Report it.", context.now())
    asker.told(f"{row.account}: {outcome}")
    return True


def _ask(context: Context, row: Connecting, asker: Asker) -> str:
    entry = entry_in(row)
    platform = platform_named(context, entry.platform)
    server = allowed_server(context, entry.platform, row.server)
    keys = {k: v for k, v in _keys(context, row, entry, platform, asker).items() if v.strip()}
    identity = ask(platform.identify, asker.connection(server, keys, keys_to_keep(keys)))
    now = context.now()
    with context.database.write() as tx:
        person = people.person_named(tx, row.person)
        if person is None or not person.active or Right.ADMIN not in rights_of(person.roles):
            raise NotAllowed(f"{row.person} is no admin any more.", "Another admin connects it.")
        account = keep(tx, context, entry, server, identity, keys, By(row.person, now))
        told = f"{account.handle} ({account.native_id}) at {server}"
        done = store.move(
            tx,
            row.id,
            ConnectingState.ASKING,
            ConnectingState.CONNECTED,
            outcome=told,
            finished_at=now,
            **store.FORGOTTEN,
        )
        if not done:
            raise Conflict(f"{entry.name} is being connected anew.", "See how that goes.")
    return f"connected as {told}"


def _keys(
    context: Context, row: Connecting, entry: AccountEntry, platform: Platform, asker: Asker
) -> Mapping[str, str]:
    """The keys that an attempt is about."""
    ours = context.vault.open(row.ours or b"", place_of(row, entry, "ours"), 1)
    if AT_SANDBOX in ours:
        return keys_from_sandbox(context, entry)
    if row.theirs is None:
        return ours
    code = context.vault.open(row.theirs, place_of(row, entry, "theirs"), 1)["code"]
    with context.database.read() as tx:
        app = whole_app(tx, context, entry.platform, row.server, platform)
    request = SignInRequest(
        server=row.server,
        app=app,
        redirect_url=row.redirect_url or "",
        state=ours["state"],
        verifier=ours["verifier"],
    )
    exchange = sign_in_of(platform).exchange
    found: Mapping[str, str] = ask(exchange, asker.connection(row.server, {}), request, code)
    return found


def _lapse(context: Context, row: Connecting, now: datetime) -> None:
    why = {
        ConnectingState.BEGUN: ("Nobody came back from the network.", "Connect it anew."),
        ConnectingState.WAITING: (
            "No worker asked the network.",
            "Start one that holds the workers' key (social-scheduler work), and connect it anew.",
        ),
    }.get(row.state, ("The worker stopped while it asked the network.", "Connect it anew."))
    with context.database.write() as tx:
        fail(tx, row, *why, now)
        store.forget(tx, now - KEPT)

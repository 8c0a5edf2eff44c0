"""A person begins to connect an account: what is pasted, or what a network sends back, is sealed.

The other half is a worker's (connect_ask.py): it alone opens what is sealed here.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from pydantic import ValidationError

from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound
from social_scheduler.platforms import Platform, SignIn, SignInRequest
from social_scheduler.services.accounts import (
    allowed_address,
    allowed_server,
    own_keys,
    platform_named,
    server_for,
)
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.connect_app import known_app, require_way_back
from social_scheduler.services.context import Context
from social_scheduler.store import connecting as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import By, remember
from social_scheduler.store.tables import Connecting, ConnectingState

LASTS = timedelta(minutes=10)
"""How long a person may take at the network, and a worker afterwards."""
ANEW = "It was begun anew."
AT_SANDBOX = "make it at the sandbox"
"""What is sealed, in a rehearsal, in place of keys."""


def callback_path(platform: str) -> str:
    """Where a network sends people back to; each its own, so that no other answers in its name."""
    return f"/accounts/callback/{platform}"


@dataclass(frozen=True, slots=True)
class ConnectingView:
    """One attempt, for people: never anything that is sealed."""

    id: int
    account: str
    platform: str
    state: str
    person: str
    begun_at: datetime
    outcome: str
    remedy: str
    finished_at: datetime | None


def entry_in(row: Connecting) -> AccountEntry:
    """The account that an attempt is about, as accounts.yaml had it; Conflict where that is gone."""
    try:
        return AccountEntry.model_validate(row.entry)
    except ValidationError:
        raise Conflict("What is kept of this attempt was changed.", "Connect it anew.") from None


def place_of(row: Connecting, entry: AccountEntry, what: str) -> str:
    """Where what an attempt holds belongs: its account, network and server stand in the box."""
    return f"connecting/{row.id}/{entry.name}@{entry.platform}@{row.server}/{what}"


def sign_in_of(platform: Platform) -> SignIn:
    """How a network's accounts are connected in a browser; InvalidInput where they are not."""
    if platform.sign_in is None:
        raise InvalidInput(
            f"{platform.label} has no way to connect an account in the browser.",
            f"Give its keys: {', '.join(platform.keys)}.",
        )
    return platform.sign_in


def begin_sign_in(
    context: Context, actor: Actor, entry: AccountEntry, redirect_url: str, *, here: bool
) -> tuple[int, str]:
    """Begin to connect an account in a browser: the attempt's number, and where to send the person.

    `here`: it belongs to this session alone (the web); else to the person, wherever they are
    signed in.
    """
    actor.require(Right.ADMIN)
    platform = platform_named(context, entry.platform)
    sign_in = sign_in_of(platform)
    server = allowed_server(context, entry.platform, server_for(context, entry))
    with context.database.write() as tx:
        app = known_app(tx, entry.platform, server, platform)
        require_way_back(tx, entry.platform, server, platform, redirect_url)
        request = SignInRequest(
            server=server,
            app=app,
            redirect_url=redirect_url,
            state=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(64),
        )
        address = sign_in.address(request)
        _require_elsewhere(context, address)
        row = _begin(tx, context, actor, entry, server, ConnectingState.BEGUN)
        row.state_digest = _digest(request.state)
        row.redirect_url = redirect_url
        row.token_id = actor.token_id if here else None
        ours = {"state": request.state, "verifier": request.verifier}
        row.ours = context.vault.seal(tx, place_of(row, entry, "ours"), 1, ours)
        tx.flush()
        return row.id, address


def come_back(
    context: Context, actor: Actor, platform: str, state: str, code: str, refused: str = ""
) -> int:
    """The network sent the person back, with a code or without: sealed at once, for a worker.

    Each state counts once, for the session that it was made for, for ten minutes.
    """
    actor.require(Right.ADMIN)
    now = context.now()
    with context.database.write() as tx:
        row = store.by_state(tx, _digest(state))
        if row is None or row.entry.get("platform") != platform:
            raise Conflict(
                "This sign-in is not known here, or was used already.", "Connect the account anew."
            )
        theirs = row.token_id == actor.token_id if row.token_id else row.person_id == actor.id
        if not theirs:
            raise NotAllowed("Somebody else began this sign-in.", "Connect the account anew.")
        if row.ends_at <= now:
            fail(tx, row, "The sign-in took longer than ten minutes.", "Connect it anew.", now)
        elif refused or not code:
            label = platform_named(context, platform).label
            word = refused if re.fullmatch(r"[a-z0-9_.-]{1,60}", refused) else "no code"
            fail(tx, row, f"{label} did not agree: {word}.", "Connect it anew.", now)
        else:
            place = place_of(row, entry_in(row), "theirs")
            sealed = context.vault.seal(tx, place, 1, {"code": code})
            store.move(
                tx,
                row.id,
                ConnectingState.BEGUN,
                ConnectingState.WAITING,
                state_digest=None,
                theirs=sealed,
                ends_at=now + LASTS,
            )
        return row.id


def begin_with_keys(
    context: Context, actor: Actor, entry: AccountEntry, keys: Mapping[str, str]
) -> int:
    """Seal pasted keys at once; a worker asks whose they are."""
    actor.require(Right.ADMIN)
    return _sealed(context, actor, entry, own_keys(context, entry, keys))


def begin_at_sandbox(context: Context, actor: Actor, entry: AccountEntry) -> int:
    """In a rehearsal: a worker makes the account at the sandbox and connects it."""
    actor.require(Right.ADMIN)
    if context.kind != "rehearsal":
        raise NotAllowed("A live workspace has no sandbox.", "Connect the account at its network.")
    return _sealed(context, actor, entry, {AT_SANDBOX: "yes"})


def _sealed(context: Context, actor: Actor, entry: AccountEntry, values: Mapping[str, str]) -> int:
    server = allowed_server(context, entry.platform, server_for(context, entry))
    with context.database.write() as tx:
        row = _begin(tx, context, actor, entry, server, ConnectingState.WAITING)
        row.ours = context.vault.seal(tx, place_of(row, entry, "ours"), 1, values)
        tx.flush()
        return row.id


def _begin(
    tx: Transaction,
    context: Context,
    actor: Actor,
    entry: AccountEntry,
    server: str,
    state: ConnectingState,
) -> Connecting:
    now = context.now()
    store.end_open(tx, ANEW, now, entry.name)
    row = Connecting(
        account=entry.name,
        entry=entry.model_dump(mode="json"),
        server=server,
        state=state,
        person=actor.name,
        person_id=actor.id,
        begun_at=now,
        ends_at=now + LASTS,
    )
    remember(tx, actor.by(now, f"{entry.name} at {server}"), "begin_connecting")
    return store.add(tx, row)


def _require_elsewhere(context: Context, address: str) -> None:
    """The address that a person is sent to is one that this workspace may use."""
    if not (address.isascii() and address.isprintable() and " " not in address):
        raise NotAllowed("The network's module made up an address that is none.")
    parts = urlsplit(address)
    allowed_address(context, f"{parts.scheme}://{parts.netloc}")


def look_at(context: Context, actor: Actor, number: int) -> ConnectingView:
    """How far an attempt is."""
    actor.require(Right.ADMIN)
    with context.database.read() as tx:
        row = store.numbered(tx, number)
    if row is None:
        raise NotFound("There is no such attempt to connect an account.", "Begin it anew.")
    return view_of(row)


def view_of(row: Connecting) -> ConnectingView:
    """An attempt without what is sealed."""
    return ConnectingView(
        row.id,
        row.account,
        str(row.entry.get("platform", "")),
        row.state.value,
        row.person,
        row.begun_at,
        row.outcome or "",
        row.remedy or "",
        row.finished_at,
    )


def fail(tx: Transaction, row: Connecting, why: str, remedy: str, now: datetime) -> None:
    """End an attempt, if nobody else has; nothing that it holds is kept."""
    if store.move(
        tx,
        row.id,
        row.state,
        ConnectingState.FAILED,
        outcome=why,
        remedy=remedy,
        finished_at=now,
        **store.FORGOTTEN,
    ):
        remember(tx, By(row.person, now, f"{row.account}: {why}"), "fail_connecting")


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()

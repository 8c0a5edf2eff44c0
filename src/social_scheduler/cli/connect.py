"""accounts connect: by keys, at the sandbox, or in a browser at the network."""

from __future__ import annotations

import json as json_format
import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer

from social_scheduler.app import Opened
from social_scheduler.campaign.load import load_accounts
from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.cli.shared import Json, Workspace, acting, bad, emit, good, note, secret
from social_scheduler.errors import InvalidCampaign, InvalidInput, NotFound
from social_scheduler.platforms import named
from social_scheduler.services import accounts as service
from social_scheduler.services import connect
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.connect_ask import Asker, ask_one
from social_scheduler.services.connect_sandbox import keys_from_sandbox
from social_scheduler.store.tables import Account

KeysFile = Annotated[
    Path | None,
    typer.Option("--keys-file", help="JSON with the keys; without: asked for, one by one."),
]
Names = Annotated[
    list[str] | None, typer.Argument(help="Names in accounts.yaml.", metavar="[NAME]...")
]
_BY_NAME = 'Give the keys by name: {"access_token": "…"}.'
All = Annotated[bool, typer.Option("--all", help="Every account of accounts.yaml.")]


def connect_accounts(
    names: Names = None,
    every: All = False,
    keys_file: KeysFile = None,
    with_keys: Annotated[
        bool,
        typer.Option(
            "--with-keys", help="Give its keys also where the network would ask in a browser."
        ),
    ] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Connect accounts, or connect them again: asks the network whose keys these are (admins only).

    Where the network signs people in, an address is shown to open in a browser; elsewhere the keys
    are asked for. In a rehearsal workspace the account is made at the sandbox, which must be
    running.
    """
    with acting(workspace) as (found, actor):
        actor.require(Right.ADMIN)
        entries = _entries(found, names or [], every)
        if keys_file is not None and len(entries) != 1:
            raise InvalidInput("A file of keys is for one account.", "Name one account.")
        if with_keys and keys_file is None and found.context.kind == "rehearsal":
            note("This is a rehearsal: the sandbox makes the keys, so --with-keys asks for none.")
        pasted = with_keys or keys_file is not None or found.context.kind == "rehearsal"
        by_keys = [e for e in entries if pasted or _by_keys(e)]
        connected = [
            service.connect_account(found.context, actor, e, _keys(found, e, keys_file))
            for e in by_keys
        ]
        begun = [_sign_in(found, actor, e) for e in entries if e not in by_keys]
    if json:
        emit([*map(shown, connected), *begun])
    for account in connected if not json else ():
        good(f"{account.name} is @{account.handle} ({account.native_id}) at {account.server}")
    if any(view.state == "failed" for view in begun):
        raise typer.Exit(1)


def _by_keys(entry: AccountEntry) -> bool:
    """Whether its keys are given here: the network has no other way, or they are in the environment."""
    platform = named(entry.platform)
    if platform.sign_in is None:
        return True
    return bool(platform.keys) and all(
        f"SOCIAL_SCHEDULER_{k.upper()}" in os.environ for k in platform.keys
    )


def _sign_in(found: Opened, actor: Actor, entry: AccountEntry) -> connect.ConnectingView:
    """Send the person to the network, and take what it gives back."""
    context = found.context
    redirect = found.settings.origin + connect.callback_path(entry.platform)
    number, address = connect.begin_sign_in(context, actor, entry, redirect, here=False)
    note(
        f"{entry.name}: open this address in a browser that is signed in to the network as "
        f"@{entry.handle.removeprefix('@')}, and agree:"
    )
    note(f"  {address}")
    if sys.stdin.isatty():
        _take_answer(found, actor, entry)
    if context.vault.can_open:
        settings = found.settings
        asker = Asker("command line", settings.connect_timeout, settings.read_timeout)
        ask_one(context, number, asker)
    view = connect.look_at(context, actor, number)
    if view.state == "connected":
        good(f"{entry.name} is {view.outcome}")
    elif view.state == "failed":
        bad(f"{entry.name}: {view.outcome} {view.remedy}")
    elif view.state == "begun":
        note(f"{entry.name} is connected when you come back to the desk from there.")
    else:
        note(f"{entry.name}: a worker asks the network now. See social-scheduler accounts list.")
    return view


def _take_answer(found: Opened, actor: Actor, entry: AccountEntry) -> None:
    given = secret(
        "Then paste the address it sent the browser to; or nothing, when the desk has taken it",
        None,
        "",
        empty=True,
    ).strip()
    if not given:
        return
    fields = parse_qs(urlsplit(given).query)
    state, code, refused = (fields.get(name, [""])[0] for name in ("state", "code", "error"))
    if not state:
        raise InvalidInput(
            "That address carries no answer of the network.", "Copy the whole of it."
        )
    connect.come_back(found.context, actor, entry.platform, state, code, refused)


def _entries(found: Opened, names: list[str], every: bool) -> list[AccountEntry]:
    path = found.context.root / "campaigns" / "accounts.yaml"
    loaded = load_accounts(path, found.context.root)
    if loaded.model is None:
        raise InvalidCampaign(loaded.findings)
    listed = {a.name: a for a in loaded.model.accounts}
    if every:
        return list(listed.values())
    if not names:
        raise InvalidInput("Which account?", f"Name one, or say --all: {', '.join(listed)}.")
    for name in names:
        if name not in listed:
            raise NotFound(f"accounts.yaml has no {name}.", f"It has: {', '.join(listed)}.")
    return [listed[name] for name in names]


def _keys(found: Opened, entry: AccountEntry, file: Path | None) -> dict[str, str]:
    if file is not None:
        return from_file(file)
    if found.context.kind == "rehearsal":
        return keys_from_sandbox(found.context, entry)
    context = found.context
    server = service.allowed_server(context, entry.platform, service.server_for(context, entry))
    host = urlsplit(server).netloc
    return asked_for(f"{entry.name} at {host}", named(entry.platform).keys)


def from_file(file: Path) -> dict[str, str]:
    """Keys by name, from a JSON object."""
    try:
        keys = json_format.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(f"There is no file {file}.", "Correct its name.") from None
    except OSError as problem:
        raise InvalidInput(f"{file} cannot be read: {problem.strerror}.") from None
    except ValueError:
        raise InvalidInput(f"{file} is not JSON.", _BY_NAME) from None
    if not isinstance(keys, dict):
        raise InvalidInput(f"{file} is not a JSON object.", _BY_NAME)
    return {str(k): str(v) for k, v in keys.items()}


def asked_for(
    whose: str, names: tuple[str, ...], *, optional: tuple[str, ...] = ()
) -> dict[str, str]:
    """Keys by name, each from the environment or asked for without being shown."""
    return {
        key: secret(
            f"{whose}: {key}",
            None,
            f"SOCIAL_SCHEDULER_{key.upper()}",
            option="--keys-file",
            empty=key in optional,
        )
        for key in names
    }


def shown(account: Account) -> dict[str, object]:
    """A connected account, for programs: never a key."""
    return {
        "name": account.name,
        "platform": account.platform,
        "handle": account.handle,
        "language": account.language,
        "server": account.server,
        "native_id": account.native_id,
        "state": account.state,
        "trouble": account.trouble,
        "scopes": account.scopes,
        "keys_end": account.ends_at,
        "asked_at": account.asked_at,
    }

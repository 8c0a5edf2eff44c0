"""accounts add | list."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.app import Opened
from social_scheduler.campaign.load import load_accounts
from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.cli.shared import Json, Workspace, acting, emit, good, moment, secret, table
from social_scheduler.errors import InvalidCampaign, InvalidInput, NotFound, WorkspaceError
from social_scheduler.platforms import named
from social_scheduler.services import accounts as service
from social_scheduler.services.actor import Right
from social_scheduler.store.tables import Account

accounts = typer.Typer(help="The accounts we speak through.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(accounts, name="accounts")


@accounts.command("add")
def add(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names in accounts.yaml.", metavar="[NAME]...")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every account of accounts.yaml.")] = False,
    keys_file: Annotated[
        Path | None,
        typer.Option("--keys-file", help="JSON with the keys; without: asked for, one by one."),
    ] = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Connect accounts: asks the network whose keys these are (admins only).

    In a rehearsal workspace the account is made at the sandbox, which must be running.
    """
    with acting(workspace) as (found, actor):
        actor.require(Right.ADMIN)
        entries = _entries(found, names or [], every)
        if keys_file is not None and len(entries) != 1:
            raise InvalidInput("A file of keys is for one account.", "Name one account.")
        connected = [
            service.connect_account(found.context, actor, e, _keys(found, e, keys_file))
            for e in entries
        ]
    if json:
        emit([_shown(a) for a in connected])
        return
    for account in connected:
        good(f"{account.name} is @{account.handle} ({account.native_id}) at {account.server}")


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
        try:
            keys = json_format.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InvalidInput(
                f"{file} cannot be read as JSON.", "Give the keys by name."
            ) from None
        if not isinstance(keys, dict):
            raise InvalidInput(f"{file} is not a JSON object.", "Give the keys by name.")
        return {str(k): str(v) for k, v in keys.items()}
    if found.context.kind == "rehearsal":
        return _keys_from_sandbox(found, entry)
    return {
        key: secret(
            f"{entry.name}: {key}",
            None,
            f"SOCIAL_SCHEDULER_{key.upper()}",
            option="--keys-file",
        )
        for key in named(entry.platform).keys
    }


def _keys_from_sandbox(found: Opened, entry: AccountEntry) -> dict[str, str]:
    import requests

    url = found.context.sandbox_url
    service.allowed_server(found.context, entry.platform, url)
    body = {
        "handle": entry.handle.removeprefix("@"),
        "name": entry.name,
        "language": entry.language,
        "again": True,
    }
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy: the sandbox is on this machine
            answer = session.post(
                f"{url}/sandbox/accounts", json=body, timeout=10, allow_redirects=False
            )
    except requests.RequestException:
        raise WorkspaceError(
            f"The sandbox does not answer at {url}.",
            "Start it in another terminal: social-scheduler sandbox",
        ) from None
    if not answer.ok:
        raise InvalidInput(
            f"The sandbox refused the account {entry.handle}: {answer.text[:200]}",
            "Correct accounts.yaml.",
        )
    made = answer.json()
    return {key: str(made[key]) for key in named(entry.platform).keys}


@accounts.command("list")
def list_accounts(workspace: Workspace = Path(), json: Json = False) -> None:
    """The connected accounts, and how they are."""
    with acting(workspace) as (found, actor):
        connected = service.list_accounts(found.context, actor)
    if json:
        emit([_shown(a) for a in connected])
        return
    table(
        "name",
        "network",
        "handle",
        "language",
        "state",
        "connected",
        rows=[
            [
                a.name,
                a.platform,
                f"@{a.handle}",
                a.language,
                f"{a.state.value}: {a.trouble}" if a.trouble else a.state.value,
                moment(a.connected_at),
            ]
            for a in connected
        ],
        empty="No account is connected. An admin runs: social-scheduler accounts add NAME",
    )


def _shown(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "platform": account.platform,
        "handle": account.handle,
        "language": account.language,
        "server": account.server,
        "native_id": account.native_id,
        "state": account.state,
        "trouble": account.trouble,
    }

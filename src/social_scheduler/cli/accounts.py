"""accounts connect | app | check | list | disconnect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.cli.connect import (
    KeysFile,
    asked_for,
    connect_accounts,
    from_file,
    shown,
)
from social_scheduler.cli.shared import (
    Json,
    Workspace,
    acting,
    ask,
    bad,
    emit,
    good,
    moment,
    note,
    table,
)
from social_scheduler.services import accounts as service
from social_scheduler.services import connect, connect_app, keys_check
from social_scheduler.services.actor import Right
from social_scheduler.services.connect_ask import Asker
from social_scheduler.services.connect_list import not_listed

accounts = typer.Typer(help="The accounts we speak through.", no_args_is_help=True)
accounts.command("connect")(connect_accounts)
accounts.command("add", hidden=True)(connect_accounts)  # its name until 0.1


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(accounts, name="accounts")


@accounts.command("app")
def app_keys(
    network: Annotated[
        str, typer.Argument(help="The network's module, such as x.", metavar="[NETWORK]")
    ] = "",
    server: Annotated[
        str, typer.Option("--server", help="Its server, for networks that have many.")
    ] = "",
    register: Annotated[
        bool, typer.Option("--register", help="Have the server make the app, where it does that.")
    ] = False,
    keys_file: KeysFile = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Keep what our app is known by at a network that signs people in; without NETWORK: list them.

    The network wants to be told the address that it sends people back to: it is shown first.
    In a rehearsal workspace the sandbox makes the app, unless --keys-file gives one.
    """
    with acting(workspace) as (found, actor):
        context = found.context
        if network:
            where = connect_app.app_server(context, network, server or None)
            redirect = found.settings.origin + connect.callback_path(network)
            sign_in = connect.sign_in_of(service.platform_named(context, network))
            register = register or (found.context.kind == "rehearsal" and keys_file is None)
            if register:
                connect_app.register_app(context, actor, network, where, redirect)
            else:
                actor.require(Right.ADMIN)
                note(f"The address that {where} sends people back to: {redirect}")
                given = (
                    from_file(keys_file)
                    if keys_file
                    else asked_for(network, sign_in.app_keys, optional=sign_in.optional)
                )
                connect_app.keep_app(context, actor, network, where, given)
        apps = connect_app.list_apps(context, actor)
    if json:
        emit([{"platform": a.platform, "server": a.server, "public": a.public} for a in apps])
        return
    if network:
        if register:
            good(f"{where} knows our app, and sends people back to {redirect}")
        else:
            good(f"Our app at {where} is kept. It was not asked; connecting an account does that.")
        if found.context.kind == "rehearsal":
            note("Next, to rehearse a sign-in: on the desk, Accounts, the account, Connect at …")
        else:
            note("Next: social-scheduler accounts connect NAME")
        return
    table(
        "network",
        "server",
        "known by",
        "sends people back to",
        "since",
        rows=[
            [
                a.platform,
                a.server,
                ", ".join(str(v) for k, v in a.public.items() if k != connect_app.REDIRECT),
                str(a.public.get(connect_app.REDIRECT, "")),
                moment(a.kept_at),
            ]
            for a in apps
        ],
        empty="No network knows our app. An admin runs: social-scheduler accounts app NETWORK",
    )


@accounts.command("check")
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Connected accounts; without: all.", metavar="[NAME]..."),
    ] = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Ask the networks now: whose keys, what they may do, until when. Exits 3 for a person's work."""
    with acting(workspace) as (found, actor):
        settings = found.settings
        asker = Asker(actor.name, settings.connect_timeout, settings.read_timeout)
        checked = keys_check.check_accounts(found.context, actor, names or [], asker)
    if json:
        emit(checked)
    for one in checked if not json else ():
        if not one.listed:
            note(f"{one.account}: {_forgotten(one.account)}")
            continue
        tell = bad if one.problems else good
        until = f"; keys end {moment(one.ends_at)}" if one.ends_at else ""
        tell(f"{one.account} is @{one.handle} at {one.server}{until}")
        for problem in one.problems:
            bad(f"  {problem}")
        if one.scopes:
            note(f"  may: {', '.join(one.scopes)}")
        if one.told:
            note(f"  its own limits: {', '.join(f'{k} {v:,}' for k, v in one.told.items())}")
    if any(one.problems for one in checked):
        raise typer.Exit(3)


@accounts.command("list")
def list_accounts(workspace: Workspace = Path(), json: Json = False) -> None:
    """The connected accounts, and how they are."""
    with acting(workspace) as (found, actor):
        connected = service.list_accounts(found.context, actor)
        gone = not_listed(found.context, [a.name for a in connected])
    if json:
        emit([shown(a) | {"listed": a.name not in gone} for a in connected])
        return
    table(
        "name",
        "network",
        "handle",
        "language",
        "server",
        "state",
        "connected",
        "keys end",
        rows=[
            [
                a.name,
                a.platform,
                f"@{a.handle}",
                a.language,
                a.server,
                f"{a.state.value}: {a.trouble}" if a.trouble else a.state.value,
                moment(a.connected_at),
                moment(a.ends_at),
            ]
            for a in connected
        ],
        empty="No account is connected. An admin runs: social-scheduler accounts connect NAME",
    )
    for account in connected:
        if account.name in gone:
            note(f"{account.name}: {_forgotten(account.name)}")


def _forgotten(name: str) -> str:
    return (
        "no longer in accounts.yaml. To forget its keys: "
        f"social-scheduler accounts disconnect {name}"
    )


@accounts.command("disconnect")
def disconnect(
    name: Annotated[str, typer.Argument(help="A connected account.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Forget an account's keys: nothing is said through it until it is connected again (admins)."""
    with acting(workspace) as (found, actor):
        actor.require(Right.ADMIN)
        if not yes:
            ask(f"The keys of {name} are deleted, and nothing goes out through it. Disconnect it?")
        waiting = service.disconnect_account(found.context, actor, name)
    if json:
        emit({"disconnected": name, "open": waiting.own, "bound": waiting.bound})
        return
    good(f"{name} is disconnected: its keys are gone, its history stays.")
    note("End its access at the network too: there the keys go on working.")
    if waiting.own:
        bound = f", and {waiting.bound} that go out together with them," if waiting.bound else ""
        bad(
            f"{waiting.own} to be said through it{bound} stay queued, and are missed when their "
            "window closes before it is connected again."
        )

"""sandbox: networks to rehearse on, and their ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from social_scheduler.cli.shared import Json, Workspace, emit, good, note, out, table
from social_scheduler.config import load_settings
from social_scheduler.errors import InvalidInput, NotFound

LEDGER_FILE = "sandbox.db"

sandbox = typer.Typer(help="Networks to rehearse on.", invoke_without_command=True)

Ledger = Annotated[
    Path | None,
    typer.Option("--ledger", help=f"Its ledger; without: {LEDGER_FILE} in the workspace."),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(sandbox, name="sandbox")


@sandbox.callback()
def start(
    context: typer.Context,
    workspace: Workspace = Path(),
    ledger: Ledger = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; without: as in the settings.")
    ] = None,
    json: Json = False,
) -> None:
    """Run the rehearsal networks until they are stopped. Nothing on them is public."""
    if context.invoked_subcommand:
        return
    from social_scheduler import sandbox as network

    url = urlsplit(load_settings(workspace.resolve()).sandbox_url)

    def ready(address: str) -> None:
        if json:
            emit({"address": address})
        else:
            good(f"The rehearsal networks are at {address}")
            note("Open it in a browser to see what their users see. Ctrl-C stops them.")

    try:
        network.serve(
            "127.0.0.1",
            (url.port or 8640) if port is None else port,
            _ledger(workspace, ledger),
            ready=ready,
        )
    except OSError as problem:
        raise InvalidInput(
            f"The rehearsal networks cannot start: {problem}.",
            "Choose another --port, or a --ledger in a folder that is there.",
        ) from None
    except sqlite3.DatabaseError as problem:
        raise InvalidInput(
            f"{_ledger(workspace, ledger)} cannot be used: {problem}.", "Name another --ledger."
        ) from None


@sandbox.command("ledger")
def show_ledger(
    workspace: Workspace = Path(),
    ledger: Ledger = None,
    network: Annotated[
        str | None, typer.Option("--network", help="One network's only, such as mastodon.")
    ] = None,
    json: Json = False,
) -> None:
    """Every post the rehearsal networks accepted, in order: the judge of what was said."""
    from social_scheduler.sandbox import read_ledger

    try:
        entries = read_ledger(_ledger(workspace, ledger), network=network)
    except FileNotFoundError:
        raise NotFound(
            f"There is no ledger {_ledger(workspace, ledger)}.", "Start: social-scheduler sandbox"
        ) from None
    except sqlite3.DatabaseError as problem:
        raise InvalidInput(
            f"{_ledger(workspace, ledger)} cannot be read as a ledger: {problem}.",
            "Name a sandbox's ledger.",
        ) from None
    if json:
        emit([entry.as_json() for entry in entries])
        return
    table(
        "received (UTC)",
        "network",
        "account",
        "text",
        "media",
        "reply to",
        rows=[
            [
                f"{e.received_at:%Y-%m-%d %H:%M:%S}",
                e.network,
                f"@{e.account}",
                e.text,
                str(len(e.media)),
                e.reply_to or "",
            ]
            for e in entries
        ],
        empty="Nothing was posted yet.",
    )
    out.print(f"{len(entries)} posts")


def _ledger(workspace: Path, ledger: Path | None) -> Path:
    return ledger or workspace.resolve() / LEDGER_FILE

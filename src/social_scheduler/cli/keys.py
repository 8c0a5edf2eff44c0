"""keys show | rotate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.cli.shared import Json, Workspace, acting, ask, bad, emit, good, note
from social_scheduler.services import keys_rotate

keys = typer.Typer(help="The key pair that accounts' keys are sealed with.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(keys, name="keys")


@keys.command("show")
def show(workspace: Workspace = Path(), json: Json = False) -> None:
    """The fingerprint of the public key, and whether this machine can open what is sealed to it."""
    with acting(workspace) as (found, actor):
        view = keys_rotate.show(found.context, actor)
        path = found.context.vault.folder.path
    if json:
        emit(view)
        return
    good(f"{view.sealed} secrets are sealed to {view.fingerprint}")
    if view.here:
        good(f"This machine opens them: {path}")
    else:
        note(f"This machine does not open them: {path} is missing, or is another key.")


@keys.command("rotate")
def rotate(
    lost: Annotated[
        bool,
        typer.Option(
            "--lost", help="The private key is gone for good: every account is connected again."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """A new key pair, with everything sealed anew. Copy the keys folder to other machines after."""
    with acting(workspace) as (found, actor):
        if lost:
            if not yes:
                ask(
                    "Everything that is sealed is dropped, and nothing is published until the "
                    "accounts are connected again. Is the workers' key really gone?"
                )
            count = keys_rotate.start_over(found.context, actor)
        view = (
            keys_rotate.show(found.context, actor)
            if lost
            else keys_rotate.rotate(found.context, actor)
        )
    if json:
        emit(view)
        return
    good(f"New keys: {view.fingerprint}. Sealed to them: {view.sealed}.")
    if lost:
        bad(f"To be connected again: {count} accounts, and before that our apps (accounts app).")
    for place in view.dropped:
        bad(f"Dropped, for it could not be opened: {place}. Connect it, or give its keys, again.")
    note("Workers on other machines need the new keys folder, copied by hand.")

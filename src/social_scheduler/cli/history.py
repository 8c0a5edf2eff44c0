"""history: what happened, to one post or to everything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.cli.shared import Json, Workspace, acting, emit, moment, out, told
from social_scheduler.services import reading


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("history")(history)
    app.command("published")(published)


def history(
    post: Annotated[
        str | None, typer.Argument(help="One post, as campaign/post.", metavar="[POST]")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many lines, the newest.")] = 100,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """What happened, oldest first: who, when, from, to, why."""
    with acting(workspace) as (found, actor):
        lines = reading.history(found.context, actor, post, limit=limit)
    if json:
        emit(lines)
        return
    if not lines:
        out.print("Nothing has happened yet.")
    for line in lines:
        out.print(told(line), markup=False)


def published(
    limit: Annotated[int, typer.Option(help="How many, the newest.")] = 50,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """What is live, newest first, with its address and its proof."""
    with acting(workspace) as (found, actor):
        lines = reading.published(found.context, actor, limit=limit)
    if json:
        emit(lines)
        return
    if not lines:
        out.print("Nothing has been published yet.")
    for line in lines:
        proof = line.verdict.value if line.verdict else "not read back yet"
        out.print(f"{moment(line.live_at)}  {line.reference} on {line.account}, proof: {proof}")
        out.print(f"  {line.url or 'no address'}", markup=False)

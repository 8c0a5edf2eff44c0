"""hold add | list | release, and settle: what only a person can decide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.cli.shared import (
    Json,
    Reference,
    Workspace,
    acting,
    ask,
    emit,
    good,
    moment,
    note,
    table,
    when,
)
from social_scheduler.errors import InvalidInput
from social_scheduler.services import hold as service
from social_scheduler.services import reading
from social_scheduler.services import remove as removing
from social_scheduler.services import settle as settling
from social_scheduler.store.tables import Hold

hold = typer.Typer(help="Stop everything, or a part of it, at once.", no_args_is_help=True)
settle = typer.Typer(help="Decide what only a person can decide.", no_args_is_help=True)

AccountName = Annotated[str, typer.Argument(help="The account.", metavar="ACCOUNT")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(hold, name="hold")
    app.add_typer(settle, name="settle")


@hold.command("add")
def add(
    reason: Annotated[str, typer.Option("--reason", help="Colleagues will read it.")],
    everything: Annotated[bool, typer.Option("--everything", help="Nothing goes out.")] = False,
    campaign: Annotated[str, typer.Option(help="A campaign.")] = "",
    account: Annotated[str, typer.Option(help="An account.")] = "",
    language: Annotated[str, typer.Option(help="A language.")] = "",
    tag: Annotated[str, typer.Option(help="A tag.")] = "",
    kind: Annotated[str, typer.Option(help="A kind of campaign.")] = "",
    post: Annotated[str, typer.Option(help="One post, as campaign/post.")] = "",
    until: Annotated[str | None, typer.Option(help="When it ends by itself.")] = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Place a hold: nothing that it matches is sent; what becomes due is missed."""
    named = {
        "campaign": campaign,
        "account": account,
        "language": language,
        "tag": tag,
        "kind": kind,
        "post": post,
    }
    given = {k: v for k, v in named.items() if v} | ({"everything": ""} if everything else {})
    if len(given) != 1:
        raise InvalidInput("A hold stops one thing.", "Say --everything, or one of the others.")
    scope, value = next(iter(given.items()))
    with acting(workspace) as (found, actor):
        placed = service.add_hold(
            found.context, actor, scope=scope, value=value, reason=reason, until=when(until)
        )
    emit(_shown(placed)) if json else good(f"Hold {placed.id}: {service.told(placed)}")


@hold.command("list")
def list_holds(
    every: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """The holds that stand."""
    with acting(workspace) as (found, actor):
        holds = service.list_holds(found.context, actor, every=every)
    if json:
        emit([_shown(h) for h in holds])
        return
    table(
        "id",
        "hold",
        "since",
        "until",
        "released",
        rows=[
            [
                str(h.id),
                service.told(h),
                moment(h.placed_at),
                moment(h.until),
                f"{h.released_by}, {moment(h.released_at)}" if h.released_by else "",
            ]
            for h in holds
        ],
        empty="No hold stands.",
    )


@hold.command("release")
def release(
    numbers: Annotated[
        list[int], typer.Argument(help="The holds' ids, from hold list.", metavar="ID...")
    ],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """End holds. Sends nothing by itself: what became due meanwhile is in settle list."""
    released = []
    with acting(workspace) as (found, actor):
        for number in numbers:
            released.append(service.release_hold(found.context, actor, number))
            if not json:
                good(f"Released: {service.told(released[-1])}")
    if json:
        shown = [_shown(one) for one in released]
        emit(shown[0] if len(shown) == 1 else shown)


@settle.command("list")
def list_unsettled(workspace: Workspace = Path(), json: Json = False) -> None:
    """What waits for a person: unconfirmed, partial, failed, missed, or not as approved."""
    with acting(workspace) as (found, actor):
        lines = reading.inbox(found.context, actor)
    if json:
        emit(lines)
        return
    table(
        "state",
        "post",
        "account",
        "due",
        "why",
        rows=[
            [
                line.state.value
                if line.state.value != "published"
                else f"live, {line.verdict.value if line.verdict else '?'}",
                line.reference,
                line.account,
                moment(line.due_at),
                line.trouble or ", ".join(line.fields),
            ]
            for line in lines
        ],
        empty="Nothing waits for a decision.",
    )


@settle.command("it-is-live")
def it_is_live(
    post: Reference,
    account: AccountName,
    url: Annotated[str, typer.Option("--url", help="Its address, from the network.")],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """You looked, and it is there."""
    with acting(workspace) as (found, actor):
        settling.it_is_live(found.context, actor, post, account, url)
    emit({"post": post, "account": account, "url": url}) if json else good(f"{post} is live: {url}")


@settle.command("send-again")
def send_again(
    post: Reference,
    account: AccountName,
    at: Annotated[str | None, typer.Option("--at", help="When; without: now.")] = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Send the same words again, in a new window, in your name. Parts that are live stay."""
    with acting(workspace) as (found, actor):
        window = settling.send_again(found.context, actor, post, account, at=when(at))
    if json:
        emit({"post": post, "account": account, "due": window.due_at, "until": window.not_after})
        return
    good(f"{post} to {account} is due {moment(window.due_at)}.")
    note("Its words must be approved by reviewers, as ever.")


@settle.command("drop")
def drop(
    post: Reference,
    account: AccountName,
    reason: Annotated[str, typer.Option("--reason", help="For the history.")] = "",
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Let it be: nothing more is sent of it."""
    with acting(workspace) as (found, actor):
        settling.drop(found.context, actor, post, account, reason)
    emit({"post": post, "account": account}) if json else good(f"{post} to {account} is dropped.")


@settle.command("seen")
def seen(
    post: Reference,
    account: AccountName,
    reason: Annotated[str, typer.Option("--reason", help="For the history.")],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """You looked at what is live in part, or not as approved, and it stays as it is."""
    with acting(workspace) as (found, actor):
        settling.acknowledge(found.context, actor, post, account, reason)
    emit({"post": post, "account": account}) if json else good(f"{post} to {account}: seen.")


@settle.command("remove")
def remove(
    post: Reference,
    account: AccountName,
    reason: Annotated[str, typer.Option("--reason", help="For the history.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Take down what is live. This is public, and cannot be undone."""
    with acting(workspace) as (found, actor):
        if not yes:
            ask(f"Take {post} down from {account}? Removing it is public.")
        parts = removing.remove(found.context, actor, post, account, reason)
    if json:
        emit({"post": post, "account": account, "parts": parts})
    else:
        good(f"{post} is taken down from {account}: {parts} part{'s' * (parts != 1)}.")


def _shown(placed: Hold) -> dict[str, object]:
    return {
        "id": placed.id,
        "scope": placed.scope,
        "value": placed.value,
        "reason": placed.reason,
        "placed_by": placed.placed_by,
        "placed_at": placed.placed_at,
        "until": placed.until,
        "released_by": placed.released_by,
        "released_at": placed.released_at,
    }

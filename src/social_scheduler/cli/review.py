"""review list | show | approve | request-changes | withdraw."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.cli.looks import print_choices, print_look, print_part
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
    out,
    plain,
    table,
    told,
)
from social_scheduler.lifecycle import OPEN, DeliveryState, PostState
from social_scheduler.services import reading
from social_scheduler.services import review as service
from social_scheduler.services.reading import LanguageView, Listed, PostView
from social_scheduler.services.review import Shown
from social_scheduler.services.views import said_of, said_of_post

Posts = Annotated[list[str], typer.Argument(help="Posts, as campaign/post.", metavar="POST...")]

review = typer.Typer(help="Look at what will be said, and decide.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(review, name="review")


@review.command("list")
def list_waiting(
    every: Annotated[bool, typer.Option("--all", help="Everybody's, not only mine.")] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """What awaits me, the nearest deadline first."""
    with acting(workspace) as (found, actor):
        waiting = reading.awaiting(found.context, actor, everybody=every)
    if json:
        emit(waiting)
        return
    table(
        "due",
        "post",
        "kind",
        "approvals",
        "",
        rows=[
            [
                f"{w.line.wall} {w.line.zone}",
                w.line.reference,
                w.line.kind,
                "; ".join(f"{k}: {v}" for k, v in w.missing.items()),
                w.why_not,
            ]
            for w in waiting
        ],
        empty="Nothing is in review."
        if every
        else "Nothing awaits you. (--all shows everybody's.)",
    )


@review.command("posts")
def list_posts(workspace: Workspace = Path(), json: Json = False) -> None:
    """Every post and where it stands, the earliest due first."""
    with acting(workspace) as (found, actor):
        listed = reading.posts(found.context, actor)
    if json:
        states = [{account: state for account, _, state in x.deliveries} for x in listed]
        emit([plain(x.line) | {"deliveries": d} for x, d in zip(listed, states, strict=True)])
        return
    table(
        "due",
        "post",
        "kind",
        "state",
        rows=[
            [f"{x.line.wall} {x.line.zone}", x.line.reference, x.line.kind, _stands(x)]
            for x in listed
        ],
        empty="Nothing is queued. Write a campaign file, then: social-scheduler queue",
    )


def _stands(listed: Listed) -> str:
    """Its review, and what came of its deliveries: the one word that covers all, or how many."""
    states, post = listed.states, listed.line.state
    word = said_of_post(post, states)
    if word != post.value:
        return word
    begun = Counter(s.value for s in states if s not in OPEN)
    if post is PostState.WITHDRAWN:
        del begun[DeliveryState.CANCELLED]
    told = [f"{count} of {len(states)} {state}" for state, count in begun.items()]
    if post is not PostState.APPROVED or not told:
        told.insert(0, word.replace("_", " "))
    return ", ".join(told)


@review.command("show")
def show(posts: Posts, workspace: Workspace = Path(), json: Json = False) -> None:
    """Posts with their exact words per account, approvals, deliveries and history."""
    with acting(workspace) as (found, actor):
        views = [reading.show(found.context, actor, post) for post in posts]
    if json:
        emit(views)
        return
    for view in views:
        _print(view)
        for language in view.languages:
            by = ", ".join(language.approved_by) or "nobody"
            lacks = view.line.state is PostState.IN_REVIEW and language.verdict.verdict.missing
            lacking = f"; {lacks}" if lacks else ""
            out.print(f"{language.language}: approved by {by}{lacking}")
        out.print()
        for line in view.history:
            out.print(told(line, of_one_post=True), markup=False)


@review.command("approve")
def approve(
    posts: Posts,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="Only these; without: all I read.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Approve what is shown without being asked.")
    ] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Approve exactly what this command shows: the words, in the languages you read, and the time."""
    results = []
    with acting(workspace) as (found, actor):
        for post in posts:
            view = reading.show(found.context, actor, post)
            mine = [
                v
                for v in view.languages
                if (v.language in language if language else v.language in actor.languages)
            ]
            if not json:
                _print(view, [v.language for v in mine])
            if not yes:
                ask(f"Approve this as {actor.name}?")
            shown = {
                v.language: Shown(v.verdict.content_digest, v.verdict.window_digest) for v in mine
            }
            missing = service.approve(found.context, actor, post, shown)
            lacks = {k: v for k, v in missing.items() if v}
            results.append({"post": post, "approved": list(shown), "lacks": lacks})
            if not json:
                good(f"{actor.name} approved {post} in {', '.join(shown)}.")
                lack = "; ".join(f"{k}: {v}" for k, v in lacks.items())
                line = view.line
                again = line.not_after <= found.context.now()  # a delivery that is sent again
                goes = (
                    "It goes out in its new window."
                    if again
                    else f"Goes out at {line.wall} {line.zone}."
                )
                note(f"Not yet approved: {lack}" if lacks else goes)
    if json:
        emit(results)


@review.command("request-changes")
def request_changes(
    post: Reference,
    reason: Annotated[str, typer.Option("--reason", help="What should be different.")],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Say no, with a reason, while anything of it is left to send. Every approval of it ends."""
    with acting(workspace) as (found, actor):
        service.request_changes(found.context, actor, post, reason)
    emit({"post": post}) if json else good(f"{post} goes back to its author: {reason}")


@review.command("withdraw")
def withdraw(
    post: Reference,
    reason: Annotated[str, typer.Option("--reason", help="For the history.")] = "",
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Never to be said. What is live or being sent right now stays."""
    with acting(workspace) as (found, actor):
        service.withdraw(found.context, actor, post, reason)
        view = reading.show(found.context, actor, post)
    states = {m.account: m.delivery.state for v in view.languages for m in v.messages if m.delivery}
    if json:
        emit({"post": post, "deliveries": states})
        return
    good(f"{post} is withdrawn.")
    for account, state in states.items():
        if state.value not in ("cancelled", "missed"):
            note(f"{account}: {state.value} — too late for this one")


def _print(view: PostView, languages: list[str] | None = None) -> None:
    line = view.line
    stands = said_of_post(line.state, view.states).replace("_", " ")
    out.print(f"[bold]{line.reference}[/]  {stands}, {line.kind}")
    out.print(line.title, markup=False)
    out.print(
        f"due {line.wall} {line.zone}{_in_utc(view)}, not after {moment(line.not_after)}; "
        f"written by {', '.join(view.written_by)}; revision {line.revision}",
        markup=False,
    )
    for language in view.languages:
        if languages is None or language.language in languages:
            _print_language(language, line.state)


def _in_utc(view: PostView) -> str:
    return "" if view.line.zone == "UTC" else f" ({moment(view.line.due_at)})"


def _print_language(language: LanguageView, post: PostState) -> None:
    for message in language.messages:
        print_look(message.platform, message.account, message.handle, message.language)
        print_choices(message.warning, message.told)
        for part in message.parts:
            print_part(part.look, part.number, len(message.parts))
            if part.url:
                out.print(f"[green]live[/] {part.url}")
        if message.delivery:
            trouble = f" — {message.delivery.trouble}" if message.delivery.trouble else ""
            out.print(f"{said_of(post, message.delivery.state)}{trouble}", markup=False)

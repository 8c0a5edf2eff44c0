"""people add | list | change | token, and the policy they review by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.campaign.load import load_policy
from social_scheduler.cli.shared import (
    Json,
    Workspace,
    acting,
    emit,
    good,
    note,
    secret,
    table,
    when,
)
from social_scheduler.cli.workspace import PASSWORD, PasswordFile
from social_scheduler.errors import InvalidCampaign
from social_scheduler.services import people as service
from social_scheduler.services.actor import ROLES, Right
from social_scheduler.services.review import apply_policy

Roles = Annotated[list[str], typer.Option("--role", help=f"Once for each: {', '.join(ROLES)}.")]
Languages = Annotated[
    list[str], typer.Option("--language", help="Once for each language they read.")
]

people = typer.Typer(help="Who may do what.", no_args_is_help=True)
token = typer.Typer(help="Tokens for scripts.", no_args_is_help=True)
policy = typer.Typer(help="How many people must approve what.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    people.add_typer(token, name="token")
    app.add_typer(people, name="people")
    app.add_typer(policy, name="policy")


@people.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Small letters, like amal.")],
    role: Roles,
    language: Languages = [],  # noqa: B006  (typer's way)
    workspace: Workspace = Path(),
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Enrol somebody (admins only)."""
    with acting(workspace) as (found, actor):
        actor.require(Right.ADMIN)
        password = secret(f"A password for {name}", password_file, PASSWORD)
        service.add_person(
            found.context, actor, name, roles=role, languages=language, password=password
        )
        if json:
            emit({"person": name, "roles": sorted(role), "languages": sorted(language)})
        else:
            good(
                f"{name} is enrolled: {', '.join(role)}; reads {', '.join(language) or 'nothing'}."
            )


@people.command("list")
def list_people(workspace: Workspace = Path(), json: Json = False) -> None:
    """Everyone, with roles and languages."""
    with acting(workspace) as (found, actor):
        everybody = service.list_people(found.context, actor)
    if json:
        emit(
            [
                {"name": p.name, "roles": p.roles, "languages": p.languages, "active": p.active}
                for p in everybody
            ]
        )
        return
    table(
        "name",
        "roles",
        "reads",
        "",
        rows=[
            [p.name, ", ".join(p.roles), ", ".join(p.languages), "" if p.active else "ended"]
            for p in everybody
        ],
        empty="Nobody yet.",
    )


@people.command("change")
def change(
    name: Annotated[str, typer.Argument(help="Whom.")],
    role: Annotated[
        list[str] | None, typer.Option("--role", help="The new roles, all of them.")
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="The new languages, all of them.")
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End their access now.")] = False,
    back: Annotated[bool, typer.Option("--back", help="Give their access back.")] = False,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Change roles or languages, or end somebody's access; what they approved may stop counting."""
    with acting(workspace) as (found, actor):
        active = False if end else True if back else None
        service.change_person(
            found.context,
            actor,
            name,
            roles=role or None,
            languages=language or None,
            active=active,
        )
    emit({"person": name}) if json else good(f"{name} is changed, from this moment on.")


@token.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="Whose token.")],
    right: Annotated[
        list[str], typer.Option("--right", help=f"Once for each: {', '.join(Right)}.")
    ],
    until: Annotated[str | None, typer.Option(help="Its last day; 90 days without.")] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "script",
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Make a token for a script. It is shown once, here, and never again."""
    with acting(workspace) as (found, actor):
        ends = when(until) or found.context.now() + timedelta(days=90)
        made = service.make_token(found.context, actor, name, rights=right, until=ends, label=label)
    if json:
        emit({"token": made, "until": ends})
        return
    note("Set it as SOCIAL_SCHEDULER_TOKEN. It is not shown again:")
    print(made)  # noqa: T201


@token.command("revoke")
def token_revoke(
    name: Annotated[str, typer.Argument(help="Whose tokens and sign-ins.")],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """End every token and sign-in of a person."""
    with acting(workspace) as (found, actor):
        ended = service.revoke_tokens(found.context, actor, name)
    emit({"ended": ended}) if json else good(f"{ended} tokens of {name} count no more.")


@policy.command("apply")
def policy_apply(
    file: Annotated[
        Path | None, typer.Argument(help="policy.yaml; without: the workspace's own.")
    ] = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Put a policy in force (admins only). The file alone changes nothing."""
    with acting(workspace) as (found, actor):
        path = file or found.context.root / "campaigns" / "policy.yaml"
        loaded = load_policy(path)
        if loaded.model is None:
            raise InvalidCampaign(loaded.findings)
        apply_policy(found.context, actor, loaded.model)
    emit(loaded.model.model_dump()) if json else good(f"The policy of {path} is in force.")

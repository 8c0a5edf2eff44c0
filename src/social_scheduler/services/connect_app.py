"""Our app at a network: what it is known by there, its secret part sealed."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from social_scheduler.errors import Conflict, InvalidInput
from social_scheduler.platforms import Connection, Platform
from social_scheduler.services.accounts import allowed_server, platform_named
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.connect_sandbox import app_from_sandbox
from social_scheduler.services.context import Context
from social_scheduler.services.keys import APP
from social_scheduler.store import secrets as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import remember
from social_scheduler.store.tables import NetworkApp

REDIRECT = "redirect_url"
"""Beside what our app is known by: the address that a server was told to send people back to."""


def place_of(platform: str, server: str) -> str:
    """Where the secret part of an app is kept."""
    return f"{APP}{platform}/{server}"


def app_server(context: Context, platform: str, server: str | None) -> str:
    """The server that an app is for: the one named, else the network's own."""
    default = platform_named(context, platform).default_url
    wanted = context.sandbox_url if context.kind == "rehearsal" else (server or default)
    return allowed_server(context, platform, wanted.rstrip("/"))


def keep_app(
    context: Context,
    actor: Actor,
    platform: str,
    server: str,
    keys: Mapping[str, str],
    redirect_url: str = "",
) -> None:
    """Keep what our app is known by, and the one address it may ask answers to, where we know it.

    An empty secret leaves the stored one, of the same app.
    """
    actor.require(Right.ADMIN)
    module = platform_named(context, platform)
    sign_in = module.sign_in
    if sign_in is None:
        raise InvalidInput(f"{module.label} needs no app: its accounts are connected by keys.")
    server = allowed_server(context, platform, server)
    given = {k: v for k in sign_in.app_keys if (v := keys.get(k, "").strip())}
    public = {k: given.pop(k) for k in sign_in.public if k in given}
    now = context.now()
    with context.database.write() as tx:
        known = store.app_of(tx, platform, server)
        before = dict(known.public) if known else {}
        kept_redirect = before.pop(REDIRECT, "")
        same = known is not None and before == public
        stored = same and store.secret_at(tx, place_of(platform, server)) is not None
        for name in sign_in.app_keys:
            there = name in public or name in given or (stored and name not in sign_in.public)
            if not there and name not in sign_in.optional:
                raise InvalidInput(
                    f"The app at {module.label} needs its {name}.",
                    f"All of: {', '.join(sign_in.app_keys)}.",
                )
        redirect_url = redirect_url or (kept_redirect if same else "")
        shown = public | ({REDIRECT: redirect_url} if redirect_url else {})
        store.keep_app(tx, platform, server, shown, actor.name, now)
        if given:
            context.vault.keep_at(tx, place_of(platform, server), given)
        elif not stored:
            store.forget(tx, place_of(platform, server))
        remember(tx, actor.by(now, f"{module.label} at {server}"), "keep_app")


def register_app(
    context: Context, actor: Actor, platform: str, server: str, redirect_url: str
) -> None:
    """Have our app introduced to a server that takes any, and keep what it is known by.

    The sandbox takes any.
    """
    actor.require(Right.ADMIN)
    module = platform_named(context, platform)
    server = allowed_server(context, platform, server)
    if module.sign_in is not None and module.sign_in.register is not None:
        keys = module.sign_in.register(Connection(server, {}), redirect_url)
    elif module.sign_in is not None and context.kind == "rehearsal":
        keys = app_from_sandbox(context, platform, redirect_url)
    else:
        raise InvalidInput(
            f"{module.label} wants its apps made on its own pages.",
            f"Make one there, with the redirect address {redirect_url}, and give its keys.",
        )
    keep_app(context, actor, platform, server, keys, redirect_url)


def known_app(tx: Transaction, platform: str, server: str, module: Platform) -> Mapping[str, str]:
    """What is no secret of our app there; InvalidInput where there is none yet."""
    found = store.app_of(tx, platform, server)
    if found is None:
        raise InvalidInput(
            f"{module.label} at {server} does not know our app yet.",
            f"Give its keys first: social-scheduler accounts app {platform} --server {server}",
        )
    return {str(k): str(v) for k, v in found.public.items() if k != REDIRECT}


def require_way_back(
    tx: Transaction, platform: str, server: str, module: Platform, redirect_url: str
) -> None:
    """The network would send people back here; Conflict where we know that it would not."""
    found = store.app_of(tx, platform, server)
    known = found.public.get(REDIRECT, redirect_url) if found else redirect_url
    if known != redirect_url:
        raise Conflict(
            f"{module.label} sends people back to {known}, and this desk is told {redirect_url}.",
            f"Open the desk at {urlsplit(known).netloc}; or, when it has moved for good, write its "
            "port or web_origin into settings.toml and have the app made anew: "
            f"social-scheduler accounts app {platform} --server {server} --register",
        )


def whole_app(
    tx: Transaction, context: Context, platform: str, server: str, module: Platform
) -> Mapping[str, str]:
    """Everything our app is known by there, for who may open it."""
    public = known_app(tx, platform, server, module)
    return {**context.vault.get_at(tx, place_of(platform, server)), **public}


def list_apps(context: Context, actor: Actor) -> list[NetworkApp]:
    """Our apps: never anything that is sealed."""
    actor.require(Right.ADMIN)
    with context.database.read() as tx:
        return store.apps(tx)

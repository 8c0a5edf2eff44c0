"""Accounts, for admins: how they are, and connecting them. What is typed here is sealed at once."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from social_scheduler.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    SchedulerError,
    WorkspaceError,
)
from social_scheduler.services import connect, connect_app, connect_list
from social_scheduler.services.accounts import platform_named, server_for
from social_scheduler.services.actor import Right
from social_scheduler.web.view import Desk, actor_of, asked_of, desk_of

router = APIRouter()
TOLD = (Conflict, InvalidInput, NotAllowed, NotFound, WorkspaceError)
"""What is told on the page it happened on."""


@router.get("/accounts")
def accounts(request: Request) -> Response:
    """Every account: connected or not, until when, and what is wrong."""
    desk, actor = desk_of(request), actor_of(request)
    return desk.page(request, "accounts.html", lines=connect_list.overview(desk.context, actor))


@router.get("/accounts/callback/{platform}")
def callback(request: Request, platform: str) -> Response:
    """Where a network sends people back to. The code is sealed, and leaves the address at once."""
    desk, asked = desk_of(request), request.query_params
    given = (asked.get(name, "")[:4096] for name in ("state", "code", "error"))
    state, code, refused = given
    try:
        number = connect.come_back(desk.context, actor_of(request), platform, state, code, refused)
    except SchedulerError as problem:
        desk.log.warning("a sign-in at %r came to nothing: %s", platform[:40], problem.problem)
        return desk.go(request, "/accounts", code="sign_in_unknown")
    return desk.go(request, f"/accounts/connecting/{number}")


@router.get("/accounts/connecting/{number}")
def connecting(request: Request, number: str) -> Response:
    """How far an attempt to connect an account is."""
    desk = desk_of(request)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound("There is no such attempt to connect an account.", "Begin it anew.")
    attempt = connect.look_at(desk.context, actor_of(request), int(number))
    return desk.page(request, "account_connecting.html", attempt=attempt)


@router.get("/accounts/{account}")
def account(request: Request, account: str) -> Response:
    """One account, and the ways to connect it."""
    return _account(request, account)


@router.post("/accounts/{account}/sign-in")
def sign_in(request: Request, account: str) -> Response:
    """Send the person to the network, to agree there."""
    desk, actor = desk_of(request), actor_of(request)
    try:
        entry = connect_list.entry_of(desk.context, actor, account)
        _, address = connect.begin_sign_in(
            desk.context, actor, entry, _redirect(desk, request, entry.platform), here=True
        )
    except TOLD as problem:
        return _account(request, account, problem)
    label = platform_named(desk.context, entry.platform).label
    answer = desk.page(
        request,
        "account_leave.html",
        address=address,
        host=urlsplit(address).netloc,
        label=label,
        name=account,
    )
    # Not a redirect: the policy lets no form of ours lead to another site.
    answer.headers["Refresh"] = f"0; url={address}"
    return answer


@router.post("/accounts/{account}/keys")
def keys(request: Request, account: str) -> Response:
    """Seal pasted keys; a worker asks whose they are."""
    desk, actor, asked = desk_of(request), actor_of(request), asked_of(request)
    try:
        entry = connect_list.entry_of(desk.context, actor, account)
        names = platform_named(desk.context, entry.platform).keys
        given = {name: asked.one(f"key-{name}") for name in names}
        number = connect.begin_with_keys(desk.context, actor, entry, given)
    except TOLD as problem:
        return _account(request, account, problem)
    return desk.go(request, f"/accounts/connecting/{number}")


@router.post("/accounts/{account}/sandbox")
def sandbox(request: Request, account: str) -> Response:
    """In a rehearsal: have the account made at the sandbox."""
    desk, actor = desk_of(request), actor_of(request)
    try:
        entry = connect_list.entry_of(desk.context, actor, account)
        number = connect.begin_at_sandbox(desk.context, actor, entry)
    except TOLD as problem:
        return _account(request, account, problem)
    return desk.go(request, f"/accounts/connecting/{number}")


@router.post("/accounts/{account}/app")
def app(request: Request, account: str) -> Response:
    """Keep what our app is known by at the account's server; its secret is sealed."""
    desk, actor, asked = desk_of(request), actor_of(request), asked_of(request)
    try:
        entry = connect_list.entry_of(desk.context, actor, account)
        module = platform_named(desk.context, entry.platform)
        names = connect.sign_in_of(module).app_keys
        given = {name: asked.one(f"app-{name}") for name in names}
        connect_app.keep_app(
            desk.context, actor, entry.platform, server_for(desk.context, entry), given
        )
    except TOLD as problem:
        return _account(request, account, problem)
    return desk.go(request, f"/accounts/{account}", code="app_kept")


def _account(request: Request, name: str, problem: SchedulerError | None = None) -> Response:
    desk, actor = desk_of(request), actor_of(request)
    if isinstance(problem, NotAllowed) and Right.ADMIN not in actor.rights:
        raise problem
    line = connect_list.line_of(desk.context, actor, name)
    platform = desk.context.platforms.get(line.platform)
    server = server_for(desk.context, line.entry) if line.entry and platform else ""
    apps = {(a.platform, a.server) for a in connect_app.list_apps(desk.context, actor)}
    return desk.page(
        request,
        "account.html",
        status=problem.status if problem else 200,
        problem=problem,
        line=line,
        platform=platform,
        server=server,
        has_app=(line.platform, server) in apps,
        redirect=_redirect(desk, request, line.platform),
    )


def _redirect(desk: Desk, request: Request, platform: str) -> str:
    """The exact address that the network sends people back to."""
    origin = desk.settings.web_origin.rstrip("/") or f"http://{request.headers['host']}"
    return origin + connect.callback_path(platform)

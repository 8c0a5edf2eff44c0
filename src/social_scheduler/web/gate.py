"""Stands in front of every page: nothing is answered that was not asked for by one of us, here.

Deny by default: whatever is not named in `OPEN` needs a session of somebody who may read, and
every form needs the token of that session. Adding a route cannot forget it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from social_scheduler.errors import InvalidInput, NotAllowed, NotSignedIn, SchedulerError
from social_scheduler.services.actor import Right
from social_scheduler.services.people import actor_for
from social_scheduler.web.i18n import chosen_locale, is_locale
from social_scheduler.web.session import LOOPBACK, Asked, is_form_token
from social_scheduler.web.view import Desk

OPEN = ("/sign-in", "/health")
"""Pages for people who are not signed in; also everything below /static/."""
FOR_ANYBODY_SIGNED_IN = ("/sign-out",)
LARGEST_FORM = 64 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would make browsers hide our own Origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Gate:
    """The middleware. Its checks are in the order of the methods below."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        origin = urlsplit(desk.settings.web_origin)
        self._origin = f"{origin.scheme}://{origin.netloc}" if origin.netloc else ""
        self._names = LOOPBACK | ({origin.hostname} if origin.hostname else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with our headers whatever it comes to."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        language = request.query_params.get("lang", "")

        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._complete(MutableHeaders(scope=message), language)
            await send(message)

        try:
            passed = await self._ask(request)
            if isinstance(passed, bytes):
                await self._app(scope, _replayed(passed, receive), send_with_headers)
                return
            answer = passed
        except SchedulerError as problem:
            answer = await run_in_threadpool(self._desk.problem, request, problem)
        except Exception:
            self._desk.log.exception("%s %s failed", request.method, request.url.path)
            if started:
                raise
            unforeseen = SchedulerError("Something went wrong here.", "Try again; tell an admin.")
            unforeseen.status = 500
            answer = await run_in_threadpool(self._desk.problem, request, unforeseen)
        await answer(scope, receive, send_with_headers)

    async def _ask(self, request: Request) -> Response | bytes:
        """Every check in turn; a response ends it, a body goes on to the page."""
        cookies = self._desk.cookies
        secret = request.cookies.get(cookies.name("session"), "")
        asked = Asked(chosen_locale(request, cookies), secret or self._form_secret(request))
        request.state.asked = asked
        if not self._our_name(request):
            return PlainTextResponse("This desk is not known by that name.", 421)
        if request.method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("This address does not take that.", 405)
        if request.method == "POST" and not self._from_here(request):
            raise NotAllowed("The form was sent from another site.", "Use the form of this desk.")
        body = await _body(request)
        if request.method == "POST":
            asked.form = _form(request, body)
        path = str(request.scope["path"])  # what routing uses; the Host header is in `url`
        if path in OPEN or path.startswith("/static/"):
            if request.method == "POST":
                self._require_token(asked)
            return body
        problem = await self._sign_in_problem(asked, secret)
        if problem is not None:
            asked.secret = self._form_secret(request)
            return self._to_sign_in(request, problem)
        if request.method == "POST":
            self._require_token(asked)
        if path not in FOR_ANYBODY_SIGNED_IN and asked.actor:
            asked.actor.require(Right.READ)
        return body

    async def _sign_in_problem(self, asked: Asked, secret: str) -> NotSignedIn | None:
        if not secret:
            return NotSignedIn("This page is for people who are signed in.", "Sign in.")
        asked.signed_in_before = True
        try:
            asked.actor = await run_in_threadpool(
                actor_for, self._desk.context, secret, kinds=["session"]
            )
        except NotSignedIn as problem:
            return problem
        return None

    def _form_secret(self, request: Request) -> str:
        """Binds the sign-in form to this browser: kept in a cookie until somebody signs in."""
        return request.cookies.get(self._desk.cookies.name("visit"), "") or secrets.token_urlsafe()

    def _to_sign_in(self, request: Request, problem: NotSignedIn) -> Response:
        if request.method == "POST" or not _is_page(request):
            return self._desk.sign_in_page(request, status=401, problem=problem)
        if request.url.path.startswith("/accounts/callback/"):
            return RedirectResponse("/sign-in?next=/accounts", 303)  # its code goes nowhere else
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        target = "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted)}"
        return RedirectResponse(target, 303)

    def _our_name(self, request: Request) -> bool:
        """Another name for this address is how a foreign page would reach a desk on loopback."""
        host = request.headers.get("host", "")
        try:
            return (urlsplit(f"//{host}").hostname or "") in self._names
        except ValueError:
            return False

    def _from_here(self, request: Request) -> bool:
        site = request.headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        origin = request.headers.get("origin")
        if origin is None:
            return True  # no browser's form of another site: those say where they come from
        host = request.headers.get("host", "")
        return origin == self._origin or origin == f"http://{host}"

    @staticmethod
    def _require_token(asked: Asked) -> None:
        if not is_form_token(asked.one("token"), asked.secret):
            raise NotAllowed(
                "The form was made for another session.", "Load the page again, then send it."
            )

    def _complete(self, headers: MutableHeaders, language: str) -> None:
        for name, value in HEADERS.items():
            headers[name] = value
        if self._desk.cookies.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if "cache-control" not in headers:
            headers["Cache-Control"] = "no-store"
        if is_locale(language):
            kept = Response()
            self._desk.cookies.put(kept, "lang", language, max_age=365 * 24 * 3600)
            headers.append("Set-Cookie", kept.headers["set-cookie"])


def _is_page(request: Request) -> bool:
    return not str(request.scope["path"]).startswith("/media/")


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            problem = SchedulerError("The form is too large.", "Shorten what you wrote.")
            problem.status = 413
            raise problem
    return body


def _form(request: Request, body: bytes) -> Mapping[str, list[str]]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        return parse_qs(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            max_num_fields=100,
            errors="replace",
        )
    except ValueError:
        raise InvalidInput("The form has too many fields.", "Use the form of this desk.") from None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body again, then what comes after it: a stream waits there for its reader to go."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay

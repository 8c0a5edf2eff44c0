"""The rehearsal network as a server: X's API, the operator's side and the pages in one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from social_scheduler.serving import serve_until_stopped

from . import operator_api, pages, x_media, x_posts
from .gate import Desk, Handler, endpoint
from .ledger import Clock, Ids, Ledger, snowflake, system_clock
from .problems import plain
from .rates import Rates
from .wire import HangingUpProtocol

# On every answer, so that nobody takes this for the real network.
MARK = ("X-Sandbox", "social-scheduler")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def create_app(ledger: Ledger, *, rates: Rates | None = None, local_only: bool = True) -> ASGIApp:
    """The whole network over an open ledger, whose clock and ids it uses.

    `local_only` lets only this machine see the pages; the operator's side always does.
    `serve` adds the mark, and the protocol that faults need to cut connections.
    """
    desk = Desk(ledger, rates or Rates())

    def route(path: str, method: str, name: str, handler: Handler) -> Route:
        return Route(path, endpoint(desk, name, handler), methods=[method])

    api = [
        route("/2/tweets", "POST", "post", x_posts.create),
        route("/2/tweets", "GET", "read", x_posts.look_up),
        route("/2/tweets/{id}", "GET", "read", x_posts.show),
        route("/2/tweets/{id}", "DELETE", "delete", x_posts.remove),
        route("/2/users/me", "GET", "me", x_posts.me),
        route("/2/users/{id}/tweets", "GET", "timeline", x_posts.timeline),
        route("/2/media/upload", "POST", "media", x_media.upload),
        route("/2/media/upload", "GET", "media", x_media.status),
        route("/2/media/upload/initialize", "POST", "media", x_media.initialize),
        route("/2/media/upload/{id}/append", "POST", "media", x_media.append),
        route("/2/media/upload/{id}/finalize", "POST", "media", x_media.finalize),
        route("/2/media/metadata", "POST", "metadata", x_media.describe),
    ]
    everything = api + operator_api.routes(ledger) + pages.routes(ledger, local_only=local_only)
    app = Starlette(routes=everything, exception_handlers={HTTPException: _refuse})
    app.router.redirect_slashes = False
    return app


def serve(
    host: str,
    port: int,
    ledger: Path,
    *,
    ready: Callable[[str], None] | None = None,
    rates: Rates | None = None,
    clock: Clock = system_clock,
    ids: Ids = snowflake,
) -> None:
    """Run until SIGTERM or SIGINT, then return.

    Port 0 takes a free one; `ready` is called with the base address once it listens.
    Raises OSError when the address is taken.
    """
    book = Ledger(ledger, clock=clock, ids=ids)
    try:
        serve_until_stopped(
            create_app(book, rates=rates, local_only=host in _LOOPBACK),
            host,
            port,
            ready,
            http=HangingUpProtocol,
            headers=[MARK],
            timeout_keep_alive=75,
        )
    finally:
        book.close()


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    title = "Not Found" if status == 404 else "Method Not Allowed" if status == 405 else "Error"
    return JSONResponse(plain(status, title).body, status)

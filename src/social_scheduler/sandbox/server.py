"""The rehearsal networks as a server: their APIs, the operator's side and the pages, one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from social_scheduler.serving import serve_until_stopped

from . import bluesky_routes, mastodon_routes, operator_api, pages, telegram_routes, x_routes
from .gate import Desk
from .ledger import Clock, Ids, Ledger, snowflake, system_clock
from .problems import plain
from .rates import Rates
from .wire import HangingUpProtocol

# On every answer, so that nobody takes this for the real network.
MARK = ("X-Sandbox", "social-scheduler")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def create_app(ledger: Ledger, *, rates: Rates | None = None, local_only: bool = True) -> ASGIApp:
    """All networks over an open ledger, whose clock and ids it uses.

    `local_only` lets only this machine see the pages; the operator's side always does.
    `serve` adds the mark, and the protocol that faults need to cut connections.
    """
    desk = Desk(ledger, rates or Rates())

    networks = (x_routes, bluesky_routes, mastodon_routes, telegram_routes)
    api = [route for network in networks for route in network.routes(desk)]
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

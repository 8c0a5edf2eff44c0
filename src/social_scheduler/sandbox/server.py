"""The rehearsal network as a server: X's API, the operator's side and the pages in one process."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

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
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    book = Ledger(ledger, clock=clock, ids=ids)
    try:
        app = create_app(book, rates=rates, local_only=host in _LOOPBACK)
        config = uvicorn.Config(
            app,
            http=HangingUpProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            headers=[MARK],
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=2,
        )
        with _quiet_signals():
            _Announcing(config, lambda: ready(address) if ready else None).run([listener])
    finally:
        listener.close()
        book.close()


class _Announcing(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


class _quiet_signals:  # noqa: N801 - reads as a verb phrase in `with`
    """uvicorn raises its signals again when it has stopped; here they have done their work."""

    _SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __enter__(self) -> None:
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.signal(s, self._ignore) for s in self._SIGNALS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @staticmethod
    def _ignore(_number: int, _frame: FrameType | None) -> None:
        return


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    title = "Not Found" if status == 404 else "Method Not Allowed" if status == 405 else "Error"
    return JSONResponse(plain(status, title).body, status)

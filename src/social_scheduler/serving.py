"""Runs a web application in this process until it is told to stop: the desk's and the sandbox's."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn


def serve_until_stopped(
    app: Any, host: str, port: int, ready: Callable[[str], None] | None, **options: Any
) -> None:
    """Serve until SIGTERM or SIGINT, then return.

    Port 0 takes a free one; `ready` is called with the address once it listens.
    `options` are uvicorn's. Raises OSError when the address cannot be had.
    """
    listener = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    config = uvicorn.Config(app, **QUIET | options)
    try:
        with _quiet_signals():
            Announcing(config, lambda: ready(address) if ready else None).run([listener])
    finally:
        listener.close()


QUIET: dict[str, Any] = {
    "ws": "none",
    "lifespan": "off",
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "timeout_graceful_shutdown": 3,
}
"""No log of addresses people ask for, nothing that nobody uses."""


class Announcing(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
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


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; OSError when the address cannot be had."""
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

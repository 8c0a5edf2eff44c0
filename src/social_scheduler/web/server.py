"""Runs the web desk in this process until it is told to stop."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn

from social_scheduler.app import Opened
from social_scheduler.errors import WorkspaceError
from social_scheduler.web.desk import create_app


def serve(opened: Opened, host: str, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then return.

    Port 0 takes a free one; `ready` is called with the address once it listens.
    WorkspaceError when the address is taken.
    """
    listener = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    try:
        with _quiet_signals():
            Announcing(opened, lambda: ready(address) if ready else None).run([listener])
    finally:
        listener.close()


class Announcing(uvicorn.Server):
    """The server; it says when it listens."""

    def __init__(self, opened: Opened, announce: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(opened),
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=3,
            )
        )
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
    """A listening socket; WorkspaceError with a remedy when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as problem:
        listener.close()
        raise WorkspaceError(
            f"The desk cannot listen on {host} port {port}: {problem.strerror}.",
            "Choose another port: SOCIAL_SCHEDULER_WEB_PORT.",
        ) from None
    return listener

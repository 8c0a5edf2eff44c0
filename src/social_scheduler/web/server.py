"""Runs the web desk in this process until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable

from social_scheduler.app import Opened
from social_scheduler.errors import WorkspaceError
from social_scheduler.serving import serve_until_stopped
from social_scheduler.web.desk import create_app


def serve(opened: Opened, host: str, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then return.

    Port 0 takes a free one; `ready` is called with the address once it listens.
    WorkspaceError when the address is taken.
    """
    try:
        serve_until_stopped(create_app(opened), host, port, ready)
    except OSError as problem:
        raise WorkspaceError(
            f"The desk cannot listen on {host} port {port}: {problem.strerror}.",
            "Choose another --port or --host, or set SOCIAL_SCHEDULER_WEB_PORT.",
        ) from None

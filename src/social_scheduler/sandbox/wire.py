"""Ending a connection for real: no answer, only a closed or reset socket."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "social_scheduler.sandbox.hang_up"


class HangingUpProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also hands each request the means to cut its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_KEY] = self._hang_up
            await inner(scope, receive, send)

        self.app = app

    def _hang_up(self, reset: bool) -> None:
        if reset:
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class NoAnswer(Response):
    """Closes the connection without sending a byte: by a reset, or in good order (FIN)."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hang_up: Callable[[bool], None] | None = scope.get(_KEY)
        if hang_up is None:
            raise RuntimeError("NoAnswer needs a server that runs HangingUpProtocol")
        hang_up(self._reset)
        while (await receive())["type"] != "http.disconnect":
            pass

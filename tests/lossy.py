"""A proxy in front of any HTTP server, which loses answers and worse as a test says.

::

    with lossy(server.url) as proxy:
        proxy.next(Fault.LOSE_ANSWER, matching="POST /api/v1/statuses")
        ...  # the module is given proxy.url
        assert [r.line for r in proxy.reached] == ["POST /api/v1/statuses"]

What is forwarded goes on byte for byte (`Host` too), one connection for each request.
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

_PATIENCE = 30
_DRIP = 0.05


class Fault(StrEnum):
    """What happens to one request."""

    PASS = "pass"
    REFUSE = "refuse"
    """Nobody listens, whatever the request, until `clear`."""
    CLOSE_BEFORE = "close before"
    """Read, and the connection closed; the server never gets it."""
    HANG_BEFORE = "hang before"
    BAD_GATEWAY_BEFORE = "502 before"
    UNAVAILABLE_BEFORE = "503 before"
    TOO_MANY = "429"
    REDIRECT = "redirect"
    """307 to `proxy.elsewhere`."""
    LOSE_ANSWER = "lose answer"
    HALF_ANSWER = "half answer"
    GARBAGE = "garbage"
    """HTTP 200 with a body that is not JSON, in place of the server's answer."""
    EMPTY = "empty"
    """HTTP 200 with no body, in place of the server's answer."""
    BAD_GATEWAY_AFTER = "502 after"
    UNAVAILABLE_AFTER = "503 after"
    HANG_AFTER = "hang after"
    DRIP = "drip"
    """The server's answer, byte by byte, slower than anybody waits."""

    @property
    def reaches(self) -> bool:
        """Whether the server gets the request, and so may have done what it asks."""
        return self is Fault.PASS or self in _AFTER


_AFTER = (
    Fault.LOSE_ANSWER,
    Fault.HALF_ANSWER,
    Fault.GARBAGE,
    Fault.EMPTY,
    Fault.BAD_GATEWAY_AFTER,
    Fault.UNAVAILABLE_AFTER,
    Fault.HANG_AFTER,
    Fault.DRIP,
)
_SILENT = (Fault.CLOSE_BEFORE, Fault.LOSE_ANSWER)
_HANGING = (Fault.HANG_BEFORE, Fault.HANG_AFTER)


@dataclass(frozen=True)
class Request:
    """One request: `line` is its method and path without the query; `head` is all before the body.

    `fault` is what was done to it.
    """

    line: str
    query: str
    head: bytes
    body: bytes
    fault: Fault


@dataclass
class _Planned:
    fault: Fault
    matching: str
    passing: int


@dataclass
class Lossy:
    """The proxy: give its `url` to a client, plan faults, ask what came and what got through."""

    url: str
    elsewhere: str
    """Another address, where nothing may ever arrive: see `strayed`."""
    requests: list[Request] = field(default_factory=list)
    strayed: list[bytes] = field(default_factory=list)
    _upstream: tuple[str, int] = ("", 0)
    _planned: list[_Planned] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _server: socketserver.BaseServer | None = None
    _held: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _busy: int = 0

    def next(self, fault: Fault, matching: str = "", after: int = 0) -> None:
        """Do this to the next request whose line contains `matching`, once `after` have passed."""
        if fault is Fault.REFUSE:
            self._stop()
        else:
            with self._lock:
                self._planned.append(_Planned(fault, matching, after))

    def clear(self) -> None:
        """Plan nothing more, listen again, and forget what came."""
        with self._lock:
            self._planned.clear()
            self.requests.clear()
        if self._server is None:
            self._start()

    @property
    def reached(self) -> list[Request]:
        """Those that the server got."""
        return [request for request in self.requests if request.fault.reaches]

    def settle(self) -> None:
        """Wait until the server has answered whatever it got, also what nobody waits for."""
        end = time.monotonic() + _PATIENCE
        while self._busy and time.monotonic() < end:
            time.sleep(0.005)

    @property
    def pending(self) -> int:
        """Planned faults that no request has met."""
        return len(self._planned)

    def _count(self, one: int) -> None:
        with self._lock:
            self._busy += one

    def _fault_of(self, line: str) -> Fault:
        with self._lock:
            for planned in self._planned:
                if planned.matching in line:
                    if planned.passing:
                        planned.passing -= 1
                        return Fault.PASS
                    self._planned.remove(planned)
                    return planned.fault
        return Fault.PASS

    def _start(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
        address = urlsplit(self.url)
        self._server = _Server((str(address.hostname), address.port or 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _stop(self) -> None:
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        # Bound but not listening: connections are refused, and nobody else gets the port.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", urlsplit(self.url).port or 0))

    def _close(self) -> None:
        self._over.set()
        self._stop()
        if self._held is not None:
            self._held.close()


@contextmanager
def lossy(upstream: str) -> Iterator[Lossy]:
    """A proxy in front of the HTTP server at `upstream`; it passes everything until told."""
    with _bystander() as (elsewhere, strayed):
        address = urlsplit(upstream)
        proxy = Lossy("http://127.0.0.1:0", elsewhere, strayed=strayed)
        proxy._upstream = (address.hostname or "", address.port or 80)
        proxy._start()
        try:
            yield proxy
        finally:
            proxy._close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


def _handler(proxy: Lossy) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # Clients hang up on us, as they should after some faults.
            with suppress(OSError):
                _serve(proxy, self.request)

    return Handler


def _serve(proxy: Lossy, client: socket.socket) -> None:
    client.settimeout(_PATIENCE)
    proxy._count(1)
    try:
        head, body = _read(client)
        if not head:
            return
        method, target = head.split(b" ", 2)[:2]
        path, _, query = target.decode().partition("?")
        line = f"{method.decode()} {path}"
        fault = proxy._fault_of(line)
        request = Request(line, query, head, body, fault)
        answer = _forwarded(proxy, request) if fault.reaches else b""
        proxy.requests.append(request)
    finally:
        proxy._count(-1)
    if fault in _HANGING:
        proxy._over.wait(_PATIENCE)
    elif fault is Fault.DRIP:
        for n in range(len(answer)):
            if proxy._over.wait(_DRIP):
                return
            client.sendall(answer[n : n + 1])
    elif fault not in _SILENT:
        client.sendall(_told(proxy, fault, answer, target))


def _told(proxy: Lossy, fault: Fault, answer: bytes, target: bytes) -> bytes:
    match fault:
        case Fault.HALF_ANSWER:
            head, blank, body = answer.partition(b"\r\n\r\n")
            return head + blank + body[: len(body) // 2] if body else head[: len(head) // 2]
        case Fault.GARBAGE:
            return _answer("200 OK", b'{"id": "1", <half a')
        case Fault.EMPTY:
            return _answer("200 OK", b"")
        case Fault.BAD_GATEWAY_BEFORE | Fault.BAD_GATEWAY_AFTER:
            return _answer("502 Bad Gateway", b"<html><h1>502 Bad Gateway</h1></html>")
        case Fault.UNAVAILABLE_BEFORE | Fault.UNAVAILABLE_AFTER:
            return _answer("503 Service Unavailable", b"<html><h1>503</h1></html>")
        case Fault.TOO_MANY:
            return _answer("429 Too Many Requests", b"Too many requests", b"Retry-After: 60")
        case Fault.REDIRECT:
            place = b"Location: " + proxy.elsewhere.encode() + target
            return _answer("307 Temporary Redirect", b"", place)
        case _:
            return answer


def _answer(status: str, body: bytes, *headers: bytes) -> bytes:
    kind = b"text/html" if body.startswith(b"<") else b"application/json"
    head = [
        f"HTTP/1.1 {status}".encode(),
        b"Content-Type: " + kind,
        b"Content-Length: %d" % len(body),
        b"Connection: close",
        *headers,
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _forwarded(proxy: Lossy, request: Request) -> bytes:
    """The server's whole answer."""
    lines = [x for x in request.head.split(b"\r\n") if not x.lower().startswith(b"connection:")]
    with socket.create_connection(proxy._upstream, _PATIENCE) as server:
        server.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + request.body)
        answer = b""
        while more := server.recv(65536):
            answer += more
    return answer


def _read(client: socket.socket) -> tuple[bytes, bytes]:
    """One whole request: head without the blank line, and body as it came."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return b"", b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    length = int(headers.get(b"content-length", b"0"))
    chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
    while (not body.endswith(b"0\r\n\r\n")) if chunked else len(body) < length:
        more = client.recv(65536)
        if not more:
            return b"", b""
        body += more
    return head, body


@contextmanager
def _bystander() -> Iterator[tuple[str, list[bytes]]]:
    """An address to which a client may be pointed, and what strayed there."""
    strayed: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(1)
            with suppress(OSError):
                strayed.append(self.request.recv(65536))
                self.request.sendall(_answer("200 OK", b"{}"))

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", strayed
        finally:
            server.shutdown()

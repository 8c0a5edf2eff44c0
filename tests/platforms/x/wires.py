"""Servers on real sockets that answer, or fail to, exactly as a test says."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from social_scheduler.message import Attachment, Message, MessagePart
from social_scheduler.platforms import Call, Connection, Upload

KEYS = {
    "api_key": "CANARYapikey0123456789",
    "api_secret": "CANARYapisecret0123456789",
    "access_token": "1700000000000000001-CANARYtoken0123456789",
    "access_secret": "CANARYaccesssecret0123456789",
}
ACCOUNT = "1700000000000000001"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def connect(url: str, *, connect: float = 5, read: float = 5) -> Connection:
    """An account's connection to `url`; timeouts in seconds."""
    return Connection(url, KEYS, connect_timeout=connect, read_timeout=read)


def call(
    text: str = "Good morning.",
    *,
    media: tuple[Attachment, ...] = (),
    uploads: tuple[Upload, ...] = (),
    reply_to: str | None = None,
    account: str = ACCOUNT,
    options: dict[str, str] | None = None,
) -> Call:
    """A message of one part, about to be said."""
    message = Message(
        platform="x",
        server="https://api.x.com",
        account=account,
        language="en",
        parts=(MessagePart(text=text, media=media),),
        options=options or {},
    )
    return Call(message, 1, "key", reply_to, uploads)


def reply(status: int, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """The bytes of a complete HTTP answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Server:
    """`url` to call, and the `requests` that came, each whole."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


Behaviour = Callable[[socket.socket, Server], None]


def answer(data: bytes) -> Behaviour:
    """Send these bytes and close."""
    return lambda peer, _: peer.sendall(data)


def reset(peer: socket.socket, _: Server) -> None:
    """Cut the connection with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_peer: socket.socket, _: Server) -> None:
    """Close in good order without a word."""


def keep_silent(_peer: socket.socket, server: Server) -> None:
    """Answer nothing as long as the test runs."""
    server.over.wait(30)


def drip(peer: socket.socket, server: Server) -> None:
    """One byte at a time, each in good time, without an end."""
    with contextlib.suppress(OSError):
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while not server.over.wait(0.05):
            peer.sendall(b" ")


@contextmanager
def server(behave: Behaviour) -> Iterator[Server]:
    """A server that reads each request to its end and then behaves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        it = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_serve, args=(listener, it, behave))
        thread.start()
        try:
            yield it
        finally:
            it.over.set()
            with socket.create_connection(listener.getsockname()):
                pass
            thread.join(10)


def _serve(listener: socket.socket, it: Server, behave: Behaviour) -> None:
    while True:
        peer, _ = listener.accept()
        with peer:
            if it.over.is_set():
                return
            peer.settimeout(5)
            it.requests.append(_read(peer))
            behave(peer, it)


def _read(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        data += more
        if not more or not data.startswith((b"GET", b"POST", b"DELETE", b"PUT", b"HEAD")):
            return data
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    while lengths and len(body) < lengths[0]:
        more = peer.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def black_hole() -> Iterator[str]:
    """An address that swallows every attempt to connect: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for one in waiting:
                one.close()

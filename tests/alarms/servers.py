"""Real servers on this machine that alarms are sent to: a web server and a mail server."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""A certificate for `localhost` with its key. It protects nothing: it is for these tests."""


def trust() -> ssl.SSLContext:
    """Trusts that certificate and no other."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def _certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Request:
    """What somebody posted."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A web server that keeps what is posted to it and answers by script, then 200."""

    script: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    location: str = ""


@contextmanager
def receiver(*, tls: bool = False) -> Iterator[Receiver]:
    """A running one."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.requests.append(Request(self.path, headers, body))
            self.send_response(kept.script.pop(0) if kept.script else 200)
            self.send_header("content-length", "0")
            if kept.location:
                self.send_header("location", kept.location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = _certified().wrap_socket(server.socket, server_side=True)
    scheme = "https://localhost" if tls else "http://127.0.0.1"
    kept.url = f"{scheme}:{server.server_address[1]}/alarms?team=duty"
    with _running(server):
        yield kept


@dataclass
class PostOffice:
    """A mail server that keeps what it is given."""

    offers_tls: bool = True
    refuses: str = ""
    """An address it does not know."""
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    """Of each mail, whether it came over an encrypted connection."""
    signed_in: list[str] = field(default_factory=list)


class _Talk(socketserver.StreamRequestHandler):
    """One connection, as RFC 5321 has it."""

    def handle(self) -> None:
        office: PostOffice = self.server.office  # type: ignore[attr-defined]
        self.secure = False
        self._say("220 localhost ready")
        while line := self.rfile.readline().decode().strip():
            word = line.split(":")[0].split(" ")[0].upper()
            match word:
                case "EHLO" | "HELO":
                    extra = [] if self.secure or not office.offers_tls else ["STARTTLS"]
                    names = ["localhost", *extra, "AUTH PLAIN"]
                    last = len(names) - 1
                    for number, name in enumerate(names):
                        self._say(f"250{' ' if number == last else '-'}{name}")
                case "STARTTLS":
                    self._say("220 go ahead")
                    if not self._secured():
                        return
                case "AUTH":
                    office.signed_in.append(line.partition("PLAIN ")[2])
                    self._say("235 welcome")
                case "RCPT" if office.refuses and office.refuses in line:
                    self._say("550 nobody of that name")
                case "DATA":
                    self._say("354 go ahead")
                    office.mails.append(self._mail())
                    office.encrypted.append(self.secure)
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _secured(self) -> bool:
        try:
            self.connection = _certified().wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):  # it does not trust us
            return False
        self.rfile = self.connection.makefile("rb")
        self.wfile = socketserver._SocketWriter(self.connection)  # type: ignore[attr-defined]
        self.secure = True
        return True

    def _mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        found = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            return
        finally:
            self.connection.close()


@contextmanager
def post_office(**values: object) -> Iterator[PostOffice]:
    """A running one."""
    office = PostOffice(**values)  # type: ignore[arg-type]
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Talk)
    server.office = office  # type: ignore[attr-defined]
    office.port = server.server_address[1]
    with _running(server):
        yield office

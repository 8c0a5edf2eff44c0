"""A requests session for calls that are made once: it tells "never left" from "may be live".

Imported by a platform's first call only, because it loads requests.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
)

from social_scheduler.platforms import Connection, may_still_go_out

LARGEST_ANSWER = 2_000_000
"""Bytes; nothing a network has to say to us is larger."""
LONGEST = 4
"""How many read timeouts a whole request may take, pictures included."""


class NeverConnected(NewConnectionError):
    """No connection came about, TLS included: not one byte of the request has left."""


class TooLate(Exception):
    """The last moment passed before there was anything that a network could act on."""


_opened: ContextVar[list[socket.socket]] = ContextVar("_opened")
"""The sockets of the request that is being sent, so that it can be cut off as a whole."""


def _require_time() -> None:
    if not may_still_go_out.get()():
        raise TooLate


class _Body(BytesIO):
    """A request's body, in pieces: the first of them is given out only while it may go out.

    Connecting takes a while, and a machine may stand still in it. A network that got the head of
    a request and nothing of its body has nothing to act on.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() == 0:
            _require_time()
        return super().read(size)


class _PlainConnection(HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except Exception as error:
            raise NeverConnected(self, type(error).__name__) from error
        _opened.get([]).append(self.sock)
        _require_time()  # a request without a body is whole with its first bytes


class _TlsConnection(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except Exception as error:
            raise NeverConnected(self, type(error).__name__) from error
        _opened.get([]).append(self.sock)
        _require_time()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """No retries, and failures to connect that can be told from all others.

    By exception types alone they cannot: a TLS error may also come after the request was sent.
    """

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class Session(requests.Session):
    """A session to one address, which remembers how far the last request got.

    It follows no redirect, repeats nothing, keeps no cookies and takes nothing from the
    environment: no proxy, no .netrc, no other certificates (`trust_env` off), so that what is
    said and who says it goes to that network alone.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("http://", _Adapter())
        self.mount("https://", _Adapter())
        self._base = urlsplit(connection.base_url)
        self._timeout = (connection.connect_timeout, connection.read_timeout)
        self.offered = False
        """Whether the request was handed to the network."""
        self.answer: requests.Response | None = None
        """The complete answer, if one came."""
        self.failure: Exception | None = None
        """Why none came, whatever an SDK makes of it; what may have left counts for more."""

    def forget(self) -> None:
        """Start anew: what came of the last request says nothing about the next."""
        self.offered, self.answer, self.failure = False, None, None

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Point the request at our address first: the OAuth signature covers it."""
        url = urlsplit(str(request.url))
        path = self._base.path.rstrip("/") + url.path
        request.url = urlunsplit((self._base.scheme, self._base.netloc, path, url.query, ""))
        return super().prepare_request(request)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send once, wait no longer than the connection allows, and stay at this address."""
        self.offered = True
        try:
            return self._sent(request, **kwargs)
        except Exception as error:
            if self.failure is None or never_connected(self.failure):
                self.failure = error
            raise

    def _sent(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs |= {"timeout": self._timeout, "allow_redirects": False, "stream": True}
        if isinstance(request.body, str):
            request.body = request.body.encode()
        if isinstance(request.body, bytes):
            # In pieces: bytes would have to leave as a whole within the time to connect.
            request.body = _Body(request.body)  # type: ignore[assignment]
        with _cut_off_after(LONGEST * self._timeout[1]):
            answer = super().send(request, **kwargs)
            body = answer.raw.read(LARGEST_ANSWER + 1, decode_content=True)
        answer.close()
        if len(body) > LARGEST_ANSWER:
            raise requests.ConnectionError("the answer is too large")
        answer.raw = BytesIO(body)
        self.answer = answer
        return answer

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """There is none: requests would parse the target even where it must not follow it."""
        return None


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[None]:
    """End a request as a whole: a read timeout alone lets a server drip bytes for ever."""
    sockets: list[socket.socket] = []

    def cut() -> None:
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, cut)
    watch.daemon = True
    before = _opened.set(sockets)
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
        _opened.reset(before)


def never_connected(failure: BaseException | None) -> NeverConnected | None:
    """The failure to connect that an exception of requests stands for, if it does."""
    wrapped = failure.args[0] if isinstance(failure, requests.ConnectionError) else None
    reason = wrapped.reason if isinstance(wrapped, MaxRetryError) else None
    return reason if isinstance(reason, NeverConnected) else None


def why(never: NeverConnected) -> str:
    """In words for people, why there was no connection."""
    match never.__cause__:
        case NameResolutionError():
            return "there is no such address, or its name could not be looked up."
        case NewConnectionError():
            return "no connection: refused or out of reach."
        case ConnectTimeoutError() | TimeoutError():
            return "no connection in time."
        case ssl.SSLError():
            return "no trusted connection (TLS)."
        case _:
            return "no connection."


def causes(failure: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it came from, outermost first, at most eight."""
    error = failure
    for _ in range(8):
        if error is None:
            return
        yield error
        error = never_connected(error) or error.__cause__ or error.__context__

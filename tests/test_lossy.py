"""The proxy that loses answers does to each request what it was told, and says what got through."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from urllib3.exceptions import HTTPError

from social_scheduler.platforms import Connection
from social_scheduler.platforms._transport import Session
from tests.lossy import Fault, Lossy, lossy

HELD: list[bytes] = []


class Keeper(BaseHTTPRequestHandler):
    """Keeps the body of every POST and answers how many it has."""

    def do_POST(self) -> None:
        HELD.append(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"held": len(HELD), "host": self.headers["Host"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[Lossy]:
    HELD.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Keeper) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with lossy(f"http://127.0.0.1:{server.server_address[1]}") as running:
            yield running
        server.shutdown()


def post(proxy: Lossy, path: str = "/things") -> requests.Response:
    with Session(Connection(proxy.url, {}, read_timeout=0.2)) as session:
        return session.post(proxy.url + path, data=b"a thing")


def test_what_is_told_nothing_passes_byte_for_byte(proxy: Lossy) -> None:
    answer = post(proxy, "/things?a=1").json()
    assert answer == {"held": 1, "host": proxy.url.removeprefix("http://")}
    assert HELD == [b"a thing"]
    (request,) = proxy.reached
    assert (request.line, request.query, request.body) == ("POST /things", "a=1", b"a thing")


ANSWERED = {
    Fault.BAD_GATEWAY_BEFORE: 502,
    Fault.BAD_GATEWAY_AFTER: 502,
    Fault.UNAVAILABLE_BEFORE: 503,
    Fault.UNAVAILABLE_AFTER: 503,
    Fault.TOO_MANY: 429,
    Fault.REDIRECT: 307,
    Fault.GARBAGE: 200,
    Fault.EMPTY: 200,
}


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.PASS])
def test_each_fault_is_what_it_says_and_happens_once(proxy: Lossy, fault: Fault) -> None:
    proxy.next(fault)
    if fault in ANSWERED:
        answer = post(proxy)
        assert answer.status_code == ANSWERED[fault]
        assert b"held" not in answer.content
    else:
        with pytest.raises((requests.RequestException, HTTPError)):
            post(proxy).json()
    assert len(HELD) == (1 if fault.reaches else 0)
    proxy.clear()
    before = len(HELD)
    assert post(proxy).json()["held"] == before + 1


def test_a_fault_waits_for_its_request(proxy: Lossy) -> None:
    proxy.next(Fault.TOO_MANY, matching="POST /late", after=1)
    codes = [post(proxy, path).status_code for path in ("/late", "/other", "/late", "/late")]
    assert codes == [200, 200, 429, 200]
    assert (len(proxy.requests), len(proxy.reached), proxy.pending) == (4, 3, 0)


def test_a_client_that_follows_a_redirect_is_seen(proxy: Lossy) -> None:
    proxy.next(Fault.REDIRECT)
    assert requests.post(proxy.url + "/things", data=b"a thing", timeout=5).json() == {}
    assert proxy.strayed[0].startswith(b"POST /things ")

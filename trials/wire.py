"""A wire between worker and network that says things twice."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from trials.catalogue import Run, trial
from trials.stage import now

KEPT_BY_THE_WIRE = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


@trial("answers come twice over one connection: the second must not count for the next post")
def answers_doubled(run: Run) -> None:
    """Every post has the address that the network gave to it, and to no other."""
    with Doubler(run.rng) as wire, run.stage(accounts=1, calls=2, through=wire.to) as stage:
        for number in range(1 if run.short else 6):
            campaign = stage.new_campaign()
            begin = now() + timedelta(seconds=0.8)
            stage.ready(
                [
                    stage.plan(
                        run.rng.choice(("text", "text", "thread")),
                        f"p{n}",
                        campaign,
                        due=begin + timedelta(milliseconds=20 * n),
                        language=run.rng.choice(("en", "ar", "fr")),
                    )
                    for n in range(24)
                ]
            )
            worker = stage.worker()
            worker.wait_for("called", patience=10)
            time.sleep(run.rng.uniform(0.3, 1.5))
            worker.kill()
            run.result.killed(worker.where())
            run.result.runs += 1
            if number % 2:
                stage.work()
        stage.work()
        run.result.notes.append(f"{wire.doubled} answers came twice")
        run.result.judged(stage.verdict())
        if not wire.doubled:
            run.result.failure = "no answer came twice: this run proves nothing"


class Doubler:
    """Passes everything on, and gives about every third answer to a publishing call twice."""

    def __init__(self, rng: random.Random) -> None:
        self.doubled = 0
        self._target = ""
        self._chance: Callable[[], bool] = lambda: rng.random() < 0.35
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Nothing of it is shown."""

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                try:
                    wire.pass_on(self)
                except (OSError, http.client.HTTPException):
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Doubler:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def to(self, url: str) -> str:
        """From now on this address leads there; answers the wire's own."""
        self._target = urlsplit(url).netloc
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """One request there, its answer back: once, or twice."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        there = http.client.HTTPConnection(self._target, timeout=30)
        there.request(request.command, request.path, body, dict(request.headers.items()))
        answer = there.getresponse()
        content = answer.read()
        there.close()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in KEPT_BY_THE_WIRE]
        lines += [f"{k}: {v}" for k, v in kept if k.lower() != "content-length"]
        lines += [f"Content-Length: {len(content)}", "", ""]
        whole = "\r\n".join(lines).encode("latin-1") + content
        twice = (request.command, request.path) == ("POST", "/2/tweets") and self._chance()
        self.doubled += twice
        request.wfile.write(whole * 2 if twice else whole)
        request.wfile.flush()

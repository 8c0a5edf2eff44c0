"""The server of Pigeon Post, the made-up network of docs/how-to/add-a-platform.md.

python -m tests.platforms.pigeons   starts it, and says what a rehearsal needs to know of it
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from social_scheduler.text import graphemes
from tests.platforms.conformance.stages import EVERY_SCRIPT, Guest, Said

TEXT = 200


class Loft(ThreadingHTTPServer):
    """The server, its accounts by token, and every post that is live."""

    daemon_threads = True
    counted: tuple[str, ...] = EVERY_SCRIPT
    generous = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.people: dict[str, dict[str, str]] = {}
        self.posts: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count(1)

    def guest(self) -> Guest:
        """A new account."""
        number = str(next(self.numbers))
        token = f"CANARY-pigeon-token-{int(number):08}"
        self.people[token] = {"id": number, "name": f"pigeon{number}"}
        return Guest(number, f"pigeon{number}", {"loft_key": token}, frozenset({"loft_key"}))

    def ledger(self, guest: Guest) -> list[Said]:
        """What of the account's is live, oldest first."""
        return [
            Said(p["id"], p["text"], None, 0, None, p["reply_to"])
            for p in list(self.posts.values())
            if p["author"] == guest.native_id
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Loft

    def do_GET(self) -> None:
        me = self._me()
        posts = self.server.posts
        if me is None:
            self._say(401, {"error": "Who are you?"})
        elif self.path == "/me":
            self._say(200, me)
        elif self.path == "/posts":
            self._say(200, {"posts": [p for p in posts.values() if p["author"] == me["id"]]})
        elif (found := posts.get(self.path.removeprefix("/posts/"))) is not None:
            self._say(200, found)
        else:
            self._say(404, {"error": "There is no such post."})

    def do_POST(self) -> None:
        wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        me = self._me()
        if me is None:
            return self._say(401, {"error": "Who are you?"})
        if graphemes(wish["text"]) > TEXT:
            return self._say(422, {"error": "That is too heavy."})
        number = str(next(self.server.numbers))
        post = {"id": number, "author": me["id"], **wish}
        self.server.posts[number] = post
        return self._say(201, post)

    def do_DELETE(self) -> None:
        if self._me() is None:
            return self._say(401, {"error": "Who are you?"})
        found = self.server.posts.pop(self.path.removeprefix("/posts/"), None)
        return self._say(200 if found else 404, {})

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _me(self) -> dict[str, str] | None:
        token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        return self.server.people.get(token)

    def _say(self, status: int, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def pigeon_loft() -> Iterator[Loft]:
    """The server, for as long as a test runs."""
    with Loft() as loft:
        threading.Thread(target=loft.serve_forever, args=(0.01,), daemon=True).start()
        yield loft
        loft.shutdown()


def main() -> None:
    """Run it, with one account, until it is interrupted."""
    with pigeon_loft() as loft:
        guest = loft.guest()
        print(f'sandbox_url = "{loft.url}"')
        print(f"handle: {guest.handle}")
        print(json.dumps(dict(guest.keys)), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

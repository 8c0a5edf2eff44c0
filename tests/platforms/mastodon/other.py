"""A server that speaks Mastodon's language with an accent: what mastodon_mock cannot be.

Only the older instance and media addresses; HTTP 422 for a bad token; no way to delete; keys of
calls not honoured; films worked on for a while; no sources, no languages; repeats in timelines.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "CANARYtoken0123456789"
ME = {"id": "9xMe", "username": "coalition", "acct": "coalition"}
INSTANCE: dict[str, Any] = {
    "uri": "other.example",
    "version": "2.7.2 (compatible; Akkoma 3.10.4-0-gebfb617)",
    "max_toot_chars": 5000,
    "upload_limit": 16_000_000,
    "description_limit": True,
    "configuration": {"statuses": {"max_media_attachments": 32}, "media_attachments": None},
}


class Other(ThreadingHTTPServer):
    """The server and what it holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.posts: list[dict[str, Any]] = []
        self.media: dict[str, dict[str, Any]] = {}
        self.working = 2
        """How often a film is looked at before it is ready."""
        self.delete_status = 404
        self.instance: dict[str, Any] | None = INSTANCE


class _Handler(BaseHTTPRequestHandler):
    server: Other

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/api/v1/instance" and self.server.instance is not None:
            return self._say(200, self.server.instance)
        if not self._known():
            return self._say(422, {"error": "Invalid credentials"})
        if path == "/api/v1/accounts/verify_credentials":
            return self._say(200, ME)
        if path == f"/api/v1/accounts/{ME['id']}/statuses":
            before = parse_qs(urlsplit(self.path).query).get("max_id")
            return self._say(200, [] if before else self.server.posts[::-1])
        if found := re.fullmatch(r"/api/v1/statuses/(\w+)", path):
            for post in self.server.posts:
                if post["id"] == found[1]:
                    return self._say(200, post)
        if found := re.fullmatch(r"/api/v1/media/(\w+)", path):
            return self._media(found[1])
        return self._say(404, {"error": "Not found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = urlsplit(self.path).path
        if not self._known():
            return self._say(422, {"error": "Invalid credentials"})
        if path == "/api/v1/media":
            number = f"m{len(self.server.media)}"
            self.server.media[number] = {"id": number, "type": "video", "url": None, "looks": 0}
            return self._say(202, self.server.media[number])
        if path == "/api/v1/statuses":
            fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            return self._say(200, self._post(fields))
        return self._say(404, {"error": "Not found"})

    def do_DELETE(self) -> None:
        return self._say(self.server.delete_status, {"error": "Not found"})

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _known(self) -> bool:
        return self.headers["Authorization"] == f"Bearer {TOKEN}"

    def _post(self, fields: dict[str, str]) -> dict[str, Any]:
        post: dict[str, Any] = {
            "id": f"9x{len(self.server.posts)}",
            "account": ME,
            "content": f"<p>{html.escape(fields['status'])}</p>".replace("\n", "<br/>"),
            "spoiler_text": fields.get("spoiler_text", ""),
            "media_attachments": [],
            "in_reply_to_id": fields.get("in_reply_to_id"),
            "language": None,
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "uri": f"https://other.example/objects/{len(self.server.posts)}",
        }
        self.server.posts.append(post)
        self.server.posts.append({**post, "id": f"9xr{len(self.server.posts)}", "reblog": post})
        return post

    def _media(self, number: str) -> None:
        held = self.server.media.get(number)
        if held is None:
            return self._say(404, {"error": "Not found"})
        held["looks"] += 1
        if held["looks"] < self.server.working:
            return self._say(206, held)
        return self._say(200, {**held, "url": f"https://other.example/media/{number}"})

    def _say(self, status: int, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def other_server() -> Iterator[Other]:
    """Such a server, for as long as the test runs."""
    with Other() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()

"""Tells a program: one signed POST, as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import ssl
from datetime import datetime
from urllib.parse import urlsplit

from social_scheduler.alarms import Notice
from social_scheduler.alarms.words import as_json
from social_scheduler.errors import WorkspaceError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECONDS = 10.0


class Webhook:
    """One address. Redirects are not followed, and certificates are checked."""

    name = "webhook"

    def __init__(
        self,
        url: str,
        key: bytes,
        *,
        timeout: float = SECONDS,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not parts.hostname or not secure or parts.username is not None:
            raise WorkspaceError(
                "The setting watch_webhook_url is no address that alarms may go to.",
                "Give an https address without a name and password in it.",
            )
        self._parts = parts
        self._key = key
        self._timeout = timeout
        self._trust = trust

    def __repr__(self) -> str:
        return f"Webhook({self._parts.hostname})"

    def ring(self, notice: Notice, now: datetime) -> str:
        """POST it; answers why it was not taken, or nothing."""
        body = json.dumps(as_json(notice), ensure_ascii=False).encode()
        connection = self._connection()
        try:
            connection.request("POST", self._path(), body, signed(notice.id, now, body, self._key))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as problem:
            return f"{self._parts.hostname} cannot be told: {type(problem).__name__}: {problem}"
        finally:
            connection.close()
        if 200 <= status < 300:
            return ""
        return f"{self._parts.hostname} answered {status}"

    def _connection(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        trust = self._trust or ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=trust)

    def _path(self) -> str:
        query = f"?{self._parts.query}" if self._parts.query else ""
        return f"{self._parts.path or '/'}{query}"


def signed(message_id: str, now: datetime, body: bytes, key: bytes) -> dict[str, str]:
    """The headers that prove who sent these bytes, and when."""
    stamp = str(int(now.timestamp()))
    content = f"{message_id}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "social-scheduler-watch",
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }

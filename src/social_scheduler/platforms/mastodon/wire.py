"""One account's line to its Mastodon server: Mastodon.py on our session, and what came of it.

Imported by the first call only, because it loads requests; Mastodon.py is loaded by `line`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from social_scheduler.errors import Unauthorized
from social_scheduler.platforms import Connection, _line
from social_scheduler.platforms.mastodon import outcomes

HOST = "https://mastodon.social"
"""Only a name for Mastodon.py: the session rewrites every request to the connection's address."""
NEWEST = (99, 0, 0)
"""The version that Mastodon.py is told, so that it asks the server nothing on its own."""
USER_AGENT = "social-scheduler"
_SENDABLE = re.compile(r"[\x21-\x7e]+")


class Line(_line.Line):
    """One account's line to its server: `client` is Mastodon.py's, on our session."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        super().__init__(connection, urlsplit(connection.base_url).hostname or "The server", clock)
        self.client = _client(self.session, connection)

    def ask(
        self,
        send: Callable[[Any], object],
        *,
        publishing: bool = False,
        gone: bool = False,
    ) -> Any:
        """Make one request; the JSON of its answer, or the outcome raised.

        `send` is given Mastodon.py's client. With `gone`, HTTP 404 and 410 are None.
        """
        found = self.answer(lambda: send(self.client), publishing=publishing)
        answer = outcomes.Answer(found.status, found.headers, found.body, found.secrets)
        if gone and answer.status in (404, 410):
            return None
        return outcomes.judge(answer, publishing=publishing, now=self.now())

    def get(self, path: str, *, gone: bool = False) -> Any:
        """A GET at an address of which Mastodon.py has another spelling, or none."""
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        token = self.connection.keys.get("access_token")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.ask(
            lambda client: client.session.get(HOST + path, headers=headers, auth=_as_it_is),
            gone=gone,
        )


@contextmanager
def line(connection: Connection, clock: Callable[[], datetime]) -> Iterator[Line]:
    """A line for one call, on connections of its own."""
    token = connection.keys.get("access_token", "")
    if not _SENDABLE.fullmatch(token):
        told = "has characters that no token has" if token else "is missing"
        raise Unauthorized(f"The account's access_token {told}.", "Connect the account again.")
    with Line(connection, clock) as opened:
        yield opened


def _client(session: Any, connection: Connection) -> Any:
    from mastodon import Mastodon

    for name in ("mastodon", "urllib3"):  # below this they log tokens and unpublished words
        logging.getLogger(name).setLevel(logging.INFO)
    client = Mastodon(
        api_base_url=HOST,
        session=session,
        request_timeout=connection.read_timeout,
        ratelimit_method="throw",
        version_check_mode="created",
        mastodon_version=".".join(map(str, NEWEST)),
        user_agent=USER_AGENT,
    )
    # Not to the constructor: that would open a file if the token happened to be the name of one.
    client.access_token = connection.keys.get("access_token")
    return client


def _as_it_is(request: Any) -> Any:
    return request

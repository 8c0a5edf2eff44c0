"""One account's line to X: tweepy's client on our session, and what came of each request.

Imported by the first call only, because it loads requests; tweepy is loaded by `line`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests

from social_scheduler.errors import Unauthorized
from social_scheduler.platforms import Connection, _line
from social_scheduler.platforms.x import outcomes

HOST = "https://api.twitter.com"
"""What tweepy has built in; the session rewrites every request to the connection's address."""
_KEYS = ("api_key", "api_secret", "access_token", "access_secret")


class Line(_line.Line):
    """One account's line to X: `client` is tweepy's, on our session."""

    def __init__(self, connection: Connection, client: Any, clock: Callable[[], datetime]) -> None:
        super().__init__(connection, "X", clock)
        self.client = client
        client.session = self.session

    def ask(
        self,
        send: Callable[[Any], object],
        *,
        publishing: bool = False,
        gone: bool = False,
    ) -> dict[str, Any] | None:
        """Make one request; the JSON object of its answer, or the outcome raised.

        `send` is given tweepy's client. With `gone`, HTTP 404 is None.
        """
        found = self.answer(lambda: send(self.client), publishing=publishing)
        answer = outcomes.Answer(found.status, found.headers, found.body, found.secrets)
        if gone and answer.status == 404:
            return None
        return outcomes.judge(answer, publishing=publishing, now=self.now())

    def signed(self) -> Any:
        """tweepy's OAuth 1.0a signer, for requests that tweepy has no method for."""
        import tweepy

        keys = self.connection.keys
        return tweepy.OAuth1UserHandler(
            keys["api_key"], keys["api_secret"], keys["access_token"], keys["access_secret"]
        ).apply_auth()


@contextmanager
def line(connection: Connection, clock: Callable[[], datetime]) -> Iterator[Line]:
    """A line for one call, on connections of its own."""
    import tweepy

    _hush()
    keys = connection.keys
    missing = [name for name in _KEYS if not keys.get(name)]
    if missing:
        raise Unauthorized(
            f"The account's {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            "Connect the account again.",
        )
    client = tweepy.Client(
        consumer_key=keys["api_key"],
        consumer_secret=keys["api_secret"],
        access_token=keys["access_token"],
        access_token_secret=keys["access_secret"],
        return_type=requests.Response,
        wait_on_rate_limit=False,
    )
    with Line(connection, client, clock) as opened:
        yield opened


def _hush() -> None:
    """Below these levels the libraries log signatures, tokens and unpublished words."""
    for name in ("tweepy", "oauthlib", "requests_oauthlib", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)

"""One account's line to X: tweepy's client on our session, and what came of each request.

Imported by the first call only, because it loads requests; tweepy is loaded by `line`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests
from requests.auth import AuthBase

from social_scheduler.errors import Unauthorized
from social_scheduler.platforms import Connection, _line
from social_scheduler.platforms.x import outcomes
from social_scheduler.platforms.x.keys import ACCESS, OAUTH1

HOST = "https://api.twitter.com"
"""What tweepy has built in; the session rewrites every request to the connection's address."""


class Line(_line.Line):
    """One account's line to X: `client` is tweepy's, on our session.

    `user_auth` goes with every request of tweepy's: whether it is signed with OAuth 1.0a keys or
    carries an OAuth 2 token.
    """

    def __init__(self, connection: Connection, client: Any, clock: Callable[[], datetime]) -> None:
        super().__init__(connection, "X", clock)
        self.client = client
        self.user_auth = client.bearer_token is None
        client.session = self.session

    def ask(
        self,
        send: Callable[[Any], object],
        *,
        publishing: bool = False,
        gone: bool = False,
        silent: bool = False,
    ) -> dict[str, Any] | None:
        """Make one request; the JSON object of its answer, or the outcome raised.

        `send` is given tweepy's client. With `gone`, HTTP 404 is None; with `silent`, so is a
        success without a word.
        """
        found = self.answer(lambda: send(self.client), publishing=publishing)
        answer = outcomes.Answer(found.status, found.headers, found.body, found.secrets)
        if (gone and answer.status == 404) or (silent and answer.ok and not answer.body):
            return None
        return outcomes.judge(answer, publishing=publishing, now=self.now())

    def call(self, method: str, route: str, **options: Any) -> Callable[[Any], object]:
        """A request that tweepy has no method for: `json` or `params`, for `ask`."""
        return lambda client: client.request(method, route, user_auth=self.user_auth, **options)

    def form(
        self, route: str, fields: Mapping[str, str], media: bytes, kind: str
    ) -> Callable[[Any], object]:
        """A request that hands over bytes as multipart/form-data, for `ask`."""
        return lambda client: client.session.post(
            HOST + route,
            files={"media": ("media", media, kind)},
            data=fields,
            headers={"User-Agent": client.user_agent},
            auth=self._signed(),
        )

    def _signed(self) -> AuthBase:
        import tweepy

        keys = self.connection.keys
        if not self.user_auth:
            return _Bearer(keys[ACCESS])
        signer: AuthBase = tweepy.OAuth1UserHandler(*(keys[name] for name in OAUTH1)).apply_auth()
        return signer


class _Bearer(AuthBase):
    """Puts an OAuth 2 token on a request."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@contextmanager
def line(connection: Connection, clock: Callable[[], datetime]) -> Iterator[Line]:
    """A line for one call, on connections of its own; OAuth 2 where the account has its token."""
    import tweepy

    hush()
    keys = connection.keys
    shared: dict[str, Any] = {"return_type": requests.Response, "wait_on_rate_limit": False}
    if token := keys.get(ACCESS):
        if not re.fullmatch(r"[!-~]+", token):  # it would break off the request half-way
            raise Unauthorized("The account's token is damaged.", "Connect the account again.")
        client = tweepy.Client(bearer_token=token, **shared)
    else:
        missing = [name for name in OAUTH1 if not keys.get(name)]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise Unauthorized(
                f"The account's {', '.join(missing)} {verb} missing.", "Connect the account again."
            )
        client = tweepy.Client(
            consumer_key=keys["api_key"],
            consumer_secret=keys["api_secret"],
            access_token=keys["access_token"],
            access_token_secret=keys["access_secret"],
            **shared,
        )
    with Line(connection, client, clock) as opened:
        yield opened


def hush() -> None:
    """Below these levels the libraries log signatures, tokens and unpublished words."""
    for name in ("tweepy", "oauthlib", "requests_oauthlib", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)

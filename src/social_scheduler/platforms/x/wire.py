"""One account's line to X: tweepy's client on our session, and what came of each request.

Imported by the first call only, because it loads requests; tweepy is loaded by `line`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests

from social_scheduler.errors import NotSent, Unauthorized
from social_scheduler.platforms import Connection
from social_scheduler.platforms.x import outcomes, transport
from social_scheduler.platforms.x.transport import Session

HOST = "https://api.twitter.com"
"""What tweepy has built in; the session rewrites every request to the connection's address."""
_KEYS = ("api_key", "api_secret", "access_token", "access_secret")


class Line:
    """One account's line to X: the `client` (tweepy's), the session under it and the time."""

    def __init__(
        self, client: Any, session: Session, connection: Connection, clock: Callable[[], datetime]
    ) -> None:
        self.client = client
        self.session = session
        self.base_url = connection.base_url
        self.now = clock
        self._connection = connection

    def ask(
        self,
        send: Callable[[Any], object],
        *,
        publishing: bool = False,
        gone: bool = False,
    ) -> dict[str, Any] | None:
        """Make one request; the JSON object of its answer, or the outcome raised.

        `send` is given tweepy's client. With `gone`, HTTP 404 is None. What tweepy makes of an
        answer is not asked: its exceptions trip over odd bodies and headers.
        """
        self.session.forget()
        failure: Exception | None = None
        try:
            send(self.client)
        except Exception as error:  # noqa: BLE001 - whatever it is, the session knows how far it got
            failure = error
        if self.session.answer is None:
            self._without_answer(failure, publishing=publishing)
        answer = self._answer(self.session.answer)
        if gone and answer.status == 404:
            return None
        return outcomes.judge(answer, publishing=publishing, now=self.now())

    def signed(self) -> Any:
        """tweepy's OAuth 1.0a signer, for requests that tweepy has no method for."""
        import tweepy

        keys = self._connection.keys
        return tweepy.OAuth1UserHandler(
            keys["api_key"], keys["api_secret"], keys["access_token"], keys["access_secret"]
        ).apply_auth()

    def _answer(self, response: requests.Response) -> outcomes.Answer:
        return outcomes.Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=response.content,
            secrets=tuple(self._connection.keys.values()),
        )

    def _without_answer(self, failure: Exception | None, *, publishing: bool) -> NoReturn:
        # Never the exception's own text: requests puts whole headers into some.
        evidence = " from ".join(type(error).__name__ for error in transport.causes(failure))
        if not self.session.offered:
            raise NotSent("The request to X could not be made up.", evidence=evidence)
        never = transport.never_connected(failure)
        if never is not None:
            host = urlsplit(self.base_url).hostname
            raise NotSent(f"{host}: {transport.why(never)}", evidence=evidence) from None
        if isinstance(failure, requests.ReadTimeout):
            seconds = f"{self._connection.read_timeout:g} s"
            raise outcomes.lost(publishing, f"X did not answer within {seconds}.", evidence)
        raise outcomes.lost(
            publishing, "The connection to X broke before its answer was here.", evidence
        )


@contextmanager
def line(connection: Connection, clock: Callable[[], datetime]) -> Iterator[Line]:
    """A line for one call, on connections of its own.

    A connection kept from earlier may be closed by the other side just as a post goes out, and
    that would look as if the post might be live.
    """
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
    with Session(connection) as session:
        client.session = session
        yield Line(client, session, connection, clock)


def _hush() -> None:
    """Below these levels the libraries log signatures, tokens and unpublished words."""
    for name in ("tweepy", "oauthlib", "requests_oauthlib", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)

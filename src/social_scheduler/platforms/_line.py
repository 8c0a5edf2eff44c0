"""One account's line to a network: our session, and how far each request got.

What an SDK makes of an answer is not asked: its exceptions do not tell what never left from what
may be live. Imported by a platform's first call only, because it loads requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, Self
from urllib.parse import quote, urlsplit

import requests

from social_scheduler.errors import NotSent, PlatformError, Unconfirmed
from social_scheduler.platforms import Connection, _transport, may_still_go_out
from social_scheduler.platforms._transport import Session

_SHORTEST_SECRET = 8
_SIGNATURE = re.compile(
    r"""(?:oauth_\w+|access_token|refresh_token|client_secret|bearer)\s*["']?\s*[=:\s]\s*["']?"""
    r"""[^\s"',&]*""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Answer:
    """One complete HTTP answer; header names in lower case. `secrets` never leave it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"Answer({self.status})"

    @property
    def ok(self) -> bool:
        """Whether the network says that it did what it was asked."""
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any] | None:
        """The JSON object in it; None when there is none."""
        found = self.any_json()
        return found if isinstance(found, dict) else None

    def any_json(self) -> Any:
        """The JSON in it, whatever it is; None when it cannot be read."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def redacted(self, said: str) -> str:
        """`said` without our keys, should a server echo them."""
        return redacted(said, self.secrets)


def redacted(said: str, secrets: Sequence[str]) -> str:
    """`said` without our keys and without anything of a header that carries some."""
    said = _SIGNATURE.sub("…", said)
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            said = said.replace(secret, "…").replace(quote(secret, safe=""), "…")
    return said


def lost(publishing: bool, problem: str, evidence: str) -> PlatformError:
    """The outcome of a call of which it is not known what came."""
    if not publishing:
        return NotSent(problem, evidence=evidence)
    return Unconfirmed(problem, "Look whether it is live before anything else.", evidence=evidence)


def undecided(publishing: bool, network: str, status: int, evidence: str) -> PlatformError:
    """The outcome of an answer that says neither yes nor no in the network's own way."""
    if 300 <= status < 400:
        problem = f"{network} pointed to another address, which is not followed."
    elif status >= 500:
        problem = f"{network} failed with HTTP {status}."
    else:
        problem = f"{network} answered HTTP {status}, which is unforeseen."
    return lost(publishing, problem, evidence)


def _always() -> bool:
    return True


class Line:
    """One account's line to a network, for one call: `session` and the time under it.

    A connection kept from earlier may be closed by the other side just as a post goes out, and
    that would look as if the post might be live: make a line for each call, and close it.
    """

    def __init__(self, connection: Connection, label: str, clock: Callable[[], datetime]) -> None:
        self.connection = connection
        self.base_url = connection.base_url
        self.label = label
        self.now = clock
        self.session = Session(connection)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a server may echo and nobody may read: our keys."""
        return tuple(self.connection.keys.values())

    def redacted(self, said: object) -> str:
        """What a server calls somebody or something, without our keys."""
        return redacted(str(said), self.secrets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def answer(self, send: Callable[[], object], *, publishing: bool = False) -> Answer:
        """Make one request on the session; its whole answer, or the outcome of having none."""
        in_time = may_still_go_out.get() if publishing else _always
        if not in_time():
            raise NotSent(
                f"The call was given up: {self.label} took too long to answer what was asked first."
            )
        self.session.forget()
        failure: Exception | None = None
        # The session asks again when it is connected: of what publishes alone.
        before = may_still_go_out.set(in_time)
        try:
            send()
        except Exception as error:  # noqa: BLE001 - whatever it is, the session knows how far it got
            failure = error
        finally:
            may_still_go_out.reset(before)
        if self.session.answer is None:
            self._without_answer(self.session.failure or failure, publishing=publishing)
        return Answer(
            status=self.session.answer.status_code,
            headers={name.lower(): value for name, value in self.session.answer.headers.items()},
            body=self.session.answer.content,
            secrets=self.secrets,
        )

    def _without_answer(self, failure: Exception | None, *, publishing: bool) -> NoReturn:
        # Never the exception's own text: requests puts whole headers into some.
        evidence = " from ".join(type(error).__name__ for error in _transport.causes(failure))
        if not self.session.offered:
            raise NotSent(f"The request to {self.label} could not be made up.", evidence=evidence)
        if isinstance(failure, _transport.TooLate):
            raise NotSent(f"The call was given up before {self.label} had any of it.")
        never = _transport.never_connected(failure)
        if never is not None:
            host = urlsplit(self.base_url).hostname
            raise NotSent(f"{host}: {_transport.why(never)}", evidence=evidence) from None
        if isinstance(failure, requests.ReadTimeout):
            seconds = f"{self.connection.read_timeout:g} s"
            raise lost(publishing, f"{self.label} did not answer within {seconds}.", evidence)
        raise lost(
            publishing,
            f"The connection to {self.label} broke before its answer was here.",
            evidence,
        )


def said_in(problems: Sequence[Mapping[str, Any]], *names: str) -> Iterator[str]:
    """The words under some names, on one line each."""
    for problem in problems:
        for name in names:
            value = problem.get(name)
            if isinstance(value, str) and value and value != "about:blank":
                yield " ".join(value.split())

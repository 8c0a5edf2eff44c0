"""One account's line to a Bluesky server: signed in, one question at a time.

Imported by the first call only, because it loads requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from social_scheduler.errors import NotSent, Unauthorized
from social_scheduler.platforms import Connection, _line
from social_scheduler.platforms.bluesky import outcomes
from social_scheduler.platforms.bluesky.outcomes import Answer
from social_scheduler.platforms.bluesky.sessions import Session, Sessions, required, session_in

KEYS = ("identifier", "app_password")
_FRESH = timedelta(seconds=60)
_SERVER = "com.atproto.server"


@dataclass(frozen=True, slots=True)
class Request:
    """One XRPC call: a GET with a `query`, or a POST with a JSON `body` or a `file`."""

    method: str
    query: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    file: BinaryIO | None = None
    kind: str = ""
    """The file's media type."""
    post: bool = False
    """A POST with neither."""

    @property
    def verb(self) -> str:
        """How it is sent."""
        has_body = self.post or self.body is not None or self.file is not None
        return "POST" if has_body else "GET"


class Line(_line.Line):
    """One account's line to a server; what is asked `signed` goes with the account's session."""

    def __init__(
        self, connection: Connection, sessions: Sessions, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(connection, "Bluesky", clock)
        required(connection.keys, KEYS)
        self.sessions = sessions
        self._secrets: list[str] = []

    @property
    def secrets(self) -> tuple[str, ...]:
        """The account's name is among its keys and is no secret; the session's tokens are."""
        keys = self.connection.keys
        return (*(keys[name] for name in keys if name != KEYS[0]), *self._secrets)

    def ask(self, request: Request, *, signed: bool = True, publishing: bool = False) -> Answer:
        """Make one request; its whole answer, not judged yet.

        A session that is not accepted any more is renewed. What publishes is then not repeated
        here, but left to the caller as `NotSent`.
        """
        session = self.signed_in() if signed else None
        answer = self.send(request, session.access if session else "", publishing=publishing)
        if session is None or not answer.session_is_over or self._is_fresh(session):
            return answer
        self.sessions.over(self.connection, session)
        if publishing:
            raise NotSent("The session with Bluesky had ended.", evidence=answer.evidence)
        return self.send(request, self.signed_in().access)

    def told(
        self, request: Request, *, signed: bool = True, publishing: bool = False
    ) -> dict[str, Any]:
        """Make one request; the JSON object of its answer, or the outcome raised."""
        answer = self.ask(request, signed=signed, publishing=publishing)
        return self.judged(answer, publishing=publishing)

    def judged(self, answer: Answer, *, publishing: bool = False) -> dict[str, Any]:
        """The JSON object of an answer, or the outcome that it means."""
        return outcomes.judge(answer, publishing=publishing, now=self.now())

    def send(self, request: Request, token: str, *, publishing: bool = False) -> Answer:
        """Make one request with this token, or without any; its whole answer."""
        headers = {"Accept": "application/json"}
        if token:
            self._secrets.append(token)
            headers["Authorization"] = f"Bearer {token}"
        if request.file is not None:
            request.file.seek(0)
            headers["Content-Type"] = request.kind
        found = self.answer(
            lambda: self.session.request(
                request.verb,
                f"{self.base_url}/xrpc/{request.method}",
                params=request.query,
                json=request.body,
                data=request.file,
                headers=headers,
            ),
            publishing=publishing,
        )
        return Answer(found.status, found.headers, found.body, found.secrets)

    def signed_in(self, last: timedelta | None = None) -> Session:
        """A session that will do for `last`: the one there is, or a new one."""
        return self.sessions.of(self.connection, self, self.now(), last)

    def create(self) -> Session:
        """com.atproto.server.createSession, with the app password."""
        keys = self.connection.keys
        who = {"identifier": keys["identifier"].removeprefix("@"), "password": keys["app_password"]}
        answer = self.send(Request(f"{_SERVER}.createSession", body=who), "")
        if answer.problem == outcomes.SECOND_FACTOR:
            raise Unauthorized(
                "Bluesky asks for a second factor: this is not an app password.",
                "Make one in Bluesky's settings under App passwords, and connect with it.",
                evidence=answer.evidence,
            )
        return session_in(self.judged(answer), self.now())

    def refresh(self, session: Session) -> Session | None:
        """com.atproto.server.refreshSession."""
        request = Request(f"{_SERVER}.refreshSession", post=True)
        answer = self.send(request, session.refresh)
        if answer.session_is_over:
            return None
        return session_in(self.judged(answer), self.now())

    def _is_fresh(self, session: Session) -> bool:
        """Whether another session would be of no more use."""
        return session.made_at is not None and self.now() - session.made_at < _FRESH

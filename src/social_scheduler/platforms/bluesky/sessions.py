"""Keeps each account's session: made once, renewed before it ends, never one for each post.

A server allows thirty sign-ins in five minutes, so only one thread at a time signs an account in,
and what it gets is told to `connection.renewed`, to outlive the worker.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from social_scheduler.errors import NotSent, SchedulerError, Unauthorized
from social_scheduler.platforms import Connection

ACCESS, REFRESH = "access_jwt", "refresh_jwt"
_EARLY = timedelta(minutes=2)
_REFUSED_FOR = timedelta(minutes=10)
_UNTOLD = timedelta(minutes=30)
"""How long a session is used whose end cannot be read."""


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """One session; `made_at` is None for one that was kept from earlier."""

    access: str
    refresh: str
    made_at: datetime | None = None

    def __repr__(self) -> str:
        return "Session(…)"

    @property
    def ends_at(self) -> datetime | None:
        """When its access ends, as it says itself."""
        return _instant(claims(self.access).get("exp"))

    def lasts(self, until: datetime) -> bool:
        """Whether it can still be used then."""
        ends = self.ends_at
        if ends is None:
            ends = self.made_at + _UNTOLD if self.made_at else None
        return bool(self.access) and ends is not None and ends > until


class SignsIn(Protocol):
    """How a session is had from a server."""

    def create(self) -> Session:
        """Sign in with the app password."""

    def refresh(self, session: Session) -> Session | None:
        """A session in place of this one; None when the server does not know it any more."""


@dataclass
class _Account:
    lock: threading.Lock = field(default_factory=threading.Lock)
    session: Session | None = None
    over: str = ""
    """The access that the server did not accept any more; it may still be among the keys."""
    refused: tuple[datetime, Unauthorized] | None = None


class Sessions:
    """The sessions of every account, in memory."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._lock = threading.Lock()

    def of(
        self, connection: Connection, how: SignsIn, now: datetime, last: timedelta | None = None
    ) -> Session:
        """A session that will do for `last` from now, by default two minutes."""
        account = self._account(connection)
        with account.lock:
            until = now + (last or _EARLY)
            there = [s for s in (account.session, kept(connection.keys)) if s is not None]
            good = (s for s in there if s.access != account.over and s.lasts(until))
            session = next(good, None)
            if session is None:
                session = _renewed(account, there, how, now)
                _keep(connection, session)
            account.session = session
            return session

    def over(self, connection: Connection, session: Session) -> None:
        """The server does not accept this one any more."""
        account = self._account(connection)
        with account.lock:
            account.over = session.access

    def _account(self, connection: Connection) -> _Account:
        keys = connection.keys
        who = "\n".join([connection.base_url, keys["identifier"], keys["app_password"]])
        with self._lock:
            return self._accounts.setdefault(hashlib.sha256(who.encode()).hexdigest(), _Account())


def keys_of(session: Session) -> dict[str, str]:
    """A session as the keys it is kept under."""
    return {ACCESS: session.access, REFRESH: session.refresh}


def session_in(body: Mapping[str, Any], now: datetime) -> Session:
    """The session in a server's answer."""
    access, refresh = body.get("accessJwt"), body.get("refreshJwt")
    if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
        raise NotSent("Bluesky answered the sign-in without a session.")
    return Session(access, refresh, now)


def claims(token: str) -> Mapping[str, Any]:
    """What a token says of itself, unverified; nothing where it cannot be read."""
    body = [*token.split("."), "", ""][1]
    try:
        found = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def required(keys: Mapping[str, str], names: tuple[str, ...]) -> None:
    """Refuse to go on without the keys that sign-in needs."""
    missing = [name for name in names if not keys.get(name)]
    if missing:
        raise Unauthorized(
            f"The account's {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            "Connect the account again.",
        )


def kept(keys: Mapping[str, str]) -> Session | None:
    """The session among an account's keys, if one was kept."""
    access, refresh = keys.get(ACCESS, ""), keys.get(REFRESH, "")
    return Session(access, refresh) if access or refresh else None


def _renewed(account: _Account, there: Sequence[Session], how: SignsIn, now: datetime) -> Session:
    for old in there:  # another worker may have kept a later one
        if old.refresh and (renewed := how.refresh(old)):
            return renewed
    if account.refused and now - account.refused[0] < _REFUSED_FOR:
        # The same password again would only use up the sign-ins.
        known = account.refused[1]
        raise Unauthorized(known.problem, known.remedy, evidence=known.evidence)
    try:
        return how.create()
    except Unauthorized as problem:
        account.refused = now, problem
        raise


def _keep(connection: Connection, session: Session) -> None:
    keep: Callable[[Mapping[str, str]], None] | None = connection.renewed
    if keep is not None:
        # In memory it is as good; what cannot be kept costs a sign-in later, not a post now.
        with contextlib.suppress(SchedulerError, OSError):
            keep(keys_of(session))


def _instant(seconds: object) -> datetime | None:
    if type(seconds) is not int:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None

"""Connects an account with OAuth 2 (PKCE), and renews its tokens before they end.

X's refresh tokens serve once: each exchange gives a new pair, and the old one is worth nothing.
Whoever renews does it alone, and keeps the pair before using it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from social_scheduler.errors import NotSent, Unauthorized
from social_scheduler.platforms import Connection, SignInRequest
from social_scheduler.platforms.x import keys
from social_scheduler.platforms.x.addresses import site

if TYPE_CHECKING:
    from social_scheduler.platforms.x.outcomes import Answer

SCOPES = ("media.write", "offline.access", "tweet.read", "tweet.write", "users.read")
"""What we ask for; without `offline.access` there would be no refresh token."""
RENEW_WITHIN = timedelta(minutes=45)
"""Of the two hours that an access token lasts."""
_LASTS = timedelta(hours=2)
_LONGEST = timedelta(days=365)
_AGAIN = "Connect the account again."

Clock = Callable[[], datetime]


def address(request: SignInRequest) -> str:
    """Where the account's owner is asked; X is told a hash of the verifier only."""
    query = {
        "response_type": "code",
        "client_id": request.app["client_id"],
        "redirect_uri": request.redirect_url,
        "scope": " ".join(SCOPES),
        "state": request.state,
        "code_challenge": request.challenge,
        "code_challenge_method": "S256",
    }
    return f"{site(request.server)}/i/oauth2/authorize?{urlencode(query)}"


def exchange(
    connection: Connection, request: SignInRequest, code: str, clock: Clock
) -> Mapping[str, str]:
    """The account's keys for the code that came back; X takes it within 30 seconds, once."""
    app = {name: request.app.get(name, "") for name in keys.APP}
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": request.redirect_url,
        "code_verifier": request.verifier,
    }
    return _granted(connection, app, fields, clock, before={})


def renew(connection: Connection, clock: Clock) -> Mapping[str, str] | None:
    """A new pair when the access token ends soon; None where nothing ends, or not yet."""
    held = connection.keys
    if not held.get(keys.ACCESS):
        return None
    end = keys.ends_at(held)
    if end is not None and end - clock() > RENEW_WITHIN:
        return None
    refresh = held.get(keys.REFRESH)
    if not refresh:
        if end is not None and end > clock():
            return None
        raise Unauthorized("X gave this account no token that can be renewed.", _AGAIN)
    app = {name: held.get(name, "") for name in keys.APP}
    fields = {"grant_type": "refresh_token", "refresh_token": refresh}
    return _granted(connection, app, fields, clock, before=held)


def _granted(
    connection: Connection,
    app: Mapping[str, str],
    fields: Mapping[str, str],
    clock: Clock,
    before: Mapping[str, str],
) -> Mapping[str, str]:
    """POST /2/oauth2/token: the keys of `before` with what X gives now; an empty value is none."""
    asked = clock()
    answer = _ask(connection, app, fields, clock)
    told = _judged(answer, asked)
    access = told.get("access_token")
    if not isinstance(access, str) or not access:
        raise NotSent("X gave no token.", _AGAIN, evidence=f"HTTP {answer.status} without a token")
    refresh, scope = told.get("refresh_token"), told.get("scope")
    granted = {
        **before,
        **app,
        keys.ACCESS: access,
        keys.ENDS_AT: (asked + _lasts(told.get("expires_in"))).isoformat(),
    }
    if isinstance(refresh, str) and refresh:
        granted[keys.REFRESH] = refresh
    if isinstance(scope, str) and scope:
        granted[keys.SCOPES] = scope
    return granted


def _ask(
    connection: Connection, app: Mapping[str, str], fields: Mapping[str, str], clock: Clock
) -> Answer:
    """One request, made by nobody but the app itself: with its secret, or by its name alone."""
    from requests.auth import HTTPBasicAuth

    from social_scheduler.platforms import _line
    from social_scheduler.platforms.x import outcomes, wire

    wire.hush()
    client_id, secret = app["client_id"], app["client_secret"]
    # Everything of this request is a secret to errors, whichever of it a server echoes.
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    hidden = {**connection.keys, **app, **fields, "basic": basic}
    of_ours = Connection(
        connection.base_url, hidden, connection.connect_timeout, connection.read_timeout
    )
    with _line.Line(of_ours, "X", clock) as line:
        found = line.answer(
            lambda: line.session.post(
                f"{wire.HOST}/2/oauth2/token",
                data=fields if secret else {**fields, "client_id": client_id},
                auth=HTTPBasicAuth(client_id, secret) if secret else None,
            )
        )
    return outcomes.Answer(found.status, found.headers, found.body, found.secrets)


def _judged(answer: Answer, now: datetime) -> dict[str, Any]:
    """What X grants. 400 and 401 are OAuth's words for codes, tokens and apps that are no good."""
    from social_scheduler.platforms.x import outcomes

    if answer.status in (400, 401) and answer.json() is not None:
        raise Unauthorized(
            f"X gives this account no new token: {answer.words()}", _AGAIN, evidence=answer.evidence
        )
    return outcomes.judge(answer, publishing=False, now=now)


def _lasts(seconds: object) -> timedelta:
    if type(seconds) is not int or not 0 < seconds <= _LONGEST.total_seconds():
        return _LASTS
    return timedelta(seconds=seconds)

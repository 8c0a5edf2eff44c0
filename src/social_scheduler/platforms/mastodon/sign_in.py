"""Connects an account in a browser: OAuth 2 with PKCE, at whatever server it is on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from social_scheduler.errors import NotSent, Unauthorized
from social_scheduler.platforms import Connection, SignIn, SignInRequest

APP_NAME = "social-scheduler"
SCOPES = "read:accounts read:statuses read:search write:statuses write:media"
"""What is needed and no more: who we are, our own posts, posting, media."""


def address(request: SignInRequest) -> str:
    """Where the account's owner says yes."""
    query = {
        "response_type": "code",
        "client_id": request.app["client_id"],
        "redirect_uri": request.redirect_url,
        "scope": SCOPES,
        "state": request.state,
        "code_challenge": request.challenge,
        "code_challenge_method": "S256",
    }
    return f"{request.server.rstrip('/')}/oauth/authorize?{urlencode(query)}"


def exchange(connection: Connection, request: SignInRequest, code: str) -> Mapping[str, str]:
    """POST /oauth/token: the code that came back becomes the account's token, which does not end."""
    app = request.app
    secret = {"client_secret": app["client_secret"]} if app.get("client_secret") else {}
    body = _post(
        Connection(
            connection.base_url,
            {**secret, "code": code, "verifier": request.verifier},
            connection.connect_timeout,
            connection.read_timeout,
        ),
        "/oauth/token",
        {
            "grant_type": "authorization_code",
            "client_id": app["client_id"],
            **secret,
            "redirect_uri": request.redirect_url,
            "scope": SCOPES,
            "code": code,
            "code_verifier": request.verifier,
        },
    )
    token = body.get("access_token")
    if not isinstance(token, str) or not token:
        raise Unauthorized("The server answered without a token.", "Connect the account again.")
    return {"access_token": token}


def register(connection: Connection, redirect_url: str) -> Mapping[str, str]:
    """POST /api/v1/apps: our app introduces itself, and learns what it is known by there."""
    fields = {"client_name": APP_NAME, "redirect_uris": redirect_url, "scopes": SCOPES}
    body = _post(connection, "/api/v1/apps", fields)
    known = {name: body.get(name) for name in ("client_id", "client_secret")}
    if not all(isinstance(value, str) and value for value in known.values()):
        raise NotSent("The server did not say what it knows our app by.")
    return {name: str(value) for name, value in known.items()}


SIGN_IN = SignIn(address, exchange, ("client_id", "client_secret"), register=register)


def _post(connection: Connection, path: str, fields: Mapping[str, str]) -> dict[str, Any]:
    from social_scheduler.platforms.mastodon import wire

    headers = {"User-Agent": wire.USER_AGENT, "Accept": "application/json"}
    with wire.Line(connection, lambda: datetime.now(UTC)) as line:
        body = line.ask(
            lambda client: client.session.post(wire.HOST + path, data=fields, headers=headers)
        )
    return body if isinstance(body, dict) else {}

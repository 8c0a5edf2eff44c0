"""X's OAuth 2: apps, the page where an account's owner consents, and tokens that rotate.

PKCE with S256 is asked for. A refresh token serves once: shown again within a minute it is refused,
shown again later it is taken for stolen, and everything that came of it is worth nothing any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from . import consent, tokens
from .accounts import Account, by_handle, by_id
from .gate import Call, Knock
from .ledger import Ledger, from_micros, to_micros
from .problems import Problem, forbidden, unauthorized
from .tokens import Token

NETWORK = "x"
SCOPES = frozenset({"media.write", "offline.access", "tweet.read", "tweet.write", "users.read"})
CODE_LASTS = timedelta(seconds=30)
ACCESS_LASTS = timedelta(hours=2)
REUSE_IS_THEFT_AFTER = timedelta(minutes=1)
"""Two programs of one owner may renew at the same moment; nobody does so minutes later."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

Answer = tuple[int, dict[str, Any]]


def new_app(ledger: Ledger, redirect_urls: list[str], *, public: bool = False) -> dict[str, str]:
    """An app that may ask for consent and is told of it at these addresses only, to the letter."""
    secret = "" if public else secrets.token_urlsafe(36)
    facts = {"secret": secret, "redirects": redirect_urls}
    made = tokens.issue(ledger, NETWORK, "app", None, facts=facts)
    return {"client_id": made.value, "client_secret": secret}


def authorize(call: Call) -> Response:
    """GET /i/oauth2/authorize: asks the owner; with `as=`, the owner said yes, or no."""
    query = call.query
    app = tokens.known(call.ledger, NETWORK, "app", query.get("client_id", ""))
    if app is None or query.get("redirect_uri") not in app.facts["redirects"]:
        return consent.stranger(call, NETWORK, app.facts["redirects"] if app else None)
    scopes = sorted(query.get("scope", "").split())
    if wrong := _wrong(query, scopes):
        return consent.refused(NETWORK, wrong)
    if "as" not in query:
        return consent.page(call, NETWORK, "this program", scopes)
    with call.ledger.reading() as db:
        account = by_handle(db, NETWORK, query["as"])
    if account is None:
        return _back(query, error="access_denied")
    facts = {
        "client": app.value,
        "redirect": query["redirect_uri"],
        "challenge": query["code_challenge"],
        "scope": " ".join(scopes),
    }
    ends = call.ledger.clock() + CODE_LASTS
    code = tokens.issue(call.ledger, NETWORK, "code", account.id, facts=facts, expires_at=ends)
    return _back(query, code=code.value)


def _wrong(query: Mapping[str, str], scopes: list[str]) -> str | None:
    if not scopes or set(scopes) - SCOPES:
        return f"scope: some of {', '.join(sorted(SCOPES))}."
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        return "code_challenge: a SHA-256 in base64url, with code_challenge_method=S256."
    if query.get("response_type") != "code" or not 1 <= len(query.get("state", "")) <= 500:
        return "response_type must be code, and state 1 to 500 characters."
    return None


def _back(query: Mapping[str, str], **told: str) -> Response:
    """To the app's own address, with what it is told."""
    address = query["redirect_uri"]
    joint = "&" if urlsplit(address).query else "?"
    told_it = urlencode({"state": query["state"], **told})
    return RedirectResponse(f"{address}{joint}{told_it}", 302)


def token(call: Call) -> Answer:
    """POST /2/oauth2/token: a pair of tokens for a code, or for a refresh token; each serves once."""
    app = _app(call)
    if call.fields.get("grant_type") == "authorization_code":
        account_id, scope = _by_code(call, app)
        return 200, _pair(call, app, account_id, scope, secrets.token_urlsafe(12))
    if call.fields.get("grant_type") == "refresh_token":
        return 200, _renewed(call, app, call.fields.get("refresh_token", ""))
    raise _refused("unsupported_grant_type", "Value passed for grant_type was invalid.")


def authenticate(knock: Knock, value: str) -> Account:
    """The account whose access token this is; raises Problem 401, or 403 without the scope."""
    ledger = knock.desk.ledger
    found = tokens.known(ledger, NETWORK, "access", value)
    if found is None or found.account_id is None or tokens.expired(found, ledger.clock()):
        raise unauthorized()
    needed = _scope_for(knock.request.method, knock.request.url.path)
    if needed not in str(found.facts["scope"]).split():
        raise forbidden(f"The token lacks the scope {needed}.")
    with ledger.reading() as db:
        account = by_id(db, found.account_id)
    if account is None:
        raise unauthorized()
    return account


def _scope_for(method: str, path: str) -> str:
    if path.startswith("/2/media/"):
        return "media.write"
    if path == "/2/users/me":
        return "users.read"
    return "tweet.read" if method == "GET" else "tweet.write"


def _app(call: Call) -> Token:
    """The app that asks: with its secret where it has one, else by its name."""
    kind, _, basic = call.headers.get("authorization", "").partition(" ")
    client, secret = call.fields.get("client_id", ""), ""
    if kind.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(basic, validate=True).decode().partition(":")
        except ValueError:
            client = ""
    app = tokens.known(call.ledger, NETWORK, "app", client)
    if app is None or not hmac.compare_digest(str(app.facts["secret"]), secret):
        raise Problem(
            401,
            {
                "error": "unauthorized_client",
                "error_description": "Missing valid authorization header",
            },
        )
    return app


def _by_code(call: Call, app: Token) -> tuple[int, str]:
    """Whose account the code is for, and what was consented to. A wrong verifier uses it up."""
    code = tokens.spend(call.ledger, NETWORK, "code", call.fields.get("code", ""))
    if (
        code is None
        or code.account_id is None
        or tokens.expired(code, call.ledger.clock())
        or code.facts["client"] != app.value
        or code.facts["redirect"] != call.fields.get("redirect_uri")
    ):
        raise _refused("invalid_request", "Value passed for the authorization code was invalid.")
    digest = hashlib.sha256(call.fields.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(str(code.facts["challenge"]), challenge):
        raise _refused("invalid_request", "Value passed for the code verifier did not match.")
    return code.account_id, str(code.facts["scope"])


def _renewed(call: Call, app: Token, value: str) -> dict[str, Any]:
    ledger = call.ledger
    spent = tokens.spend(ledger, NETWORK, "refresh", value)
    if spent is None:
        _look_for_theft(ledger, value)
    if spent is None or spent.account_id is None or spent.facts["client"] != app.value:
        raise _refused("invalid_request", "Value passed for the token was invalid.")
    family = str(spent.facts["family"])
    facts = {"family": family, "at": to_micros(ledger.clock())}
    tokens.issue(ledger, NETWORK, "spent", spent.account_id, value=value, facts=facts)
    return _pair(call, app, spent.account_id, str(spent.facts["scope"]), family)


def _look_for_theft(ledger: Ledger, value: str) -> None:
    """Somebody shows a spent token: at the same moment as its owner, or later, as a thief would."""
    before = tokens.known(ledger, NETWORK, "spent", value)
    if before is None:
        return
    if ledger.clock() - from_micros(before.facts["at"]) > REUSE_IS_THEFT_AFTER:
        with ledger.writing() as db:
            _revoke(db, str(before.facts["family"]))


def _revoke(db: sqlite3.Connection, family: str) -> None:
    db.execute(
        "DELETE FROM tokens WHERE network = ? AND kind IN ('access', 'refresh')"
        " AND json_extract(facts, '$.family') = ?",
        (NETWORK, family),
    )


def _pair(call: Call, app: Token, account_id: int, scope: str, family: str) -> dict[str, Any]:
    """A new access token, and a refresh token where `offline.access` was granted."""
    facts = {"scope": scope, "client": app.value, "family": family}
    ends = call.ledger.clock() + ACCESS_LASTS
    access = tokens.issue(call.ledger, NETWORK, "access", account_id, facts=facts, expires_at=ends)
    answer: dict[str, Any] = {
        "token_type": "bearer",
        "expires_in": int(ACCESS_LASTS.total_seconds()),
        "access_token": access.value,
        "scope": scope,
    }
    if "offline.access" in scope.split():
        refresh = tokens.issue(call.ledger, NETWORK, "refresh", account_id, facts=facts)
        answer["refresh_token"] = refresh.value
    return answer


def _refused(error: str, why: str) -> Problem:
    return Problem(400, {"error": error, "error_description": why})

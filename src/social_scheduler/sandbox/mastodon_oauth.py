"""Mastodon's OAuth 2: apps, the owner's yes in a browser, codes with PKCE, tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.responses import RedirectResponse

from . import consent, tokens
from .accounts import Account, by_handle, by_id, by_key
from .gate import Answer, Call, Knock
from .ledger import to_micros
from .mastodon_problems import refused
from .mastodon_statuses import given
from .tokens import Token

NETWORK = "mastodon"
CODE_LIFETIME = timedelta(minutes=10)
EVERYTHING = "read write follow push"
_INVALID = "The access token is invalid"
_BAD_APP = (
    "Client authentication failed due to unknown client, no client authentication included, or"
    " unsupported authentication method."
)
_BAD_GRANT = (
    "The provided authorization grant is invalid, expired, revoked, does not match the"
    " redirection URI used in the authorization request, or was issued to another client."
)


def caller(knock: Knock) -> Account:
    """The account of a bearer token, if its scopes reach; raises Problem 401 or 403."""
    value = knock.bearer or knock.request.query_params.get("access_token")
    account, scopes = _whose(knock, value) if value else (None, "")
    if account is None:
        raise refused(401, _INVALID)
    wanted = _wanted(knock.request.method, knock.request.url.path)
    if wanted and not {wanted, wanted.partition(":")[0]} & set(scopes.split()):
        raise refused(403, "This action is outside the authorized scopes")
    return account


def register(call: Call) -> Answer:
    """POST /api/v1/apps."""
    wish = given(call)
    name, uris = wish.get("client_name"), wish.get("redirect_uris")
    listed = uris if isinstance(uris, list) else str(uris or "").split()
    if not name:
        raise refused(422, "Validation failed: Application name can't be blank")
    if not listed or not all(_is_address(u) for u in listed):
        raise refused(422, "Validation failed: Redirect URI must be an absolute URI.")
    made = tokens.issue(
        call.ledger,
        NETWORK,
        "app",
        None,
        facts={
            "name": str(name),
            "redirect_uris": listed,
            "scopes": str(wish.get("scopes") or "read"),
            "secret": tokens.new_value(),
        },
    )
    shown = _app(made) | {"client_id": made.value, "client_secret": made.facts["secret"]}
    return 200, shown | {"redirect_uri": "\n".join(listed), "redirect_uris": listed}


def own_app(call: Call) -> Answer:
    """GET /api/v1/apps/verify_credentials: which app the token belongs to."""
    token = call.headers.get("authorization", "").partition(" ")[2].strip()
    found = tokens.known(call.ledger, NETWORK, "access", token)
    scopes = found.facts["scope"] if found else EVERYTHING
    return 200, {
        "id": "1",
        "name": found.facts["app"] if found else "a rehearsal workspace",
        "website": None,
        "scopes": scopes.split(),
        "redirect_uris": [],
        "redirect_uri": "",
    }


def authorize(call: Call) -> Answer:
    """GET /oauth/authorize: asks the owner; with `as=`, the owner said yes."""
    query = call.query
    app = tokens.known(call.ledger, NETWORK, "app", query.get("client_id", ""))
    if app is None or query.get("redirect_uri") not in app.facts["redirect_uris"]:
        return consent.stranger(call, NETWORK, app.facts["redirect_uris"] if app else None)
    scope = query.get("scope", "read")
    wrong = None
    if query.get("response_type") != "code":
        wrong = "unsupported_response_type"
    elif not _within(scope, app.facts["scopes"]):
        wrong = "invalid_scope"
    elif query.get("code_challenge_method", "S256") != "S256":
        wrong = "invalid_code_challenge_method"
    if wrong:
        return _back(query["redirect_uri"], error=wrong, state=query.get("state"))
    if "as" not in query:
        return consent.page(call, NETWORK, app.facts["name"], scope.split())
    with call.ledger.reading() as db:
        account = by_handle(db, NETWORK, query["as"])
    if account is None:
        return _back(query["redirect_uri"], error="access_denied", state=query.get("state"))
    code = tokens.issue(
        call.ledger,
        NETWORK,
        "code",
        account.id,
        facts={
            "client_id": app.value,
            "redirect_uri": query["redirect_uri"],
            "scope": scope,
            "challenge": query.get("code_challenge"),
        },
        expires_at=call.ledger.clock() + CODE_LIFETIME,
    )
    return _back(query["redirect_uri"], code=code.value, state=query.get("state"))


def token(call: Call) -> Answer:
    """POST /oauth/token: a code becomes a token, once."""
    wish = given(call)
    app = _known_app(call, wish)
    if wish.get("grant_type") == "client_credentials":
        return 200, _issued(call, app, None, str(wish.get("scope") or "read"))
    if wish.get("grant_type") != "authorization_code":
        raise refused(
            400,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        )
    code = tokens.spend(call.ledger, NETWORK, "code", str(wish.get("code")))
    if (
        code is None
        or tokens.expired(code, call.ledger.clock())
        or code.facts["client_id"] != app.value
        or code.facts["redirect_uri"] != wish.get("redirect_uri")
        or not _proven(code.facts["challenge"], wish.get("code_verifier"))
    ):
        raise refused(400, "invalid_grant", _BAD_GRANT)
    return 200, _issued(call, app, code.account_id, code.facts["scope"])


def revoke(call: Call) -> Answer:
    """POST /oauth/revoke."""
    wish = given(call)
    app = _known_app(call, wish, status=403)
    found = tokens.known(call.ledger, NETWORK, "access", str(wish.get("token")))
    if found is not None and found.facts["client_id"] != app.value:
        raise refused(403, "unauthorized_client", "You are not authorized to revoke this token")
    tokens.spend(call.ledger, NETWORK, "access", str(wish.get("token")))
    return 200, {}


def described(call: Call) -> Answer:
    """GET /.well-known/oauth-authorization-server."""
    return 200, {
        "issuer": f"{call.base}/",
        "authorization_endpoint": f"{call.base}/oauth/authorize",
        "token_endpoint": f"{call.base}/oauth/token",
        "revocation_endpoint": f"{call.base}/oauth/revoke",
        "app_registration_endpoint": f"{call.base}/api/v1/apps",
        "scopes_supported": ["read", "write", "write:statuses", "write:media", "profile"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
    }


def _whose(knock: Knock, value: str) -> tuple[Account | None, str]:
    ledger = knock.desk.ledger
    with ledger.reading() as db:
        pasted = by_key(db, NETWORK, "access_token", value)
    if pasted is not None:
        return pasted[0], EVERYTHING
    found = tokens.known(ledger, NETWORK, "access", value)
    if found is None or found.account_id is None:
        return None, ""
    with ledger.reading() as db:
        return by_id(db, found.account_id), found.facts["scope"]


def _wanted(method: str, path: str) -> str | None:
    if path.startswith("/api/v1/apps"):
        return None
    if "/media" in path:
        return "write:media"
    if path.endswith("/verify_credentials"):
        return "read:accounts"
    if "/search" in path:
        return "read:search"
    return "read:statuses" if method == "GET" else "write:statuses"


def _within(wanted: str, granted: str) -> bool:
    have = set(granted.split())
    return all({scope, scope.partition(":")[0]} & have for scope in wanted.split())


def _known_app(call: Call, wish: dict[str, Any], status: int = 401) -> Token:
    given_id, given_secret = str(wish.get("client_id")), str(wish.get("client_secret"))
    basic = call.headers.get("authorization", "")
    if basic.startswith("Basic "):
        plain = base64.b64decode(basic[6:], validate=False).decode("utf-8", "replace")
        given_id, _, given_secret = plain.partition(":")
    app = tokens.known(call.ledger, NETWORK, "app", given_id)
    if app is None or not hmac.compare_digest(app.facts["secret"].encode(), given_secret.encode()):
        raise refused(status, "invalid_client", _BAD_APP)
    return app


def _issued(call: Call, app: Token, account_id: int | None, scope: str) -> dict[str, Any]:
    facts = {"client_id": app.value, "app": app.facts["name"], "scope": scope}
    made = tokens.issue(call.ledger, NETWORK, "access", account_id, facts=facts)
    return {
        "access_token": made.value,
        "token_type": "Bearer",
        "scope": scope,
        "created_at": to_micros(call.ledger.clock()) // 1_000_000,
    }


def _proven(challenge: str | None, verifier: object) -> bool:
    if challenge is None:
        return True
    digest = hashlib.sha256(str(verifier).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge


def _back(address: str, **told: str | None) -> Answer:
    query = urlencode({name: value for name, value in told.items() if value is not None})
    return RedirectResponse(f"{address}{'&' if '?' in address else '?'}{query}", 302)


def _app(found: Token) -> dict[str, Any]:
    return {
        "id": "1",
        "name": found.facts["name"],
        "website": None,
        "scopes": found.facts["scopes"].split(),
        "vapid_key": "",
    }


def _is_address(value: object) -> bool:
    return isinstance(value, str) and bool(urlsplit(value).scheme)

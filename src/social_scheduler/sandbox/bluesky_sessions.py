"""Bluesky's sessions: an app password becomes two tokens, and the second renews them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from . import tokens
from .accounts import Account, by_handle, by_native_id, keys_of
from .bluesky_problems import bad, refused
from .gate import Answer, Call, Knock
from .ledger import Ledger, from_micros, to_micros
from .problems import Problem
from .tokens import Token

NETWORK = "bluesky"
ACCESS_LIFETIME, REFRESH_LIFETIME = timedelta(hours=2), timedelta(days=90)
GRACE = timedelta(hours=2)
"""For how long a refresh token that was used gives the same answer again."""
_ACCESS, _REFRESH = "com.atproto.appPass", "com.atproto.refresh"
_OVER = "Token could not be verified"


def create(call: Call) -> Answer:
    """com.atproto.server.createSession."""
    wish = call.json()
    identifier, password = wish.get("identifier"), wish.get("password")
    if not isinstance(identifier, str) or not isinstance(password, str):
        raise bad("Input must have the properties identifier and password")
    with call.ledger.reading() as db:
        account = by_handle(db, NETWORK, identifier) or by_native_id(db, NETWORK, identifier)
        right = keys_of(db, account)["app_password"] if account else ""
    if account is None or not hmac.compare_digest(right.encode(), password.encode()):
        raise refused(401, "AuthenticationRequired", "Invalid identifier or password")
    return 200, _session(call, account, secrets.token_urlsafe(24))


def refresh(call: Call) -> Answer:
    """com.atproto.server.refreshSession: the token works once; shortly after, with one answer."""
    ledger, now = call.ledger, call.ledger.clock()
    value = call.headers.get("authorization", "").partition(" ")[2].strip()
    if not value:
        raise refused(401, "AuthMissing", "Authentication Required")
    told = read(ledger, value, _REFRESH)
    used = tokens.known(ledger, NETWORK, "refresh", str(told.get("jti")))
    if used is None or used.account_id is None or tokens.expired(used, now):
        raise bad("Token has been revoked", "ExpiredToken")
    with ledger.reading() as db:
        account = by_native_id(db, NETWORK, str(told["sub"]))
    if account is None:
        raise bad(_OVER, "InvalidToken")
    successor = used.facts.get("next") or secrets.token_urlsafe(24)
    _supersede(ledger, used, successor)
    return 200, _session(call, account, successor)


def show(call: Call) -> Answer:
    """com.atproto.server.getSession."""
    return 200, _about(call, call.account)


def end(call: Call) -> Answer:
    """com.atproto.server.deleteSession."""
    value = call.headers.get("authorization", "").partition(" ")[2].strip()
    told = read(call.ledger, value, _REFRESH)
    tokens.spend(call.ledger, NETWORK, "refresh", str(told.get("jti")))
    return 200, {}


def caller(knock: Knock) -> Account:
    """The account whose access token this is; raises Problem."""
    if knock.bearer is None:
        raise refused(401, "AuthMissing", "Authentication Required")
    told = read(knock.desk.ledger, knock.bearer, _ACCESS)
    with knock.desk.ledger.reading() as db:
        account = by_native_id(db, NETWORK, str(told.get("sub")))
    if account is None:
        raise bad(_OVER, "InvalidToken")
    return account


def meant(call: Call) -> Account:
    """Whose sign-in or session this is about: sign-ins are counted for each account."""
    if not call.where.endswith((".createSession", ".refreshSession")):
        return call.account
    try:
        if call.where.endswith(".createSession"):
            name = str(call.json().get("identifier"))
        else:
            value = call.headers.get("authorization", "").partition(" ")[2].strip()
            name = str(read(call.ledger, value, _REFRESH).get("sub"))
    except Problem:
        return call.account
    with call.ledger.reading() as db:
        found = by_handle(db, NETWORK, name) or by_native_id(db, NETWORK, name)
    return found or call.account


def read(ledger: Ledger, value: str, scope: str) -> Mapping[str, Any]:
    """What a token of ours says; raises Problem for any other, and for one that has ended."""
    head, _, signature = value.rpartition(".")
    if not hmac.compare_digest(_signed(ledger, head), signature):
        raise bad(_OVER, "InvalidToken")
    told: dict[str, Any] = json.loads(_decoded(head.partition(".")[2]))
    if told["scope"] != scope:
        raise bad("Bad token scope", "InvalidToken")
    if from_micros(told["exp"] * 1_000_000) <= ledger.clock():
        raise bad("Token has expired", "ExpiredToken")
    return told


def _session(call: Call, account: Account, jti: str) -> dict[str, Any]:
    ledger, now = call.ledger, call.ledger.clock()
    if tokens.known(ledger, NETWORK, "refresh", jti) is None:
        ends = now + REFRESH_LIFETIME
        tokens.issue(ledger, NETWORK, "refresh", account.id, value=jti, expires_at=ends)
    about = {"sub": account.native_id, "aud": "did:web:localhost"}
    return _about(call, account) | {
        "accessJwt": _made(ledger, {**about, "scope": _ACCESS}, ACCESS_LIFETIME),
        "refreshJwt": _made(ledger, {**about, "scope": _REFRESH, "jti": jti}, REFRESH_LIFETIME),
    }


def _about(call: Call, account: Account) -> dict[str, Any]:
    service = {
        "id": "#atproto_pds",
        "type": "AtprotoPersonalDataServer",
        "serviceEndpoint": call.base,
    }
    return {
        "did": account.native_id,
        "didDoc": {
            "id": account.native_id,
            "alsoKnownAs": [f"at://{account.handle}"],
            "service": [service],
        },
        "handle": account.handle,
        "email": f"desk@{account.handle}",
        "emailConfirmed": True,
        "emailAuthFactor": False,
        "active": True,
    }


def _supersede(ledger: Ledger, used: Token, successor: str) -> None:
    ends = to_micros(ledger.clock() + GRACE)
    with ledger.writing() as db:
        db.execute(
            "UPDATE tokens SET facts = ?, expires_at = min(expires_at, ?) WHERE value = ?",
            (json.dumps({"next": successor}), ends, used.value),
        )


def _made(ledger: Ledger, claims: Mapping[str, Any], lifetime: timedelta) -> str:
    now = ledger.clock()
    times = {"iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp())}
    parts = ({"typ": "at+jwt", "alg": "HS256"}, {**claims, **times})
    head = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{head}.{_signed(ledger, head)}"


def _signed(ledger: Ledger, head: str) -> str:
    with ledger.writing() as db:
        db.execute(
            "INSERT INTO tokens (value, network, kind) SELECT ?, ?, 'signing'"
            " WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE network = ? AND kind = 'signing')",
            (secrets.token_hex(32), NETWORK, NETWORK),
        )
        sql = "SELECT value FROM tokens WHERE network = ? AND kind = 'signing'"
        (key,) = db.execute(sql, (NETWORK,)).fetchone()
    return _encoded(hmac.digest(str(key).encode(), head.encode(), hashlib.sha256))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

"""Who is calling: OAuth 1.0a signatures (HMAC-SHA1), checked by oauthlib against the ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, RequestValidator, ResourceEndpoint
from oauthlib.oauth1.rfc5849.errors import OAuth1Error

from .accounts import Account, Keys, by_key
from .ledger import Ledger, to_micros
from .problems import unauthorized

_WINDOW_S = 300
_SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class _Keys(RequestValidator):
    """Looks keys up in the ledger; unknown ones get dummies so that both take the same time."""

    enforce_ssl = False
    safe_characters = _SAFE
    client_key_length = (1, 100)
    access_token_length = (1, 100)
    nonce_length = (1, 100)
    # oauthlib would ask the machine's clock; the window is checked below, by the ledger's clock.
    timestamp_lifetime = 10**12
    allowed_signature_methods = (SIGNATURE_HMAC_SHA1,)
    dummy_client = "dummy-client"
    dummy_access_token = "dummy-token"  # noqa: S105 - names nobody

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return self._lookup("api_key", client_key) is not None

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        keys = self._lookup("access_token", token)
        return keys is not None and keys["api_key"] == client_key

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: str,
        nonce: str,
        request: Any,
        request_token: str | None = None,
        access_token: str | None = None,
    ) -> bool:
        now = to_micros(self._ledger.clock()) // 1_000_000
        return bool(_STAMP.fullmatch(timestamp)) and abs(now - int(timestamp)) <= _WINDOW_S

    def get_client_secret(self, client_key: str, request: Any) -> str:
        keys = self._lookup("api_key", client_key)
        return keys["api_secret"] if keys is not None else "dummy-secret"

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        keys = self._lookup("access_token", token)
        return keys["access_secret"] if keys is not None else "dummy-secret"

    def _lookup(self, name: str, value: str) -> Keys | None:
        with self._ledger.reading() as db:
            found = by_key(db, "x", name, value)
        return found[1] if found is not None else None


def authenticate(
    ledger: Ledger, method: str, url: str, headers: Mapping[str, str], body: str
) -> Account:
    """The account whose keys signed this very request.

    `url` is the address as the client wrote it, with its query; `body` counts only when it is
    form-encoded. Raises Problem 401 for anything else: missing or wrong keys, wrong signature,
    a clock more than five minutes off, a nonce seen before.
    """
    endpoint = ResourceEndpoint(_Keys(ledger))
    try:
        valid, request = endpoint.validate_protected_resource_request(
            url, http_method=method, body=body, headers=dict(headers), realms=[]
        )
    except (OAuth1Error, ValueError) as error:
        raise unauthorized() from error
    if not valid:
        raise unauthorized()
    token, stamp = request.resource_owner_key, int(request.timestamp)
    with ledger.writing() as db:
        db.execute("DELETE FROM nonces WHERE stamp < ?", (stamp - 4 * _WINDOW_S,))
        fresh = db.execute(
            "INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", (token, stamp, request.nonce)
        ).rowcount
        found = by_key(db, "x", "access_token", token)
    if not fresh or found is None:
        raise unauthorized()
    return found[0]

"""The names of an account's secrets on X: four of OAuth 1.0a, or a rotating pair of OAuth 2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

OAUTH1 = ("api_key", "api_secret", "access_token", "access_secret")
"""Pasted; they do not end."""
APP = ("client_id", "client_secret")
"""Of our app, for OAuth 2; the secret is empty for an app that X calls public."""
ACCESS, REFRESH = "oauth2_access", "oauth2_refresh"
ENDS_AT, SCOPES = "oauth2_ends_at", "oauth2_scopes"
"""When the access token ends (ISO 8601), and what X granted (divided by spaces)."""


def ends_at(keys: Mapping[str, str]) -> datetime | None:
    """When the access token ends; None where there is none, or where its end cannot be read."""
    try:
        found = datetime.fromisoformat(keys.get(ENDS_AT, "") if keys.get(ACCESS) else "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def scopes(keys: Mapping[str, str]) -> tuple[str, ...]:
    """What the account's owner let us do, in the order of the alphabet."""
    return tuple(sorted(keys.get(SCOPES, "").split())) if keys.get(ACCESS) else ()

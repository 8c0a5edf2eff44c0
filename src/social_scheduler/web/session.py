"""What the browser keeps: the session, the language, and one message for the next page."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from starlette.responses import Response

from social_scheduler.config import Settings
from social_scheduler.services.actor import Actor

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Cookies:
    """Names and attributes of the cookies.

    Behind https every name starts with `__Host-`, so no neighbouring site can set it. On plain
    http, which is only answered on this machine's own names, browsers would refuse that prefix.
    """

    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> Cookies:
        """As the settings have it."""
        return cls(secure=settings.web_origin.startswith("https://"))

    def name(self, short: str) -> str:
        """The cookie's whole name."""
        return f"__Host-{short}" if self.secure else short

    def put(self, response: Response, short: str, value: str, max_age: int | None = None) -> None:
        """Set a cookie that no script can read and no other site's form carries along."""
        response.set_cookie(
            self.name(short),
            value,
            max_age=max_age,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response, short: str) -> None:
        """Forget a cookie."""
        response.delete_cookie(
            self.name(short), path="/", secure=self.secure, httponly=True, samesite="lax"
        )


@dataclass(slots=True)
class Asked:
    """What the gate found out about a request; pages read it from `request.state.asked`."""

    locale: str
    secret: str
    """The session's token, or the secret of the sign-in form."""
    actor: Actor | None = None
    form: Mapping[str, list[str]] = field(default_factory=dict)
    signed_in_before: bool = False

    def one(self, name: str) -> str:
        """One field of the form, as typed; empty when it is not there."""
        return self.form.get(name, [""])[0].replace("\r\n", "\n")

    def all(self, name: str) -> list[str]:
        """Every field of that name."""
        return list(self.form.get(name, []))


def form_token(secret: str) -> str:
    """What every form carries: it can be made from the session and tells nothing of it."""
    return hmac.new(secret.encode(), b"form/v1", hashlib.sha256).hexdigest()


def is_form_token(given: str, secret: str) -> bool:
    """Whether a form was made for this session."""
    return hmac.compare_digest(given.encode(), form_token(secret).encode())


def safe_next(wanted: str) -> str:
    """A path of ours to go on to after signing in; anything else is the first page."""
    control = any(ord(c) <= 0x20 or ord(c) == 0x7F for c in wanted)
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or control:
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else wanted


def pack(message: dict[str, str]) -> str:
    """A message for the next page, as a cookie's value."""
    return quote(json.dumps(message, ensure_ascii=True, separators=(",", ":")), safe="")


def unpack(value: str | None) -> dict[str, str]:
    """The message back; nothing when there is none or it is not ours."""
    try:
        found = json.loads(unquote((value or "")[:2000]))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(k): str(v)[:300] for k, v in found.items()}

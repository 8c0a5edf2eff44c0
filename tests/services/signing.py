"""A network that signs people in: its codes, its tokens that end, and what it was asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from social_scheduler.errors import Refused, Unauthorized
from social_scheduler.platforms import Call, Connection, Identity, Published, SignIn, SignInRequest
from tests.services.wire import Wire

CLIENT = {"client_id": "desk-of-ours", "client_secret": "secret-of-the-app"}
CODE_LASTS = timedelta(minutes=10)


@dataclass
class Grant:
    """Somebody agreed: what the network gives for their code, once."""

    handle: str
    challenge: str
    redirect_url: str


@dataclass
class SigningWire(Wire):
    """`agree` is what a person does in the browser; codes and refresh tokens count once."""

    label: str = "Signing"
    many_servers: bool = True
    keys: tuple[str, ...] = ("access_token", "refresh_token")
    ends_at: datetime | None = None
    """When a person must connect again, as the network tells."""
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    """Whose each access token is."""
    refreshes: dict[str, str] = field(default_factory=dict)
    due: bool = False
    """Whether the keys end soon."""
    gives_refresh: bool = True
    while_renewing: Callable[[], None] = lambda: None
    number: int = 0

    def __post_init__(self) -> None:
        self.sign_in = SignIn(
            self._address, self._exchange, ("client_id", "client_secret"), register=self._register
        )

    def _address(self, request: SignInRequest) -> str:
        assert set(request.app) == {"client_id"}, "the web knows nothing secret of our app"
        fields = {
            "client_id": request.app["client_id"],
            "redirect_uri": request.redirect_url,
            "state": request.state,
            "code_challenge": request.challenge,
            "code_challenge_method": "S256",
        }
        return f"{request.server}/authorize?{urlencode(fields)}"

    def agree(self, address: str, handle: str) -> str:
        """A person signs in and agrees: the address that they are sent back to."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        self.number += 1
        code = f"code-that-counts-once-{self.number}"
        self.codes[code] = Grant(handle, asked["code_challenge"], asked["redirect_uri"])
        back = urlencode({"state": asked["state"], "code": code})
        return f"{asked['redirect_uri']}?{back}"

    def _exchange(
        self, connection: Connection, request: SignInRequest, code: str
    ) -> Mapping[str, str]:
        self._do("exchange")
        grant = self.codes.pop(code, None)
        if grant is None or dict(request.app) != CLIENT:
            raise Refused("The code is not known.")
        if (grant.challenge, grant.redirect_url) != (request.challenge, request.redirect_url):
            raise Refused("The code was given for something else.")
        return {**self._pair(grant.handle), "client_id": CLIENT["client_id"]}

    def _register(self, connection: Connection, redirect_url: str) -> Mapping[str, str]:
        self._do(f"register {redirect_url}")
        return CLIENT

    def _pair(self, handle: str) -> dict[str, str]:
        self.number += 1
        access, refresh = f"access-token-{self.number}", f"refresh-token-{self.number}"
        self.tokens[access] = handle
        self.refreshes[refresh] = handle
        return {"access_token": access, "refresh_token": refresh}

    def identify(self, connection: Connection) -> Identity:
        self._do("identify")
        handle = self.tokens.get(connection.keys["access_token"])
        if handle is None:
            raise Unauthorized("The token is not accepted.")
        return Identity(f"id-{handle}", handle, {"text": 4000}, ("write", "read"), self.ends_at)

    def publish(self, connection: Connection, call: Call) -> Published:
        handle = self.tokens.get(connection.keys["access_token"])
        if handle is None:
            raise Unauthorized("The token is not accepted.")
        keys = {**connection.keys, "token": f"id-{handle}"}
        return super().publish(dataclasses.replace(connection, keys=keys), call)

    def renew(self, connection: Connection) -> Mapping[str, str] | None:
        self._do("renew")
        if not self.due:
            return None
        handle = self.refreshes.pop(connection.keys["refresh_token"], None)
        if handle is None:
            raise Unauthorized("The refresh token was used already.")
        self.tokens.pop(connection.keys["access_token"], None)
        self.while_renewing()
        self.due = False
        pair = self._pair(handle)
        return pair if self.gives_refresh else {**pair, "refresh_token": ""}

"""One account's line to Telegram: the Bot API's methods, and what came of each request.

The Bot API wants the token inside the address. Addresses are therefore in no log of ours, no
error and no evidence, and the token is checked before it becomes part of one.

Imported by the first call only, because it loads requests.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO

from urllib3.filepost import encode_multipart_formdata

from social_scheduler.errors import NotSent, Unauthorized, Unconfirmed
from social_scheduler.platforms import Connection, _line
from social_scheduler.platforms.telegram import outcomes

_HOST = "https://api.telegram.org"
"""The session rewrites every request to the connection's address."""
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}", re.ASCII)
_TALKATIVE = (
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)

Fields = Mapping[str, Any]
File = tuple[str, bytes, str]
"""Its name, its bytes, its media type."""


class Line(_line.Line):
    """One account's line to Telegram."""

    def __init__(self, connection: Connection, token: str, clock: Callable[[], datetime]) -> None:
        super().__init__(connection, "Telegram", clock)
        self._token = token

    def __repr__(self) -> str:
        return f"Line({self.base_url!r}, token hidden)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The channel's name is among the keys and is no secret."""
        return (self._token,)

    def ask(self, method: str, fields: Fields) -> Any:
        """Call one method that publishes nothing; its `result`, or the outcome raised."""
        return self._made(method, None, publishing=False, json=dict(fields))

    def say(self, method: str, fields: Fields) -> Any:
        """Call one method that publishes words."""
        return self._made(method, None, publishing=True, json=dict(fields))

    def show(self, method: str, fields: Fields, files: Mapping[str, File]) -> Any:
        """Call one method that publishes files, handing them over with it.

        What broke off before the last of them had left is certainly not published: the request
        was never whole.
        """
        form: dict[str, Any] = {name: _as_text(value) for name, value in fields.items()}
        data, kind = encode_multipart_formdata({**form, **files})
        # Read in pieces: a body of bytes would have to leave within one connect timeout.
        body = BytesIO(data)
        return self._made(method, body, publishing=True, headers={"Content-Type": kind})

    def _made(self, method: str, body: BinaryIO | None, *, publishing: bool, **given: Any) -> Any:
        address = f"{_HOST}/bot{self._token}/{method}"
        try:
            found = self.answer(
                lambda: self.session.post(address, data=body, **given), publishing=publishing
            )
        except Unconfirmed as lost:
            if body is not None and body.read(1):
                raise NotSent(
                    "The connection to Telegram broke before all files had left.",
                    evidence=lost.evidence,
                ) from None
            raise
        answer = outcomes.Answer(found.status, found.headers, found.body, found.secrets)
        return outcomes.judge(answer, publishing=publishing, now=self.now())


@contextmanager
def line(connection: Connection, clock: Callable[[], datetime]) -> Iterator[Line]:
    """A line for one call, on connections of its own."""
    _hush()
    token = connection.keys.get("bot_token", "")
    if not _TOKEN.fullmatch(token):
        raise Unauthorized(
            "The account's bot_token is missing, or is none.",
            "BotFather gives it, as 123456789:ABC…; connect the account again.",
        )
    with Line(connection, token, clock) as opened:
        yield opened


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _hush() -> None:
    """Warnings of these name whole addresses, and in Telegram's the token stands.

    By their own names: what others decide for urllib3 as a whole must not open them again.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)

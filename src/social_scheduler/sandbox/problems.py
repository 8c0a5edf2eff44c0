"""What X says when it refuses: one exception that carries the answer to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_KINDS = "https://api.twitter.com/2/problems/"


class Problem(Exception):
    """A refusal. `body` is the JSON that X documents for it, `headers` are added to the answer."""

    def __init__(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {body.get('title', '')}: {body.get('detail', '')}")
        self.status = status
        self.body = dict(body)
        self.headers = dict(headers or {})


def plain(status: int, title: str, detail: str | None = None) -> Problem:
    """The short form, `about:blank`: 401, 403, 404, 429 and 5xx."""
    return Problem(
        status,
        {"title": title, "type": "about:blank", "status": status, "detail": detail or title},
    )


def unauthorized() -> Problem:
    return plain(401, "Unauthorized")


def forbidden(detail: str) -> Problem:
    return plain(403, "Forbidden", detail)


def too_many_requests() -> Problem:
    return plain(429, "Too Many Requests")


def invalid(message: str, parameter: str, *values: object) -> Problem:
    """400 for one parameter: its name (`media.media_ids`), what was sent, what is wrong with it."""
    wrong = {"parameters": {parameter: [str(value) for value in values]}, "message": message}
    return invalid_all([wrong])


def invalid_all(wrong: Sequence[Mapping[str, Any]]) -> Problem:
    return Problem(
        400,
        {
            "errors": list(wrong),
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": _KINDS + "invalid-request",
        },
    )


def missing(kind: str, parameter: str, value: str) -> dict[str, str]:
    """The entry of `errors` for a resource that is not there (X sends it with status 200)."""
    return {
        "value": value,
        "detail": f"Could not find {kind} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": _KINDS + "resource-not-found",
    }

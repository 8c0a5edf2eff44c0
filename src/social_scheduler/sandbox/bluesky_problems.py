"""What a Bluesky server says when it refuses: a name under `error`, and words."""

from __future__ import annotations

from .problems import Problem


def refused(status: int, error: str, message: str) -> Problem:
    return Problem(status, {"error": error, "message": message})


def bad(message: str, error: str = "InvalidRequest") -> Problem:
    return refused(400, error, message)


def broken() -> Problem:
    """What the reference server says of anything that its code did not foresee."""
    return refused(500, "InternalServerError", "Internal Server Error")

"""What a Mastodon server says when it refuses: one line under `error`."""

from __future__ import annotations

from .problems import Problem

NOT_READY = "Cannot attach files that have not finished processing. Try again in a moment!"


def refused(status: int, error: str, description: str | None = None) -> Problem:
    """`description` is OAuth's `error_description`."""
    more = {"error_description": description} if description else {}
    return Problem(status, {"error": error, **more})


def invalid(what: str) -> Problem:
    """422, as a record that does not pass its validation."""
    return refused(422, f"Validation failed: {what}")


def missing() -> Problem:
    return refused(404, "Record not found")

"""Calls to a network that may be repeated, with outcomes that are all told in our own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from social_scheduler.errors import NotSent, SchedulerError

Answer = TypeVar("Answer")


def ask(act: Callable[..., Answer], *arguments: object) -> Answer:
    """A call that may be repeated: whatever its module did not foresee is asked again later."""
    try:
        return act(*arguments)
    except SchedulerError:
        raise
    except Exception as problem:
        raise NotSent(
            "Something unforeseen happened at the network.", evidence=type(problem).__name__
        ) from problem

"""Whom a text mentions on one network: where its own rule differs, the same words name nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import regex

from social_scheduler.text.spans import (
    ACCENTED,
    BEFORE_MENTION,
    Span,
    links,
    mentions,
    outside,
)

# Both know letters of every script: an Arabic "and" joined to a name makes it no mention there.
_MASTODON = regex.compile(
    r"(?<![=/\p{L}\p{M}\p{N}_])@[a-z0-9_]+(?:[a-z0-9_.-]+[a-z0-9_]+)?"
    r"(?:@[\p{L}\p{M}\p{N}_]+(?:[.-]+[\p{L}\p{M}\p{N}_]+)*)?",
    regex.IGNORECASE,
)
_TELEGRAM = regex.compile(r"(?<![\p{L}\p{N}_])@[a-zA-Z][a-zA-Z0-9_]{3,31}(?![\p{L}\p{M}\p{N}_])")
_X = regex.compile(rf"{BEFORE_MENTION}[@＠][A-Za-z0-9_]{{1,20}}+(?![@＠{ACCENTED}]|://)")


def mentions_on(network: str, text: str) -> list[Span]:
    """The accounts a text mentions there; on a network without a known rule, `mentions`."""
    if "@" not in text and "＠" not in text:
        return []
    return _RULES.get(network, mentions)(text)


def _on_bluesky(text: str) -> list[Span]:
    """Domains; we mark them ourselves."""
    return [s for s in mentions(text) if "." in s.text and "@" not in s.text[1:]]


def _by(pattern: regex.Pattern[str]) -> Callable[[str], list[Span]]:
    def found(text: str) -> list[Span]:
        spans = [Span(m.start(), m.end(), m[0]) for m in pattern.finditer(text)]
        return outside(spans, links(text))

    return found


_RULES: Final[Mapping[str, Callable[[str], list[Span]]]] = {
    "x": _by(_X),
    "bluesky": _on_bluesky,
    "mastodon": _by(_MASTODON),
    "telegram": _by(_TELEGRAM),
}

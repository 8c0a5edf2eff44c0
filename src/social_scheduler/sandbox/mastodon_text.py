"""How Mastodon counts a post, and the HTML it makes of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Literal
from urllib.parse import quote

import regex

from .entities import find_tokens

MAX_CHARACTERS = 500
LINK_LENGTH = 23
_WORD = r"[\p{L}\p{M}\p{N}\p{Pc}\u00b7\u30fb\u200c]"
_HASHTAG = regex.compile(
    rf"(?<![=/)\p{{L}}\p{{M}}\p{{N}}])#({_WORD}*[\p{{L}}\p{{M}}\u00b7\u30fb]{_WORD}*)"
)
_MENTION = regex.compile(
    r"(?<![=/\p{L}\p{M}\p{N}_])@([A-Za-z0-9_]+(?:[A-Za-z0-9_.-]+[A-Za-z0-9_]+)?)"
    r"(?:@((?:[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}-]*\.)*[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}-]*))?"
)
_BREAK = "\n"
_SCHEME = regex.compile(r"https?://(?:www\.)?", regex.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """A link, hashtag or mention; `value` has no `#` or `@`."""

    kind: Literal["link", "hashtag", "mention"]
    start: int
    end: int
    value: str


def spans(text: str) -> list[Span]:
    """In reading order, never overlapping; links have a scheme, and win."""
    found = [
        Span("link", t.start, t.end, t.value)
        for t in find_tokens(text)
        if t.kind == "url" and _SCHEME.match(t.value)
    ]
    for kind, pattern in (("hashtag", _HASHTAG), ("mention", _MENTION)):
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(start < s.end and s.start < end for s in found):
                found.append(Span(kind, start, end, match.group()[1:]))  # type: ignore[arg-type]
    return sorted(found, key=lambda span: span.start)


def length(text: str, warning: str) -> int:
    """Graphemes of the warning and the words; a link is 23, a mention has no domain."""
    words, at = [], 0
    for span in spans(text):
        if span.kind == "hashtag":
            continue
        words.append(text[at : span.start])
        words.append(
            "x" * LINK_LENGTH if span.kind == "link" else f"@{span.value.partition('@')[0]}"
        )
        at = span.end
    return len(regex.findall(r"\X", warning + "".join([*words, text[at:]])))


def without_scheme(address: str) -> str:
    """What a reader sees of a link before it is cut."""
    return _SCHEME.sub("", address, count=1)


def tags(text: str) -> list[str]:
    """The hashtags of a post, each once, as the API lists them."""
    return list(dict.fromkeys(s.value.lower() for s in spans(text) if s.kind == "hashtag"))


def mentions(text: str) -> list[str]:
    """Whom a post mentions, each once."""
    return list(dict.fromkeys(s.value for s in spans(text) if s.kind == "mention"))


def html(text: str, base: str, known: Callable[[str], bool]) -> str:
    """The `content` of a post. `known` tells whether somebody of that name is on this server."""
    text = text.strip()
    if not text:
        return ""
    pieces, at = [], 0
    for span in spans(text):
        pieces += [escape(text[at : span.start]), _linked(text, span, base, known)]
        at = span.end
    whole = "".join([*pieces, escape(text[at:])]).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        f"<p>{paragraph.replace(_BREAK, '<br />')}</p>"
        for paragraph in regex.split(r"\n\n+", whole)
    )


def _linked(text: str, span: Span, base: str, known: Callable[[str], bool]) -> str:
    if span.kind == "link":
        return _link(span.value)
    if span.kind == "hashtag":
        address = f"{base}/tags/{quote(span.value)}"
        return (
            f'<a href="{address}" class="mention hashtag" rel="tag">'
            f"#<span>{escape(span.value)}</span></a>"
        )
    if not known(span.value):
        return escape(text[span.start : span.end])
    name = span.value.partition("@")[0]
    return (
        f'<span class="h-card" translate="no"><a href="{base}/@{name}" class="u-url mention">'
        f"@<span>{escape(name)}</span></a></span>"
    )


def _link(address: str) -> str:
    match = _SCHEME.match(address)
    scheme = match.group() if match else ""
    bare = address[len(scheme) :]
    cut = "ellipsis" if len(bare) > 30 else ""
    return (
        f'<a href="{escape(address)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{escape(scheme)}</span>'
        f'<span class="{cut}">{escape(bare[:30])}</span>'
        f'<span class="invisible">{escape(bare[30:])}</span></a>'
    )

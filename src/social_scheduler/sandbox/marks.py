"""What stands out in a post's words, found the way each network finds it, cut into lines for a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import mastodon_text
from .entities import displayed, expanded, find_tokens
from .posts import Post


@dataclass(frozen=True)
class Piece:
    """A run of text of one kind; `target` is where a link leads."""

    kind: str
    text: str
    target: str = ""


@dataclass(frozen=True)
class Mark:
    """A stretch of a text, in code points, and what its readers see there."""

    kind: str
    start: int
    end: int
    shown: str
    target: str = ""


def paragraphs(post: Post) -> list[list[Piece]]:
    """A post's lines as plain runs, links, hashtags and mentions."""
    find = {"bluesky": _bluesky, "mastodon": _mastodon, "telegram": _telegram}
    marks = list(find.get(post.author.network, _x)(post))
    lines, at = [], 0
    for line in post.text.split("\n"):
        end = at + len(line)
        lines.append(_pieces(post.text, at, end, [m for m in marks if at <= m.start < end]))
        at = end + 1
    return lines


def _pieces(text: str, at: int, end: int, marks: Sequence[Mark]) -> list[Piece]:
    found = []
    for mark in marks:
        if mark.start > at:
            found.append(Piece("plain", text[at : mark.start]))
        found.append(Piece(mark.kind, mark.shown, mark.target))
        at = mark.end
    if at < end:
        found.append(Piece("plain", text[at:end]))
    return found


def _x(post: Post) -> Iterable[Mark]:
    for token in find_tokens(post.text):
        if token.kind == "url":
            short, target = displayed(token.value), expanded(token.value)
            yield Mark("link", token.start, token.end, short, target)
        else:
            yield Mark(token.kind, token.start, token.end, post.text[token.start : token.end])


def _telegram(post: Post) -> Iterable[Mark]:
    """Links in full, with a scheme or without."""
    for token in find_tokens(post.text):
        raw = post.text[token.start : token.end]
        if token.kind == "url":
            yield Mark("link", token.start, token.end, raw, expanded(token.value))
        else:
            yield Mark(token.kind, token.start, token.end, raw)


def _mastodon(post: Post) -> Iterable[Mark]:
    for span in mastodon_text.spans(post.text):
        raw = post.text[span.start : span.end]
        if span.kind != "link":
            yield Mark(span.kind, span.start, span.end, raw)
            continue
        bare = mastodon_text.without_scheme(raw)
        short = bare if len(bare) <= 30 else bare[:30] + "…"
        yield Mark("link", span.start, span.end, short, raw)


def _bluesky(post: Post) -> Iterable[Mark]:
    """Only what the record itself marks: a link that is not marked there leads nowhere."""
    raw = post.text.encode()
    found = []
    for facet in post.extra.get("record", {}).get("facets", []):
        first, last = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        start, shown = len(raw[:first].decode()), raw[first:last].decode()
        feature = facet["features"][0] if facet["features"] else {}
        kind = str(feature.get("$type")).rpartition("#")[2]
        kind = {"tag": "hashtag"}.get(kind, kind)
        target = _safe(feature.get("uri", "")) if kind == "link" else ""
        found.append(Mark(kind, start, start + len(shown), shown, target))
    return sorted(found, key=lambda mark: mark.start)


def _safe(address: str) -> str:
    return address if urlsplit(address).scheme in ("http", "https") else ""

"""A post's text in pieces, so that handles, tags and links keep their order in either direction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from social_scheduler.text import hashtags, links, mentions


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: `plain`, `link`, `tag` or `mention`."""

    kind: str
    text: str


def paragraphs(text: str) -> list[list[Piece]]:
    """The lines of a text in pieces; put together again they are the text, to the letter."""
    return [_pieces(line) for line in text.split("\n")]


def first_words(text: str) -> str:
    """A text on one line, whole: a list cuts it by its style, at the end of reading."""
    return " ".join(text.split())


def breakable(url: str) -> Markup:
    """An address that a narrow column breaks between its pieces, and inside a word only at need."""
    return Markup("<wbr>").join(re.findall(r"[^/?&=#_.-]+[/?&=#_.-]*|[/?&=#_.-]+", url))


def _pieces(line: str) -> list[Piece]:
    spans = sorted(
        [(s.start, s.end, "link") for s in links(line)]
        + [(s.start, s.end, "tag") for s in hashtags(line)]
        + [(s.start, s.end, "mention") for s in mentions(line)]
    )
    found, at = [], 0
    for start, end, kind in spans:
        if start < at:
            continue
        if start > at:
            found.append(Piece("plain", line[at:start]))
        found.append(Piece(kind, line[start:end]))
        at = end
    if at < len(line):
        found.append(Piece("plain", line[at:]))
    return found

"""Marks what is a link, a hashtag or a mention in a text: places in bytes of UTF-8, as asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from social_scheduler import text as texts
from social_scheduler.platforms.bluesky.addresses import is_handle
from social_scheduler.text import Span

_MARKS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# X ends an address before an Arabic letter of its path; here it goes on to the next space.
_ADDRESS = re.compile(rf"https?://[^\s<>\"{_MARKS}]+", re.IGNORECASE)
_HAS_HOST = re.compile(r"https?://\w", re.IGNORECASE)
_NOT_ITS_END = ".,;:!?…'’”»،؛؟。"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_LONGEST_TAG = 64
_LONGEST_TAG_BYTES = 640


def links(text: str) -> list[Span]:
    """The addresses in a text, with `https://` or without."""
    found = [_trimmed(match.start(), match[0]) for match in _ADDRESS.finditer(text)]
    whole = [span for span in found if _HAS_HOST.match(span.text)]
    return sorted([*whole, *texts.outside(texts.links(text), whole)])


def uri(link: Span) -> str:
    """Where a link leads."""
    return link.text if "://" in link.text else f"https://{link.text}"


def handles(text: str) -> list[str]:
    """The handles a text mentions, each once."""
    return list(dict.fromkeys(_handle(span) for span in _mentions(text)))


def facets(text: str, dids: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is marked in a text. `dids` tells who has a handle; who is not there is not linked."""
    addresses = links(text)
    people = [s for s in texts.outside(_mentions(text), addresses) if _handle(s) in dids]
    tags = texts.outside(
        [s for s in texts.hashtags(text) if _fits(s.text[1:])], [*addresses, *people]
    )
    features = [
        *((span, "link", "uri", uri(span)) for span in addresses),
        *((span, "mention", "did", dids[_handle(span)]) for span in people),
        *((span, "tag", "tag", span.text[1:]) for span in tags),
    ]
    return [
        {
            "index": {
                "byteStart": texts.byte_length(text[: span.start]),
                "byteEnd": texts.byte_length(text[: span.end]),
            },
            "features": [{"$type": f"app.bsky.richtext.facet#{kind}", name: value}],
        }
        for span, kind, name, value in sorted(features)
    ]


def _mentions(text: str) -> list[Span]:
    return [span for span in texts.mentions_on("bluesky", text) if is_handle(span.text[1:])]


def _handle(mention: Span) -> str:
    return mention.text[1:].lower()


def _fits(tag: str) -> bool:
    return texts.graphemes(tag) <= _LONGEST_TAG and texts.byte_length(tag) <= _LONGEST_TAG_BYTES


def _trimmed(start: int, address: str) -> Span:
    """An address without the punctuation of the sentence around it."""
    while address:
        last = address[-1]
        opened = _BRACKETS.get(last)
        if last in _NOT_ITS_END or (opened and address.count(last) > address.count(opened)):
            address = address[:-1]
        else:
            break
    return Span(start, start + len(address), address)

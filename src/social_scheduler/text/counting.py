"""Counts a text the way each network counts it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import regex

from social_scheduler.text.emoji import SEQUENCES
from social_scheduler.text.spans import links

ADDRESS_WEIGHT: Final = 23
"""What X counts for any address: it replaces each by a t.co link of that length."""

EMOJI_WEIGHT: Final = 2

# twitter-text's configuration version 3, divided by its scale: one in these ranges, else two.
_HEAVY = re.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]+")
# Where a sequence may stand: what can start one lightly, then heavy code points and joiners.
_MAY_BE_SEQUENCES = re.compile(
    "[#*0-9©®]?[^\u0000-\u10ff\u2000-\u200c\u2010-\u201f\u2032-\u2037]{2,}|[#*0-9©®][\ufe0f\u20e3]"
)
_MARKS_OF_SEQUENCES = re.compile(
    "[\u200d\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e007f]"
)
_GRAPHEME = regex.compile(r"\X")

MOST_MARKS: Final = 30
"""On one letter; no script has half as many. To order a long heap of them takes for ever."""
HEAPED_MARKS: Final = regex.compile(rf"\p{{M}}{{{MOST_MARKS + 1},}}")
_SHORT = 2000


def nfc(text: str) -> str:
    """The text in Unicode's composed form: the form that is counted, approved and sent.

    A long one with heaps of marks, which nobody approves, is left as it is.
    """
    if len(text) > _SHORT and HEAPED_MARKS.search(text):
        return text
    return unicodedata.normalize("NFC", text)


def weighted_length(text: str) -> int:
    """X's count of a text, by the rules it publishes (twitter-text, configuration version 3).

    Counted on the composed form: Latin, Arabic and other light code points 1, others 2, an
    address 23, an emoji 2. The same rules hold for long posts, with another maximum.
    """
    text = nfc(text)
    spans = links(text)
    if not spans:
        return _weight(text)
    weight = 0
    at = 0
    for span in spans:
        weight += _weight(text[at : span.start]) + ADDRESS_WEIGHT
        at = span.end
    return weight + _weight(text[at:])


def _weight(text: str) -> int:
    """The weight of a text without addresses."""
    if text.isascii():
        return len(text)
    heavy = _HEAVY.findall(text)
    if not heavy:
        return len(text)
    weight = len(text) + _total(heavy)
    if _MARKS_OF_SEQUENCES.search(text) is None:
        return weight
    runs = "\n".join(_MAY_BE_SEQUENCES.findall(text))
    sequences = SEQUENCES.findall(runs)
    return (
        weight
        - _total(sequences)
        - _total(_HEAVY.findall("".join(sequences)))
        + (EMOJI_WEIGHT * len(sequences))
    )


def _total(pieces: list[str]) -> int:
    return len("".join(pieces))


def weighted_prefix(text: str, limit: int) -> int:
    """How many code points of `nfc(text)` weigh no more than `limit`, for showing where it is cut.

    An address or an emoji is never cut in two.
    """
    room = limit
    at = 0
    for end, weight in _pieces(nfc(text)):
        if weight > room:
            break
        room -= weight
        at = end
    return at


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Each indivisible piece of a text: where it ends, what it weighs."""
    at = 0
    for span in links(text):
        yield from _light_pieces(text, at, span.start)
        yield span.end, ADDRESS_WEIGHT
        at = span.end
    yield from _light_pieces(text, at, len(text))


def _light_pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for match in SEQUENCES.finditer(text, start, end):
        yield from ((n + 1, _weight(text[n])) for n in range(at, match.start()))
        yield match.end(), EMOJI_WEIGHT
        at = match.end()
    yield from ((n + 1, _weight(text[n])) for n in range(at, end))


def graphemes(text: str) -> int:
    """What a reader would call the number of characters (Unicode's extended grapheme clusters)."""
    return len(_GRAPHEME.findall(text))


def utf16_length(text: str) -> int:
    """UTF-16 code units: what Telegram counts and JavaScript calls a length."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def byte_length(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


FULL_HANDLE: Final = re.compile(r"(?<![=/\w])(@[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*)@[\w.-]*\w")
"""An account of another server, `@user@example.org`; the first group is its name alone."""


def mastodon_length(text: str) -> int:
    """Mastodon's count: what a reader calls characters, where an address with `http` is 23 and
    `@user@example.org` is `@user`."""
    pieces, at = [], 0
    for link in links(text):
        if link.text[:4].lower() == "http" and "://" in link.text[:8]:
            pieces += [text[at : link.start], "x" * ADDRESS_WEIGHT]
            at = link.end
    return graphemes(FULL_HANDLE.sub(r"\1", "".join([*pieces, text[at:]])))


LENGTHS: Final[Mapping[str, Callable[[str], int]]] = {
    "weighted": weighted_length,
    "mastodon": mastodon_length,
    "graphemes": graphemes,
    "utf16": utf16_length,
    "bytes": byte_length,
}
"""The way of counting a network names in its `Limits.counted_in`."""


def prefix(text: str, counted_in: str, limit: int) -> int:
    """How many code points of a composed text are no longer than `limit`, counted in that way."""
    if counted_in == "weighted":
        return weighted_prefix(text, limit)
    length = LENGTHS[counted_in]
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if length(text[:middle]) <= limit else (low, middle - 1)
    return low

"""Divides a text that is too long into a numbered thread, between sentences where it can."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import islice
from typing import Final, NamedTuple

import regex

from social_scheduler.text.spans import hashtags, links, mentions

MOST_PARTS: Final = 25
"""A longer thread is an article: it is not divided."""

Fits = Callable[[str, bool], bool]
"""Whether a text is short enough for one part; the second argument: for the first of the thread."""


class Level(IntEnum):
    """How good a place for a division is: the lower, the better."""

    PARAGRAPH = 0
    SENTENCE = 1
    CLAUSE = 2
    WORD = 3
    GRAPHEME = 4


class _Piece(NamedTuple):
    """`text[start:end]`, which is never divided, and how good the division after it is."""

    start: int
    end: int
    after: Level


# Spaces at which a line may be broken; the others hold a number and its unit together.
_SPACE = r"[^\S\u00a0\u2007\u202f\u2060]"
_CLOSING = "(?:[\"'”’»›)\\]]|[ \u00a0\u202f]»)*"  # French has a space before »
_GAP = re.compile(rf"{_SPACE}+")
_SENTENCE = re.compile(rf"(?:[.!?…؟۔]{_CLOSING}(?={_SPACE})|[。！？]{_CLOSING})")
_CLAUSE = re.compile(rf"(?:[,;:،؛–—]{_CLOSING}(?={_SPACE})|[，、；：])")
_GRAPHEME = regex.compile(r"\X")
_LAST_WORD = re.compile(r"[^\W\d_][\w.’'-]*\.$|\d+\.$")
_ABBREVIATIONS = frozenset(
    [
        "adm",
        "approx",
        "art",
        "av",
        "brig",
        "capt",
        "ca",
        "cf",
        "chap",
        "cie",
        "cmdr",
        "co",
        "col",
        "corp",
        "dept",
        "dr",
        "ed",
        "etc",
        "ex",
        "fig",
        "gen",
        "gov",
        "hon",
        "inc",
        "jr",
        "lt",
        "ltd",
        "m",
        "maj",
        "mgr",
        "mlle",
        "mm",
        "mme",
        "mr",
        "mrs",
        "ms",
        "mt",
        "no",
        "nos",
        "op",
        "p",
        "par",
        "pp",
        "prof",
        "rep",
        "rev",
        "sen",
        "sgt",
        "sr",
        "st",
        "ste",
        "vol",
        "vs",
        "éd",
        "env",
    ]
)
_MOST_PIECES = 2_000
"""Of more words without an end of a sentence nobody would read a thread."""
_PART, _DIVISION = 10**12, 10**15
"""What a part more costs, and a division inside a sentence."""


def split(text: str, fits: Fits) -> list[str]:
    """The text as the parts of a numbered thread; empty where it cannot be divided.

    It is divided between sentences, and inside one only where that alone is too long: then at
    the end of a clause, between words, or in a word without end; never in an address, a hashtag,
    a mention or a character. There are as few parts as that allows, of much the same length.
    Each ends with a line such as `1/3`: so it stands at the end in either direction, whatever
    letters come before it.
    """
    text = text.strip()
    for most in (9, MOST_PARTS):
        ends = _Division(text, fits, f"\n{most}/{most}").ends()
        if ends and len(ends) <= most:
            parts = [text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]
            return [f"{part}\n{n}/{len(parts)}" for n, part in enumerate(parts, start=1)]
    return []


class _Division:
    """One attempt at dividing a text, each part with a number of a given length."""

    def __init__(self, text: str, fits: Fits, number: str) -> None:
        self._text = text
        self._number = number
        self._fits = fits
        self._places = _places(text)

    def ends(self) -> list[int]:
        """Where the parts end, the last at the end of the text; empty if a piece is too long."""
        every = self._pieces(0, len(self._text), Level.PARAGRAPH, Level.PARAGRAPH)
        pieces = list(islice(every, _MOST_PIECES + 1))
        if len(pieces) > _MOST_PIECES:
            return []
        # By number of pieces said: the least cost, and where the last part begins.
        best: list[tuple[int, int] | None] = [(0, 0), *[None] * len(pieces)]
        for begin in range(len(pieces)):
            known = best[begin]
            if known is None:
                continue
            start = pieces[begin].start
            for end in range(begin, len(pieces)):
                if not self._room_for(start, pieces[end].end):
                    break
                cost = known[0] + self._cost(start, pieces[end], end == len(pieces) - 1)
                there = best[end + 1]
                if there is None or cost < there[0]:
                    best[end + 1] = (cost, begin)
        found: list[int] = []
        at = len(pieces)
        while at:
            reached = best[at]
            if reached is None:
                return []
            found.insert(0, pieces[at - 1].end)
            at = reached[1]
        return found

    def _cost(self, start: int, last: _Piece, is_end: bool) -> int:
        """Few divisions in sentences first, then few parts, then parts of much the same length."""
        inside = 0 if is_end or last.after <= Level.SENTENCE else int(last.after) ** 3
        length = last.end - start
        between = 0 if is_end or last.after == Level.PARAGRAPH else 2_000
        return inside * _DIVISION + _PART + length * length + between

    def _room_for(self, start: int, end: int) -> bool:
        return self._fits(self._text[start:end].strip() + self._number, start == 0)

    def _pieces(self, start: int, end: int, level: Level, after: Level) -> Iterator[_Piece]:
        """A stretch whole if it fits, else its pieces at the next level that divides it."""
        if level is Level.GRAPHEME:
            yield from self._cut(start, end, after)
        elif self._room_for(start, end):
            yield _Piece(start, end, after)
        else:
            places = [n for n in self._places[level] if start < n < end]
            for begin, stop in zip([start, *places], [*places, end], strict=True):
                behind = after if stop == end else level
                yield from self._pieces(begin, stop, Level(level + 1), behind)

    def _cut(self, start: int, end: int, after: Level) -> Iterator[_Piece]:
        """A word in the longest pieces that fit; whole where that is too long all the same."""
        places = self._places[Level.GRAPHEME]
        while not self._room_for(start, end):
            low, high = bisect_right(places, start), bisect_left(places, end)
            first = low
            while low < high:
                middle = (low + high) // 2
                if self._room_for(start, places[middle]):
                    low = middle + 1
                else:
                    high = middle
            if low == first:
                break
            yield _Piece(start, places[low - 1], Level.GRAPHEME)
            start = places[low - 1]
        yield _Piece(start, end, after)


def _places(text: str) -> dict[Level, list[int]]:
    """Where a text may be divided at each level: the place where the next part would begin."""
    whole = [*links(text), *hashtags(text), *mentions(text)]
    inside = {n for span in whole for n in range(span.start + 1, span.end)}
    boundaries = {match.end() for match in _GRAPHEME.finditer(text)} - inside
    found: dict[Level, list[int]] = {level: [] for level in Level}
    for gap in _GAP.finditer(text):
        if gap.end() in boundaries and gap.start() in boundaries:
            lines = gap[0].count("\n")
            level = Level.WORD if not lines else Level.SENTENCE if lines == 1 else Level.PARAGRAPH
            found[level].append(gap.end())
    for level, pattern in ((Level.SENTENCE, _SENTENCE), (Level.CLAUSE, _CLAUSE)):
        for match in pattern.finditer(text):
            space = _GAP.match(text, match.end())
            place = space.end() if space else match.end()
            ends = level is Level.CLAUSE or _ends_sentence(text, match, place)
            if ends and place in boundaries and match.end() in boundaries:
                found[level].append(place)
    found[Level.GRAPHEME] = list(boundaries)
    return {level: sorted(set(places)) for level, places in found.items()}


def _ends_sentence(text: str, match: re.Match[str], place: int) -> bool:
    """Whether a sentence ends at this mark: not after an abbreviation, nor before a small letter."""
    if text[place : place + 1].islower():
        return False
    if match[0][0] != ".":
        return True
    word = _LAST_WORD.search(text, max(0, match.start() - 20), match.start() + 1)
    if word is None:
        return True
    if word[0][0].isdigit():  # "1. First": the number of an entry
        return bool(text[: word.start()].rpartition("\n")[2].strip())
    stem = word[0][:-1].casefold()
    return not (stem in _ABBREVIATIONS or "." in stem or (len(stem) == 1 and stem.isascii()))

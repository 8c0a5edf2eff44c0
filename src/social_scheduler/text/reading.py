"""How a text reads: its direction, its script, and the code points that would deceive a reviewer."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import regex

from social_scheduler.text.counting import HEAPED_MARKS, MOST_MARKS
from social_scheduler.text.emoji import SUBDIVISION_FLAGS
from social_scheduler.text.spans import hashtags, links, mentions

Direction = Literal["ltr", "rtl"]
Script = Literal["arabic", "latin", "other"]

_STRONG = regex.compile(r"(\p{bc=L})|\p{bc=R}|\p{bc=AL}")
_ARABIC = regex.compile(r"[\p{Arabic}&&\p{L}]", regex.VERSION1)
_LATIN = regex.compile(r"[\p{Latin}&&\p{L}]", regex.VERSION1)
_LETTER = regex.compile(r"\p{L}")


class Deceit(NamedTuple):
    """A code point that makes a text read otherwise than it is, and why it is refused.

    `position` counts code points from 0 in the text as given.
    """

    position: int
    code_point: str
    reason: str


_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe"
    "\uffff\ud800-\udfff\U000e0000-\U000e0fff]|[\ufe00-\ufe0f](?=[\ufe00-\ufe0f])"
)
_FLAG = re.compile(SUBDIVISION_FLAGS)
_AFTER_HAN = regex.compile(r"(?<=\p{Han})[\U000e0100-\U000e01ef]")
_PARAGRAPH_END = re.compile("[\n\r\x1c-\x1e\x85\u2029]")

_OPENS = "\u2066\u2067\u2068"
_CLOSES = "\u2069"

_REASONS = (
    (0x00, 0x00, "a NUL, at which some programs end the text"),
    (0x01, 0x9F, "a control character, which nobody sees"),
    (0x202A, 0x202C, "it changes the reading direction of what follows"),
    (0x202D, 0x202E, "it makes what follows read in another order than it is written"),
    (0x206A, 0x206F, "a formatting character that Unicode has withdrawn"),
    (0xD800, 0xDFFF, "half of a surrogate pair, which is no character"),
    (0xFDD0, 0xFDEF, "a code point that is no character"),
    (0xFE00, 0xFE0F, "one of several variation selectors in a row, which can hide a message"),
    (0xFEFF, 0xFEFF, "a byte order mark, which nobody sees"),
    (0xFFF9, 0xFFFB, "an annotation character, which hides what follows"),
    (0xFFFE, 0xFFFF, "a code point that is no character"),
    (0xE0000, 0xE007F, "an invisible tag character, which can hide a message"),
    (0xE0080, 0xE0FFF, "an invisible character, which can hide a message"),
)
_UNOPENED = "it ends an isolated direction that this paragraph did not begin"
_HEAPED = f"one of more than {MOST_MARKS} marks in a row, which cover what stands around them"
_UNCLOSED = "it begins an isolated direction that this paragraph does not end"


def direction(text: str) -> Direction:
    """The direction of a text: that of its first letter that has one; left to right if none has."""
    match = _STRONG.search(text)
    return "ltr" if match is None or match[1] else "rtl"


def dominant_script(text: str) -> Script | None:
    """The script most letters of a text are in; None where it has no letters.

    Addresses, mentions and hashtags are left out as long as other letters remain: an Arabic text
    with `#LifeafterDaesh` stays Arabic.
    """
    words = text
    for span in sorted([*links(text), *mentions(text), *hashtags(text)], reverse=True):
        words = words[: span.start] + " " + words[span.end :]
    letters = len(_LETTER.findall(words))
    if not letters:
        words = text
        letters = len(_LETTER.findall(words))
        if not letters:
            return None
    arabic, latin = len(_ARABIC.findall(words)), len(_LATIN.findall(words))
    other = letters - arabic - latin
    if arabic >= max(latin, other):
        return "arabic"
    return "latin" if latin >= other else "other"


def deceits(text: str) -> list[Deceit]:
    """What a reviewer would not see and a reader would be misled by; empty for an honest text.

    Left-to-right, right-to-left and Arabic letter marks and the two joiners are allowed: Arabic,
    Farsi, Hebrew, Indic scripts and emoji need them. So are isolates that a paragraph both begins
    and ends, flags made of tags, and variants of Han characters.
    """
    if text.isascii() and text.isprintable():
        return []
    allowed: set[int] = set()
    found: list[Deceit] = []
    isolates = False
    for match in _SUSPECT.finditer(text):
        code = ord(match[0])
        if 0x2066 <= code <= 0x2069:
            isolates = True
            continue
        if code >= 0xE0000 and not allowed:
            allowed = {n for flag in _FLAG.finditer(text) for n in range(*flag.span())}
            allowed |= {han.start() for han in _AFTER_HAN.finditer(text)}
        if match.start() not in allowed:
            found.append(_deceit(match.start(), code, _reason(code)))
    heaps = [match.start() for match in HEAPED_MARKS.finditer(text)]
    if heaps:
        found = sorted([*found, *(_deceit(n, ord(text[n]), _HEAPED) for n in heaps)])
    if isolates:
        found = sorted([*found, *_unbalanced(text)])
    return found


def _deceit(position: int, code: int, reason: str) -> Deceit:
    return Deceit(position, f"U+{code:04X}", reason)


def _reason(code: int) -> str:
    return next(reason for first, last, reason in _REASONS if first <= code <= last)


def _unbalanced(text: str) -> list[Deceit]:
    """The isolates a paragraph begins and does not end, or ends and did not begin."""
    found: list[Deceit] = []
    opened: list[int] = []
    for position, character in enumerate(text + "\n"):
        if character in _OPENS:
            opened.append(position)
        elif character in _CLOSES:
            if opened:
                opened.pop()
            else:
                found.append(_deceit(position, ord(character), _UNOPENED))
        elif _PARAGRAPH_END.match(character):
            found += [_deceit(n, ord(text[n]), _UNCLOSED) for n in opened]
            opened.clear()
    return found

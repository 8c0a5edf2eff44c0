"""How long X thinks a text is: twitter-text's published version 3 configuration, slow and plain."""

from __future__ import annotations

import unicodedata

import regex

from .entities import find_tokens

MAX_WEIGHTED_LENGTH = 280
LINK_LENGTH = 23
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_FORBIDDEN = "\ufffe\ufeff\uffff"

# One emoji counts 2 however many code points it is made of. © and ® are letters unless
# a variation selector makes them emoji; so are the digits of keycaps.
_ONE = (
    r"(?:\p{Emoji_Modifier_Base}\uFE0F?\p{Emoji_Modifier}"
    r"|[\u00A9\u00AE]\uFE0F|[^\u00A9\u00AE\P{Extended_Pictographic}]\uFE0F?)"
)
_EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3"
    rf"|{_ONE}(?:[\U000E0020-\U000E007E]+\U000E007F|(?:\u200D{_ONE})*)"
)


def weighted_length(text: str) -> int:
    """Weighted characters of `text` in NFC: 1 or 2 by script, 2 for an emoji, 23 for a link."""
    text = unicodedata.normalize("NFC", text)
    total = at = 0
    for link in (token for token in find_tokens(text) if token.kind == "url"):
        total += _plain(text[at : link.start]) + LINK_LENGTH
        at = link.end
    return total + _plain(text[at:])


def forbidden_character(text: str) -> str | None:
    """The first character that X never accepts, named as U+XXXX, or None."""
    bad = next((c for c in text if c in _FORBIDDEN or "\ud800" <= c <= "\udfff"), None)
    return f"U+{ord(bad):04X}" if bad else None


def _plain(text: str) -> int:
    emoji = _EMOJI.findall(text)
    rest = _EMOJI.sub("", text)
    return 2 * len(emoji) + sum(1 if _is_light(ord(c)) else 2 for c in rest)


def _is_light(code: int) -> bool:
    return any(first <= code <= last for first, last in _LIGHT)

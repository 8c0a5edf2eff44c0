"""What a text is to the networks and to a reader: how long, what it links to, how it reads.

Pure: no files, no network, no clock. Each way of counting is one function of `counting`.
"""

from __future__ import annotations

from social_scheduler.text.counting import (
    ADDRESS_WEIGHT,
    EMOJI_WEIGHT,
    LENGTHS,
    byte_length,
    graphemes,
    nfc,
    prefix,
    utf16_length,
    weighted_length,
    weighted_prefix,
)
from social_scheduler.text.mentioning import mentions_on
from social_scheduler.text.reading import (
    Deceit,
    Direction,
    Script,
    deceits,
    direction,
    dominant_script,
)
from social_scheduler.text.spans import Span, hashtags, links, mentions, outside
from social_scheduler.text.splitting import split

__all__ = [
    "ADDRESS_WEIGHT",
    "EMOJI_WEIGHT",
    "LENGTHS",
    "Deceit",
    "Direction",
    "Script",
    "Span",
    "byte_length",
    "deceits",
    "direction",
    "dominant_script",
    "graphemes",
    "hashtags",
    "links",
    "mentions",
    "mentions_on",
    "nfc",
    "outside",
    "prefix",
    "split",
    "utf16_length",
    "weighted_length",
    "weighted_prefix",
]

"""What Telegram would change or refuse of a message, told before anybody approves it.

Its servers clean every text (tdlib, `clean_input_string`): what is said here is what they do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from social_scheduler.message import Message

WIDEST = 20
"""How many times wider than high, or higher than wide, a picture may be."""

_TAKEN_OUT = re.compile("[\r\u2028-\u202e\u030a\u0333\u033f]")
_MADE_SPACES = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_MARKS_TOGETHER = re.compile("[\u200e\u200f]{2}")


def objections(message: Message) -> list[str]:
    """Everything that would not arrive as it was approved."""
    found = [why for part in message.parts for why in _of_text(part.text)]
    for item in (item for part in message.parts for item in part.media):
        if item.width > WIDEST * item.height or item.height > WIDEST * item.width:
            found.append(
                f"Telegram shows no picture of {item.width} × {item.height}: "
                f"one side may be at most {WIDEST} times the other."
            )
    return list(dict.fromkeys(found))


def _of_text(text: str) -> Iterator[str]:
    for found in _TAKEN_OUT.finditer(text):
        yield f"Telegram takes out {_name(found[0])}: write without it."
    for found in _MADE_SPACES.finditer(text):
        yield f"Telegram makes {_name(found[0])} a space: write a space."
    if _MARKS_TOGETHER.search(text):
        yield "Telegram changes direction marks that follow each other: leave one of them."


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()

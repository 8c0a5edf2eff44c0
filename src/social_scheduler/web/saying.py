"""A post's text in lists, and addresses that narrow columns may break."""

from __future__ import annotations

import re

from markupsafe import Markup


def first_words(text: str) -> str:
    """A text on one line, whole: a list cuts it by its style, at the end of reading."""
    return " ".join(text.split())


def breakable(url: str) -> Markup:
    """An address that a narrow column breaks between its pieces, and inside a word only at need."""
    return Markup("<wbr>").join(re.findall(r"[^/?&=#_.-]+[/?&=#_.-]*|[/?&=#_.-]+", url))

"""Finds a post's id in its address."""

from __future__ import annotations

import re

_POST = re.compile(
    r"https?://[^/\s?#]+/(?:@[^/\s?#]+/statuses|users/[^/\s?#]+/statuses|web/statuses|notice"
    r"|(?:web/|deck/)?@[^/\s?#]+)/([0-9A-Za-z]{1,64})(?:[/?#]\S*)?"
)


def id_in(url: str) -> str | None:
    """The id in `https://server/@user/123`, `/users/user/statuses/123` and their like."""
    found = _POST.fullmatch(url.strip())
    return found[1] if found else None


def place(url: str) -> str:
    """The server and the id in an address: the same for all addresses of one post there."""
    found = id_in(url)
    return f"{url.split('/')[2].lower()}/{found}" if found else url

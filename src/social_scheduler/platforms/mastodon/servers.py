"""Reads what one server is: its limits, whether it honours keys, whether it can quote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import isqrt
from typing import Any
from urllib.parse import quote, urlsplit

from social_scheduler.errors import Refused, Unauthorized
from social_scheduler.platforms import HONOURS_KEYS
from social_scheduler.platforms.mastodon import addresses, outcomes, wire

SOURCES = frozenset(
    {
        "https://github.com/mastodon/mastodon",
        "https://github.com/glitch-soc/mastodon",
        "https://github.com/hometown-fork/hometown",
    }
)
"""Where the code of Mastodon is, and of those who changed it but kept how it treats keys."""
_VERSION = re.compile(
    r"([1-9]\d?)\.(\d{1,3})\.\d{1,3}(?:-?(?:alpha|beta|rc|nightly)[.0-9A-Za-z-]*)?"
    r"(?:\+[.0-9A-Za-z-]+)?",
    re.ASCII,
)
_QUOTES_SINCE = (4, 5)
_LARGEST = 10**12


def instance(line: wire.Line) -> dict[str, Any]:
    """GET /api/v2/instance, or the older address; {} where there is neither."""
    for path in ("/api/v2/instance", "/api/v1/instance"):
        with suppress(Refused, Unauthorized):  # told to nobody, or to people only
            found = line.get(path, gone=True)
            if isinstance(found, dict):
                return found
    return {}


def told(about: Mapping[str, Any]) -> dict[str, int]:
    """The limits that a server tells, and whether it makes one post of two calls with one key."""
    found = {name: n for name, n in _limits(about) if _sane(n)}
    # Told even when it does not: it may be another server now than it was.
    return {**found, HONOURS_KEYS: int(genuine(about) is not None)}


def genuine(about: Mapping[str, Any]) -> tuple[int, int] | None:
    """The version of a Mastodon server; None for the others that speak its language.

    Many of those say that they are some version of it, so a version alone proves nothing: the
    server must name Mastodon's own code as its source.
    """
    version, source = about.get("version"), about.get("source_url")
    if not isinstance(version, str) or not isinstance(source, str):
        return None
    match = _VERSION.fullmatch(version)
    if match is None or source.partition("/tree/")[0].rstrip("/").lower() not in SOURCES:
        return None
    return int(match[1]), int(match[2])


def quoted(line: wire.Line, address: str) -> str:
    """The id on this server of the post at an address, for a server that can quote."""
    version = genuine(instance(line))
    if version is None or version < _QUOTES_SINCE:
        raise Refused(
            "This server cannot quote a post.",
            "Take the quote out and put the address in the text.",
        )
    return known_here(line, address)


def known_here(line: wire.Line, address: str) -> str:
    """The id on this server of the post at an address; the server fetches it if need be."""
    known = local(line, address)
    if known is not None:
        return known
    found = line.get(
        f"/api/v2/search?type=statuses&resolve=true&limit=1&q={quote(address, safe='')}"
    )
    posts = found.get("statuses") if isinstance(found, dict) else None
    if not isinstance(posts, list):
        raise outcomes.unnamed("what was searched for")
    for post in posts:
        if isinstance(post, dict) and address in (post.get("url"), post.get("uri")):
            return str(post["id"])
    raise Refused(f"The server does not know the post {address}.", "Look whether it is public.")


def local(line: wire.Line, address: str) -> str | None:
    """The id in an address of this very server; None for those of others."""
    here = urlsplit(address).netloc == urlsplit(line.base_url).netloc
    return addresses.id_in(address) if here else None


def _limits(about: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    configuration = _mapping(about.get("configuration"))
    posts = _mapping(configuration.get("statuses"))
    media = _mapping(configuration.get("media_attachments"))
    yield "text", posts.get("max_characters", about.get("max_toot_chars"))
    yield "pictures", posts.get("max_media_attachments", about.get("max_media_attachments"))
    yield "alt_text", media.get("description_limit", about.get("description_limit"))
    yield "picture_bytes", media.get("image_size_limit", about.get("upload_limit"))
    yield "moving_picture_bytes", media.get("image_size_limit", about.get("upload_limit"))
    yield "film_bytes", media.get("video_size_limit", about.get("upload_limit"))
    # These are of a picture's whole area; a square of it fits whatever its shape.
    yield "picture_side", _side(media.get("image_matrix_limit"))
    yield "film_side", _side(media.get("video_matrix_limit"))


def _side(area: object) -> int | None:
    return isqrt(area) if type(area) is int and area > 0 else None


def _sane(number: object) -> bool:
    return type(number) is int and 0 < number <= _LARGEST


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

"""Compares what was approved with the record that the network keeps.

What a post quotes stands among its links, by its key: its owner may go by a handle or by a did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from social_scheduler.platforms import Call, Seen
from social_scheduler.platforms.bluesky import addresses, facets
from social_scheduler.platforms.bluesky.addresses import REPOST, Address

_OF_ITS_OWN = ""
"""What a post that is no reply replies to; None would mean that Bluesky does not tell."""


def expected(call: Call) -> Seen:
    """What the record of a part says when it is exactly what was approved."""
    message = call.message
    if "repost" in message.options:
        return _repeated(message.account)
    part = message.parts[call.number - 1]
    card = message.card if call.number == 1 else None
    boxed = [card.link] if card else []
    quoted = addresses.in_page(message.options.get("quote", "")) if call.number == 1 else None
    return Seen(
        author_id=message.account,
        text=part.text,
        links=(
            *(facets.uri(link) for link in facets.links(part.text)),
            *boxed,
            *_quoted(quoted),
        ),
        media_count=len(part.media),
        alt_texts=tuple(item.alt for item in part.media),
        language=message.language,
        reply_to=_answered(call.reply_to),
    )


def shown(uri: str, value: Mapping[str, Any]) -> Seen:
    """A record in the same form."""
    at = addresses.address(uri)
    author = at.owner if at else None
    if value.get("$type") == REPOST:
        return _repeated(author)
    text, langs = value.get("text"), value.get("langs")
    embed = _mapping(value.get("embed"))
    shows = _mapping(embed.get("media")) or embed
    alts = _alts(shows)
    box = _mapping(shows.get("external")).get("uri")
    quoted = _mapping(embed.get("record"))
    quoted = _mapping(quoted.get("record")) or quoted
    parent = _mapping(_mapping(value.get("reply")).get("parent"))
    return Seen(
        author_id=author,
        text=text if isinstance(text, str) else None,
        links=(
            *_linked(value),
            *([str(box)] if box else []),
            *_quoted(addresses.address(str(quoted.get("uri", "")))),
        ),
        media_count=len(alts),
        alt_texts=alts,
        language=",".join(map(str, langs)) if isinstance(langs, list) else "",
        reply_to=str(parent.get("uri", _OF_ITS_OWN)),
    )


def _repeated(author: str | None) -> Seen:
    return Seen(author, "", (), 0, (), None, _OF_ITS_OWN)


def _answered(uri: str | None) -> str | None:
    """What a reply names; None for an address that a person pasted, with a handle in it."""
    at = addresses.address(uri) if uri else None
    return None if at and not at.owner.startswith("did:") else uri or _OF_ITS_OWN


def _quoted(at: Address | None) -> tuple[str, ...]:
    return (f"/post/{at.key}",) if at else ()


def _alts(shows: dict[str, Any]) -> tuple[str, ...]:
    """The alt text of each picture or film, "" where there is none."""
    media = _list(shows.get("images")) or ([shows] if "video" in shows else [])
    return tuple(str(item.get("alt", "")) for item in media)


def _linked(value: Mapping[str, Any]) -> list[str]:
    features = [f for facet in _list(value.get("facets")) for f in _list(facet.get("features"))]
    return [str(f["uri"]) for f in features if "uri" in f]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

"""Compares what was approved with what X shows: un-shortened, un-escaped, without picture links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from social_scheduler import text as texts
from social_scheduler.platforms import Call, Seen

_OF_ITS_OWN = ""
"""What a post that is no reply replies to; None would mean that X does not tell."""


def expected(call: Call) -> Seen:
    """What X shows of a part when it is exactly what was approved."""
    part = call.message.parts[call.number - 1]
    words = texts.nfc(part.text)
    links = texts.links(words)
    return Seen(
        author_id=call.message.account,
        text=_with_plain_links(words, links),
        links=tuple(plain(link.text) for link in links),
        media_count=len(part.media),
        alt_texts=tuple(texts.nfc(item.alt) for item in part.media),
        language=None,
        reply_to=call.reply_to or _OF_ITS_OWN,
    )


def shown(post: Mapping[str, Any], includes: Mapping[str, Any]) -> Seen:
    """A post from X's answer (docs.x.com, "Post" object) in the same form."""
    whole = _mapping(post.get("note_tweet")) or post
    words = whole.get("text")
    own_page = f"/status/{post.get('id')}/"
    urls = [u for u in _list(_mapping(whole.get("entities")).get("urls")) if u.get("url")]
    for_pictures = [u for u in urls if "media_key" in u or own_page in _leads_to(u)]
    urls = [u for u in urls if u not in for_pictures]
    pictures = _mapping(post.get("attachments")).get("media_keys") or []
    return Seen(
        author_id=post.get("author_id"),
        text=_unshortened(words, urls, for_pictures) if isinstance(words, str) else None,
        links=tuple(plain(_leads_to(url)) for url in urls),
        media_count=len(pictures),
        alt_texts=_alt_texts(pictures, includes),
        language=None,
        reply_to=next(
            (
                str(other.get("id"))
                for other in _list(post.get("referenced_tweets"))
                if other.get("type") == "replied_to"
            ),
            _OF_ITS_OWN,
        ),
    )


def is_copy(found: Seen, wanted: Seen) -> bool:
    """Whether a post in the timeline says what we meant to say, in the same place."""
    return (found.author_id, found.text, found.media_count, found.reply_to) == (
        wanted.author_id,
        wanted.text,
        wanted.media_count,
        wanted.reply_to,
    )


def plain(address: str) -> str:
    """One spelling for one address: a scheme, host in lower case, no lone slash at the end.

    X adds `http://` where the author wrote none, and is free in the other two.
    """
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    path = "" if parts.path == "/" and not parts.query and not parts.fragment else parts.path
    return urlunsplit(parts._replace(netloc=parts.netloc.lower(), path=path))


def _with_plain_links(words: str, links: Iterable[texts.Span]) -> str:
    pieces, at = [], 0
    for link in links:
        pieces += [words[at : link.start], plain(link.text)]
        at = link.end
    return "".join([*pieces, words[at:]]).strip()


def _unshortened(words: str, urls: list[dict[str, Any]], for_pictures: list[dict[str, Any]]) -> str:
    """The author's words again.

    Exactly three characters are escaped by X; `html.unescape` would also undo what the author
    wrote. By address and not by position: positions count the escaped text in some answers and
    the plain text in others, and a t.co address stands for one link only.
    """
    words = words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for url in for_pictures:
        words = words.strip().removesuffix(url["url"])
    for url in urls:
        words = words.replace(url["url"], plain(_leads_to(url)), 1)
    return texts.nfc(words).strip()


def _leads_to(url: Mapping[str, Any]) -> str:
    return str(url.get("expanded_url") or url["url"])


def _alt_texts(keys: Iterable[str], includes: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Alt texts in order, "" where there is none; None when X did not send the pictures along."""
    by_key = {item.get("media_key"): item for item in _list(includes.get("media"))}
    found = [by_key.get(key) for key in keys]
    if None in found:
        return None
    return tuple(texts.nfc(str(item.get("alt_text") or "")) for item in found if item is not None)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

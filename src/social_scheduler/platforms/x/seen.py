"""Compares what was approved with what X shows: un-shortened, un-escaped, without picture links.

What a post quotes stands among its links, however it came there: X quotes whatever post a text
ends with the address of, and adds the address of what is quoted by option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from social_scheduler import text as texts
from social_scheduler.platforms import Call, Seen
from social_scheduler.platforms.x.addresses import Repost, page_of, post_at

_OF_ITS_OWN = ""
"""What a post that is no reply replies to; None would mean that X does not tell."""
_NOTHING_OF_OURS = Seen(None, None, None, None, None, None, None)
"""Of a repost only that it is there can be compared: all else is another's."""


@dataclass(frozen=True, slots=True)
class _Quoted:
    """Words without the address of what they quote, which is one of `links`."""

    text: str | None
    links: tuple[str, ...]


def expected(call: Call) -> Seen:
    """What X shows of a part when it is exactly what was approved."""
    if "repost" in call.message.options:
        return _NOTHING_OF_OURS
    part = call.message.parts[call.number - 1]
    words = texts.nfc(part.text)
    links = texts.links(words)
    told = [plain(link.text) for link in links]
    option = call.message.options.get("quote") if call.number == 1 else None
    quoted = _quoted_by(_with_plain_links(words, links), told, post_at(option) if option else None)
    return Seen(
        author_id=call.message.account,
        text=quoted.text,
        links=quoted.links,
        media_count=len(part.media),
        alt_texts=tuple(
            "" if item.type.startswith("video/") else texts.nfc(item.alt) for item in part.media
        ),
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
    told = [plain(_leads_to(url)) for url in urls]
    quoted = _quoted_by(
        _unshortened(words, urls, for_pictures) if isinstance(words, str) else None,
        told,
        referenced(post, "quoted"),
    )
    return Seen(
        author_id=post.get("author_id"),
        text=quoted.text,
        links=quoted.links,
        media_count=len(pictures),
        alt_texts=_alt_texts(pictures, includes),
        language=None,
        reply_to=referenced(post, "replied_to") or _OF_ITS_OWN,
    )


def reposted(repost: Repost) -> Seen:
    """An account's repost that is there: no words, and what it repeats."""
    return Seen(repost.account, "", (page_of(repost.post),), 0, (), None, _OF_ITS_OWN)


def referenced(post: Mapping[str, Any], how: str) -> str | None:
    """The id of the post that this one is `replied_to`, `quoted` or `retweeted` of."""
    others = _list(post.get("referenced_tweets"))
    return next((str(o.get("id")) for o in others if o.get("type") == how), None)


def is_copy(found: Seen, wanted: Seen) -> bool:
    """Whether a post in the timeline says what we meant to say, in the same place."""
    return (found.author_id, found.text, found.media_count, found.reply_to, _posts(found)) == (
        wanted.author_id,
        wanted.text,
        wanted.media_count,
        wanted.reply_to,
        _posts(wanted),
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


def _quoted_by(words: str | None, links: Sequence[str], quoted: str | None) -> _Quoted:
    """Posts among the links in one spelling, each once; none is left at the end of the words."""
    told: list[str] = []
    for link in links:
        post = post_at(link)
        address = page_of(post) if post else link
        if not post or address not in told:
            told.append(address)
    if quoted and page_of(quoted) not in told:
        told.append(page_of(quoted))
    for link in reversed(links):
        if words is None or not post_at(link) or not words.endswith(link):
            break
        words = words.removesuffix(link).strip()
    return _Quoted(words, tuple(told))


def _posts(seen: Seen) -> set[str]:
    """The posts among the links: one of them is quoted."""
    return {link for link in seen.links or () if post_at(link)}


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

"""Compares what was approved with what a server shows: words out of HTML, warning in front."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from social_scheduler import text as texts
from social_scheduler.platforms import Call, Seen
from social_scheduler.platforms.mastodon import markup
from social_scheduler.text.counting import FULL_HANDLE

_OF_ITS_OWN = ""
"""What a post that is no reply replies to; None would mean that the server does not tell."""
_PARAGRAPHS = re.compile(r"[^\S\n]*\n\s*\n")


def expected(call: Call) -> Seen:
    """What a server shows of a part when it is exactly what was approved.

    Addresses stand in the text in full, so links are not compared a second time.
    """
    if "repost" in call.message.options:
        return _repeated(call.message.account)
    part = call.message.parts[call.number - 1]
    return Seen(
        author_id=call.message.account,
        text=plain(call.message.options.get("warning", ""), part.text),
        links=None,
        media_count=len(part.media),
        alt_texts=tuple(_described(item.alt) for item in part.media),
        language=call.message.language,
        reply_to=call.reply_to or _OF_ITS_OWN,
    )


def shown(post: Mapping[str, Any], source: Mapping[str, Any] | None = None) -> Seen:
    """A `Status` of the API in the same form; with its `source`, in the words that were sent."""
    account = post.get("account")
    author = str(account["id"]) if isinstance(account, dict) and "id" in account else None
    if post.get("reblog"):
        return _repeated(author)
    media = post.get("media_attachments")
    attached = [m for m in media if isinstance(m, dict)] if isinstance(media, list) else []
    language = post.get("language")
    return Seen(
        author_id=author,
        text=_words(post, source),
        links=None,
        media_count=len(attached),
        alt_texts=tuple(_described(m.get("description")) for m in attached),
        language=language if isinstance(language, str) and language else None,
        reply_to=str(post.get("in_reply_to_id") or _OF_ITS_OWN),
    )


def _repeated(author: str | None) -> Seen:
    """Of a repost only that it is there can be compared: all else is another's."""
    return Seen(author, "", None, 0, (), None, _OF_ITS_OWN)


def repeats(post: Mapping[str, Any], address: str, local: str | None) -> bool:
    """Whether it repeats the post at an address, or with this server's own id."""
    other = post.get("reblog")
    if not isinstance(other, dict):
        return False
    return address in (other.get("url"), other.get("uri")) or (local or "") == other.get("id")


def is_copy(found: Seen, wanted: Seen) -> bool:
    """Whether a post in the timeline says what we meant to say, in the same place."""
    return found.text == wanted.text and could_be(found, wanted)


def could_be(found: Seen, wanted: Seen) -> bool:
    """Whether all but the words is as we meant it."""
    return (found.author_id, found.media_count, found.reply_to) == (
        wanted.author_id,
        wanted.media_count,
        wanted.reply_to,
    )


def plain(warning: str, words: str) -> str:
    """A warning and the words behind it in one spelling.

    Servers trim the ends, make one paragraph break of many empty lines, and show an account of
    another server by its name alone.
    """
    trimmed = [
        _PARAGRAPHS.sub("\n\n", texts.nfc(said).replace("\r\n", "\n").strip())
        for said in (warning, words)
    ]
    return FULL_HANDLE.sub(r"\1", "\n\n".join(said for said in trimmed if said))


def _words(post: Mapping[str, Any], source: Mapping[str, Any] | None) -> str | None:
    if source is not None and isinstance(source.get("text"), str):
        return plain(str(source.get("spoiler_text") or ""), source["text"])
    if not isinstance(post.get("content"), str):
        return None
    return plain(str(post.get("spoiler_text") or ""), markup.words(post["content"]))


def _described(alt: object) -> str:
    return texts.nfc(alt).strip() if isinstance(alt, str) else ""

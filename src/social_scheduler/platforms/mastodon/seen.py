"""Compares what was approved with what a server shows: words out of HTML, warning in front."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from social_scheduler import text as texts
from social_scheduler.platforms import Call, Seen
from social_scheduler.platforms.mastodon import addresses, markup
from social_scheduler.text.counting import FULL_HANDLE

VISIBILITY = {"public": "public", "unlisted": "unlisted", "followers": "private"}
"""Our names for who sees a post, and the API's."""
DEFAULT = "public"
"""Who sees a post of which nothing was approved: never what the account's settings happen to be."""
_OF_ITS_OWN = ""
"""What a post that is no reply replies to; None would mean that the server does not tell."""
_PARAGRAPHS = re.compile(r"[^\S\n]*\n\s*\n")


def expected(call: Call) -> Seen:
    """What a server shows of a part when it is exactly what was approved.

    Addresses stand in the text in full, so links are not compared a second time.
    """
    if "repost" in call.message.options:
        return _repeated(call.message.account)
    part, options = call.message.parts[call.number - 1], call.message.options
    return Seen(
        author_id=call.message.account,
        text=plain(options.get("warning", ""), part.text),
        links=None,
        media_count=len(part.media),
        alt_texts=tuple(_described(item.alt) for item in part.media),
        language=call.message.language,
        reply_to=call.reply_to or _OF_ITS_OWN,
        visibility=VISIBILITY.get(options.get("visibility", DEFAULT)),
        quoted=(addresses.place(options["quote"]),) if "quote" in options else (),
    )


def shown(
    post: Mapping[str, Any], source: Mapping[str, Any] | None = None, server: str = ""
) -> Seen:
    """A `Status` of a server's API in the same form; with its `source`, in the words as sent."""
    account = post.get("account")
    author = str(account["id"]) if isinstance(account, dict) and "id" in account else None
    if post.get("reblog"):
        return _repeated(author)
    media = post.get("media_attachments")
    attached = [m for m in media if isinstance(m, dict)] if isinstance(media, list) else []
    language, visibility = post.get("language"), post.get("visibility")
    return Seen(
        author_id=author,
        text=_words(post, source),
        links=None,
        media_count=len(attached),
        alt_texts=tuple(_described(m.get("description")) for m in attached),
        language=language if isinstance(language, str) and language else None,
        reply_to=str(post.get("in_reply_to_id") or _OF_ITS_OWN),
        visibility=visibility if isinstance(visibility, str) and visibility else None,
        quoted=_quoted(post, server),
    )


def _quoted(post: Mapping[str, Any], server: str) -> tuple[str, ...] | None:
    """Every name of the post it quotes, here and at its own server; None while that is open.

    Whoever is quoted may have to agree first; who said no is not quoted.
    """
    quote = post.get("quote")
    if "quote" not in post or (isinstance(quote, dict) and quote.get("state") == "pending"):
        return None
    other = quote.get("quoted_status") if isinstance(quote, dict) else None
    if not isinstance(other, dict):
        return ()
    here = f"{urlsplit(server).netloc.lower()}/{other.get('id')}"
    given = [other[name] for name in ("url", "uri") if isinstance(other.get(name), str)]
    return tuple(dict.fromkeys([here, *map(addresses.place, given)]))


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
    """Whether all but the words is as we meant it, as far as the server tells."""
    return (found.author_id, found.media_count, found.reply_to) == (
        wanted.author_id,
        wanted.media_count,
        wanted.reply_to,
    ) and {"visibility", "quoted"}.isdisjoint(found.differences(wanted))


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

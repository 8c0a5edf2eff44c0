"""Texts as Telegram keeps them, and the JSON of messages, chats, photos and videos."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import regex

from .accounts import Account
from .entities import find_tokens
from .posts import Post, PostMedia

_HASHTAG = regex.compile(
    r"(?<![\p{L}\p{M}\p{Nd}_#])#(?=[\p{Nd}_]*[\p{L}\p{M}])[\p{L}\p{M}\p{Nd}_]{1,255}"
)
_MENTION = regex.compile(r"(?<![\p{L}\p{N}_])@[A-Za-z][A-Za-z0-9_]{3,31}(?![\p{L}\p{N}_])")
_BOX = 320, 800, 1280, 2560
"""The longest sides of the copies that Telegram keeps of a photo."""


def cleaned(text: str) -> str:
    """A text as the server keeps it: some characters out, others a space, nothing at the ends."""
    text = re.sub("[\r\u2028-\u202e\u030a\u0333\u033f]", "", text)
    text = re.sub("[\x00-\x09\x0b\x0c\x0e-\x1f]", " ", text)
    marks = re.compile("[\u200e\u200f]+(?=[\u200e\u200f])")
    return marks.sub(lambda found: "\u200c" * len(found[0]), text).strip(" \n")


def units(text: str) -> int:
    """Telegram's length of a text: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def entities(text: str) -> list[dict[str, Any]]:
    """Links, hashtags and mentions that Telegram finds by itself, in UTF-16 units."""
    links = [(t.start, _end_of_link(text, t.end)) for t in find_tokens(text) if t.kind == "url"]
    found = [(start, end, "url") for start, end in links]
    for kind, pattern in (("hashtag", _HASHTAG), ("mention", _MENTION)):
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(start < b and a < end for a, b in links):
                found.append((start, end, kind))
    return [
        {"offset": units(text[:start]), "length": units(text[start:end]), "type": kind}
        for start, end, kind in sorted(found)
    ]


def _end_of_link(text: str, at: int) -> int:
    """Unlike X, Telegram takes every letter of an address along, up to a space."""
    rest = re.match(r"\S*", text[at:])
    return at + len(rest[0].rstrip(".,;:!?()[]\"'«»،؛؟") if rest else "")


def chat(channel: Account) -> dict[str, Any]:
    return {
        "id": int(channel.native_id),
        "title": channel.name,
        "username": channel.handle,
        "type": "channel",
    }


def bot(channel: Account, token: str) -> dict[str, Any]:
    """The bot of a channel; every channel here has one of its own."""
    return {
        "id": int(token.partition(":")[0]),
        "is_bot": True,
        "first_name": f"{channel.name} bot",
        "username": f"{channel.handle}_bot",
    }


def numbers(post: Post) -> list[int]:
    """The numbers of a post's messages in its channel: one for each picture of an album."""
    found: list[int] = post.extra["messages"]
    return found


def messages(post: Post, replied: Post | None) -> list[dict[str, Any]]:
    """A post as its messages; the first has the words."""
    told = [_message(post, number, n, replied) for n, number in enumerate(numbers(post))]
    if len(told) > 1:
        for message in told:
            message["media_group_id"] = str(post.id)
    return told


def _message(post: Post, number: int, place: int, replied: Post | None) -> dict[str, Any]:
    here = chat(post.author)
    message: dict[str, Any] = {
        "message_id": number,
        "sender_chat": here,
        "chat": here,
        "date": int(post.received_at.timestamp()),
    }
    if post.edited_at is not None:
        message["edit_date"] = int(post.edited_at.timestamp())
    if replied is not None:
        message["reply_to_message"] = messages(replied, None)[0]
    if post.media:
        message |= _media(post.media[place])
    text, name = post.text, "caption" if post.media else "text"
    if text and place == 0:
        message[name] = text
        if found := entities(text):
            message["caption_entities" if post.media else "entities"] = found
        if post.extra.get("preview") == "no":
            message["link_preview_options"] = {"is_disabled": True}
    return message


def _media(item: PostMedia) -> dict[str, Any]:
    if item.kind == "film":
        return {
            "video": {
                "duration": round(item.milliseconds / 1000),
                "width": item.width,
                "height": item.height,
                "mime_type": item.media_type,
                **_file(item, "v"),
            }
        }
    return {"photo": list(_copies(item))}


def _copies(item: PostMedia) -> Sequence[dict[str, Any]]:
    longest = max(item.width, item.height)
    sides = [side for side in _BOX if side < longest] + [min(longest, _BOX[-1])]
    return [
        {
            **_file(item, f"p{side}"),
            "width": max(1, item.width * side // longest),
            "height": max(1, item.height * side // longest),
        }
        for side in dict.fromkeys(sides)
    ]


def _file(item: PostMedia, kind: str) -> dict[str, Any]:
    """`file_id` is for this bot, `file_unique_id` the same for all."""
    digest = hashlib.sha256(f"{kind}:{item.sha256}".encode()).hexdigest()
    return {"file_id": f"AgAC{item.media_id}{digest[:40]}", "file_unique_id": digest[:16]}

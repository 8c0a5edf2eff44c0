"""Finding links, hashtags and mentions in a post, and showing the text the way X answers it."""

from __future__ import annotations

import hashlib
import re
import string
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Literal

import regex

_LATIN = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_PATH = rf"[a-z0-9\p{{Cyrillic}}{_LATIN}!*';:=+,.$/%#\[\]\-\u2013_~@|&]"
_PATH_END = rf"[a-z0-9\p{{Cyrillic}}{_LATIN}=_#/+\-]"
_PARENTHESES = rf"\({_PATH}*(?:\({_PATH}+\){_PATH}*)?\)"
_QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]"
_HASHTAG = regex.compile(
    r"(?<![\p{L}\p{M}\p{Nd}_&/])[#＃]([\p{L}\p{M}\p{Nd}_\u200c]*[\p{L}\p{M}][\p{L}\p{M}\p{Nd}_\u200c]*)"
)
_MENTION = regex.compile(
    rf"(?<![a-zA-Z0-9_!#$%&*@＠])[@＠]([a-zA-Z0-9_]{{1,15}})(?![@a-zA-Z0-9_{_LATIN}]|://)"
)
_BASE62 = string.digits + string.ascii_letters


@dataclass(frozen=True)
class Token:
    """A piece of a text that means something; `start` and `end` count code points."""

    kind: Literal["url", "hashtag", "mention"]
    start: int
    end: int
    value: str


def find_tokens(text: str) -> list[Token]:
    """Links, hashtags and mentions in reading order, never overlapping; links win."""
    links = [Token("url", m.start(), m.end(), m.group()) for m in _links().finditer(text)]
    others = [Token("hashtag", m.start(), m.end(), m.group(1)) for m in _HASHTAG.finditer(text)]
    others += [Token("mention", m.start(), m.end(), m.group(1)) for m in _MENTION.finditer(text)]
    free = [t for t in others if not any(t.start < u.end and u.start < t.end for u in links)]
    return sorted(links + free, key=lambda token: token.start)


def without_links(text: str) -> str:
    """The words alone: links and mentions say nothing about a text's language."""
    kept, at = [], 0
    for token in find_tokens(text):
        if token.kind != "hashtag":
            kept.append(text[at : token.start])
            at = token.end
    return "".join([*kept, text[at:]])


def expanded(link: str) -> str:
    """The address a link leads to: what was written, with a scheme if it had none."""
    has_scheme = link.lower().startswith(("http://", "https://"))
    return link if has_scheme else f"http://{link}"


def displayed(link: str) -> str:
    """The short form shown to readers: no scheme, no www, at most 27 characters and an ellipsis."""
    bare = re.sub(r"^https?://(?:www\.)?", "", link, flags=re.IGNORECASE)
    bare = bare.removesuffix("/")
    return bare if len(bare) <= 27 else bare[:26] + "…"


def shorten(*key: object) -> str:
    """A t.co address that is always the same for the same key."""
    number = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8])
    letters = ""
    for _ in range(10):
        number, digit = divmod(number, 62)
        letters += _BASE62[digit]
    return f"https://t.co/{letters}"


def as_answered(
    text: str, post_id: int, handle: str, media_keys: list[str]
) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """The text X answers with, and its entities.

    Links become t.co addresses, pictures add one at the end, `&`, `<` and `>` are escaped;
    positions count code points of the answered text.
    """
    parts: list[str] = []
    found: dict[str, list[dict[str, Any]]] = {}
    length = at = 0
    for token in find_tokens(text):
        before = escape(text[at : token.start], quote=False)
        short = shorten(post_id, token.start, token.value)
        shown = short if token.kind == "url" else text[token.start : token.end]
        place = {"start": length + len(before), "end": length + len(before) + len(shown)}
        _add(found, token, place, short)
        parts += [before, shown]
        length, at = place["end"], token.end
    parts.append(escape(text[at:], quote=False))
    answer = "".join(parts)
    if media_keys:
        answer += " " if answer else ""
        short = shorten(post_id, "media")
        place = {"start": len(answer), "end": len(answer) + len(short)}
        answer += short
        # X repeats the first picture's address for every picture of a post.
        page = f"https://x.com/{handle}/status/{post_id}/photo/1"
        shown = "pic.x.com/" + short.rpartition("/")[2]
        found.setdefault("urls", []).extend(
            {**place, "url": short, "expanded_url": page, "display_url": shown, "media_key": key}
            for key in media_keys
        )
    return answer, found


def _add(
    found: dict[str, list[dict[str, Any]]], token: Token, place: dict[str, int], short: str
) -> None:
    if token.kind == "url":
        more = {"expanded_url": expanded(token.value), "display_url": displayed(token.value)}
        found.setdefault("urls", []).append({**place, "url": short, **more})
    elif token.kind == "hashtag":
        found.setdefault("hashtags", []).append({**place, "tag": token.value})
    else:
        found.setdefault("mentions", []).append({**place, "username": token.value})


@cache
def _links() -> regex.Pattern[str]:
    """twitter-text's published idea of a link, with or without a scheme, ending in a real domain."""
    domains = (files(__package__) / "tlds.txt").read_text(encoding="utf-8").split()
    end = r"(?:\L<domains>|xn--[a-z0-9-]+)(?=[^0-9a-z@+\-]|$)"
    with_scheme = rf"https?://(?:[\p{{L}}\p{{M}}\p{{N}}_](?:[\p{{L}}\p{{M}}\p{{N}}_-]*[\p{{L}}\p{{M}}\p{{N}}_])?\.)+{end}"
    without = rf"(?<![\-_./])(?:[a-z0-9{_LATIN}](?:[a-z0-9_{_LATIN}-]*[a-z0-9{_LATIN}])?\.)+{end}"
    path = rf"/(?:(?:{_PATH}|{_PARENTHESES})*(?:{_PATH_END}|{_PARENTHESES}))?"
    return regex.compile(
        rf"(?<![a-z0-9@＠$#＃\u202a-\u202e])(?:{with_scheme}|{without})(?::[0-9]+)?(?:{path})?(?:{_QUERY})?",
        regex.IGNORECASE,
        domains=domains,
    )

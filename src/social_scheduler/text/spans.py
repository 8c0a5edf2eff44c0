"""Finds the addresses, hashtags and mentions in a text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

import regex

from social_scheduler.text import tlds


class Span(NamedTuple):
    """A piece of a text: `text[start:end] == span.text`, in code points."""

    start: int
    end: int
    text: str


_SPACES = r"\x09-\x0d\x20\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_MARKS = r"\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
_NEVER = r"\ufffe\ufeff\uffff"
ACCENTED = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272"
    r"\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
)
# A label of a host: all but punctuation, spaces, direction marks; here with - and _ inside.
_LABEL = rf"[^!'#%&()*+,\\./:;<=>?@\[\]^{{|}}~${_SPACES}{_NEVER}{_MARKS}]++"
# X counts in halves of characters, so that one beyond U+FFFF always has something before it.
_HOST = re.compile(
    rf"(?:(?<![A-Za-z0-9@＠$#＃{_NEVER}])|(?=[\U00010000-\U0010ffff]))"
    rf"(https?://)?({_LABEL}(?:\.{_LABEL})++)",
    re.IGNORECASE,
)
_MAY_HOLD_A_HOST = re.compile(
    rf"\.[^!'#%&()*+,\\\-./:;<=>?@\[\]^_{{|}}~${_SPACES}{_NEVER}{_MARKS}]"
)
_BAD_LABEL = re.compile(r"(?:^|\.)[-_]|[-_](?=\.)")
_LATIN_NAME = re.compile(rf"(?:[-a-z0-9{ACCENTED}]+\.)+", re.IGNORECASE)
_LATIN_TLD = re.compile(r"(?:xn--[-0-9a-z]+|[a-z]+)(?![0-9a-z@+-])", re.IGNORECASE)
_OTHER_TLD = re.compile(rf"(?:{'|'.join(tlds.OTHER)})(?![0-9A-Za-z@+-])")

_IN_PATH = rf"[a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{ACCENTED}]"
_PARENTHESES = rf"\((?:{_IN_PATH}+|{_IN_PATH}*\({_IN_PATH}+\){_IN_PATH}*)\)"
_PATH_END = rf"[+\-a-z\u0400-\u04ff0-9=_#/{ACCENTED})]"
_PATH = rf"/{_IN_PATH}*(?:{_PARENTHESES}{_IN_PATH}*)*(?<={_PATH_END})"
_QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]"
_AFTER_HOST = re.compile(rf"(?::[0-9]+)?({_PATH})?(?:{_QUERY})?", re.IGNORECASE)
_X_SHORT_LINK = re.compile(rf"https?://t\.co/([a-z0-9]+)(?:{_QUERY})?", re.IGNORECASE)

_LONGEST_ADDRESS = 4096
_LONGEST_SHORT_LINK = 40
_LONGEST_LABEL = 63

_IN_HASHTAG = (
    r"\p{L}\p{M}\p{Nd}_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb"
    r"\u3003\u0f0b\u0f0c\u00b7"
)
_HASHTAG: Final = regex.compile(
    rf"(?:(?<![{_IN_HASHTAG}&])|(?<=[\ufe0e\ufe0f]))[#＃](?![\ufe0f\u20e3])(?=[{_IN_HASHTAG}]*[\p{{L}}\p{{M}}])"
    rf"[{_IN_HASHTAG}]++(?![#＃]|://)"
)
# Not after what makes it an e-mail address or a wink, unless that is an old retweet's RT.
BEFORE_MENTION = r"(?:(?<![A-Za-z0-9_!#$%&*@＠])|(?<=(?<![A-Za-z0-9_+~.-])[rR][tT]))"
_MENTION = re.compile(
    rf"{BEFORE_MENTION}"
    r"[@＠]([A-Za-z0-9_]++)((?:[.-]++[A-Za-z0-9_]++)*)(@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)+)?"
)
_NO_MENTION_BEFORE = re.compile(rf"[@＠{ACCENTED}]|://")


def links(text: str) -> list[Span]:
    """The web addresses in a text, as X finds them: with `https://` or without.

    An address needs a host with a top-level domain there is. Without a scheme its host is Latin
    letters only. Punctuation that ends a sentence is not part of it.
    """
    if _MAY_HOLD_A_HOST.search(text) is None:
        return []
    found: list[Span] = []
    at = 0
    while (match := _HOST.search(text, at)) is not None:
        spans, at = _links_at(text, match, at)
        found += spans
    return found


def _links_at(text: str, match: re.Match[str], since: int) -> tuple[list[Span], int]:
    """The addresses in this host, found looking from `since`, and where to look for the next."""
    start, host_start = match.start(), match.start(2)
    if not match[1]:
        start = host_start = match.end() - len(match[2].lstrip("-_"))
        if start == since and not text[start].isascii():
            start = host_start = start + 1  # X takes it for what precedes the address
    host_end = _end_of_host(text, host_start, match.end())
    if host_end == host_start:
        # Its last label may be the scheme of an address: "end.https://example.org".
        return [], max(match.start() + 1, text.rindex(".", match.start(), match.end()) + 1)
    after = _AFTER_HOST.match(text, host_end)
    end = after.end() if after else host_end
    if end - start > _LONGEST_ADDRESS:
        return [], end
    if match[1]:
        short = _X_SHORT_LINK.match(text, start)
        if short is not None:
            end = short.end()
            if len(short[1]) > _LONGEST_SHORT_LINK:
                return [], end
        return [Span(start, end, text[start:end])], end
    if text[start - 1 : start] in ("-", "_", ".", "/"):
        return [], end
    spans = _latin_hosts(text, host_start, host_end)
    if spans and after and after[1]:
        last = spans.pop()
        spans.append(Span(last.start, end, text[last.start : end]))
    return spans, end


def _end_of_host(text: str, start: int, end: int) -> int:
    """Where a dotted name stops being a host: after the last of its TLDs; `start` if it has none."""
    bad = _BAD_LABEL.search(text[start:end])
    if bad is not None:
        end = start + bad.start()
    while (dot := text.rfind(".", start + 1, end)) > 0:
        tld_end = _end_of_tld(text, dot + 1, len(text))
        name = text[max(start, text.rfind(".", start, dot)) : dot]
        if tld_end and "_" not in name:
            return tld_end if _encodes(text[start:tld_end]) else start
        end = dot
    return start


def _end_of_tld(text: str, start: int, end: int) -> int:
    """Where the top-level domain that begins at `start` ends; 0 if none does."""
    match = _LATIN_TLD.match(text, start, end)
    if match is not None:
        name = match[0].lower()
        if name in tlds.ASCII or name.startswith("xn--"):
            return match.end()
    match = _OTHER_TLD.match(text, start, end)
    return match.end() if match else 0


def _encodes(host: str) -> bool:
    """Whether every label is short enough for the name system, in the form it is asked for there.

    Not Python's own codec: it refuses a label that mixes directions, which the networks take.
    What says that it is encoded may not need encoding again.
    """
    if host.startswith("xn--") and not _latin_hosts(host, 0, len(host)):
        return False
    return all(
        len(label) <= _LONGEST_LABEL
        and (label.isascii() or len(b"xn--" + label.encode("punycode")) <= _LONGEST_LABEL)
        for label in host.split(".")
    )


def _latin_hosts(text: str, start: int, end: int) -> list[Span]:
    """The hosts with Latin names in a host that may have other letters around them."""
    spans = []
    while (match := _LATIN_NAME.search(text, start, end)) is not None:
        start = stop = match.end()
        while stop > match.start():
            tld_end = _end_of_tld(text, stop, end)
            if tld_end:
                spans.append(Span(match.start(), tld_end, text[match.start() : tld_end]))
                start = tld_end
                break
            stop = text.rfind(".", match.start(), stop - 1) + 1
    return spans


def hashtags(text: str) -> list[Span]:
    """The hashtags in a text, in any script, each with its `#`; never the fragment of an address."""
    if "#" not in text and "＃" not in text:
        return []
    found = [Span(match.start(), match.end(), match[0]) for match in _HASHTAG.finditer(text)]
    return outside(found, links(text))


def mentions(text: str) -> list[Span]:
    """The accounts a text mentions: `@name`, `@name@example.org`, `@name.example.org`.

    A dot and what follows belong to the name only where they end in a top-level domain.
    """
    if "@" not in text and "＠" not in text:
        return []
    found = []
    for match in _MENTION.finditer(text):
        end = match.end()
        if match[3] is None and match[2].rpartition(".")[2].lower() not in tlds.ASCII:
            end = match.end(1)
        if _NO_MENTION_BEFORE.match(text, end) is None:
            found.append(Span(match.start(), end, text[match.start() : end]))
    return outside(found, links(text))


def outside(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """Those of the pieces that share nothing with what is taken; nothing is taken twice."""
    ordered = sorted(taken)
    starts = [other.start for other in ordered]

    def is_free(span: Span) -> bool:
        before = bisect_left(starts, span.end)
        return before == 0 or ordered[before - 1].end <= span.start

    return [span for span in spans if is_free(span)]

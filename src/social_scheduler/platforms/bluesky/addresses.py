"""Reads and writes the addresses of records: at:// for machines, /profile/… for people."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"
GATE = "app.bsky.feed.threadgate"

_DID = r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HANDLE = rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?"
_KEY = r"[A-Za-z0-9._~:-]{1,512}"
_AT = re.compile(rf"at://({_DID}|{_HANDLE})/([a-zA-Z][a-zA-Z0-9.-]+)/({_KEY})")
_PAGE = re.compile(rf"/profile/({_DID}|{_HANDLE})/post/({_KEY})/?")
_IS_HANDLE = re.compile(_HANDLE)
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class Address(NamedTuple):
    """One record: whose it is (a did, or a handle), what kind, and its key."""

    owner: str
    collection: str
    key: str

    def __str__(self) -> str:
        return f"at://{self.owner}/{self.collection}/{self.key}"


class Ref(NamedTuple):
    """One record in one wording: its address, and the id that its bytes give it."""

    uri: str
    cid: str


def address(uri: str) -> Address | None:
    """The record at an at:// address; None when it is none."""
    found = _AT.fullmatch(uri)
    return Address(*found.groups()) if found else None


def in_page(url: str) -> Address | None:
    """The post on a page that a person sees, on bsky.app or another site of its shape."""
    if url.startswith("at://"):
        return address(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    found = _PAGE.fullmatch(unquote(parts.path))
    if not found or parts.scheme not in {"https", "http"} or not parts.hostname:
        return None
    return Address(found[1], POST, found[2])


def page(base_url: str, at: Address) -> str:
    """Where people can open a post: on bsky.app, or at the rehearsal network it is on."""
    here = urlsplit(base_url).hostname in _HERE
    site = base_url.rstrip("/") if here else "https://bsky.app"
    return f"{site}/profile/{at.owner}/post/{at.key}"


def is_handle(words: str) -> bool:
    """Whether an account may have that handle."""
    return len(words) <= 253 and _IS_HANDLE.fullmatch(words) is not None

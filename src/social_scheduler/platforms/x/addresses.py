"""Where posts on X are: ids in addresses that people paste, and addresses made from ids.

A repost is no post of its own: its id here says how to undo it, `ACCOUNT/retweets/POST`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from social_scheduler.errors import Refused

SITE = "https://x.com"
_API = {"api.x.com", "api.twitter.com"}
_ID = re.compile(r"[0-9]{1,19}")
_STATUS = re.compile(r"/status/([0-9]{1,19})(?![^/?#])")
_REPOST = re.compile(r"([0-9]{1,19})/retweets/([0-9]{1,19})")
_HOST = re.compile(r"(?:(?:www|mobile)\.)?(?:x|twitter)\.com", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Repost:
    """Somebody's post, repeated by an account."""

    account: str
    post: str

    def __str__(self) -> str:
        return f"{self.account}/retweets/{self.post}"


def is_id(value: object) -> bool:
    """Whether this is an id as X gives them."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def native(remote_id: str) -> str:
    """An id as X gives them; anything else must not become part of an address."""
    if not is_id(remote_id):
        raise Refused(f"{remote_id!r} is not the id of anything on X.", "Ids are digits only.")
    return remote_id


def repost_in(remote_id: str) -> Repost | None:
    """What a repost's remote id says; None for the id of a post."""
    found = _REPOST.fullmatch(remote_id)
    return Repost(found[1], found[2]) if found else None


def id_in(address: str) -> str | None:
    """The digits after `/status/`, whatever a share link adds behind them."""
    found = _STATUS.search(address)
    return found[1] if found else None


def post_at(address: str) -> str | None:
    """The id of the post at an address on X, or at a rehearsal network of this machine."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None
    return id_in(urlsplit(address).path) if _HOST.fullmatch(host) or _is_here(host) else None


def site(base_url: str) -> str:
    """Where people read what an API's address serves: x.com, or the rehearsal network itself."""
    base = base_url.rstrip("/")
    return SITE if urlsplit(base).hostname in _API else base


def page_of(post: str, on: str = SITE) -> str:
    """The address of a post, whoever's it is."""
    return f"{on}/i/web/status/{post}"


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

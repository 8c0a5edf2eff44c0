"""Whether an address in a campaign file may be published as it is written."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from social_scheduler.text import deceits


def wrong_link(link: str, sandbox: str | None = None) -> tuple[str, str] | None:
    """What is wrong with an address, and what to write instead.

    For a post that is quoted or repeated in a rehearsal, `sandbox` is an address too.
    """
    if re.search(r"\s", link):
        return "a link has no spaces in it", "write one https address, with %20 for a space"
    try:
        parts = urlsplit(link)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "this is not an address", "write one such as https://example.org/spotlight"
    if "@" in parts.netloc:
        return "a name or password stands in this link", "remove everything up to the @"
    there = f"{parts.scheme}://{parts.netloc}" == sandbox
    if parts.scheme != "https" and _is_here(host) and not there:
        remedy = "write an https address; a sandbox's posts are known in its rehearsal workspace"
        return "this address leads to one machine alone", remedy
    if parts.scheme != "https" and not there:
        rest = link.partition("://")[2] if parts.scheme == "http" else ""
        remedy = f"write https://{rest}" if rest else "write an https address"
        return "a link must begin with https://", remedy
    if not there and (not host or "." not in host):
        return "this link names no host", "write one such as https://example.org/spotlight"
    hidden = deceits(link)
    if hidden:
        return f"a hidden character ({hidden[0].code_point}) stands in this link", "delete it"
    return None


def _is_here(host: str | None) -> bool:
    """Whether that is this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False

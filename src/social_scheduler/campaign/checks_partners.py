"""Checks the address book: handles that could be no handle, two partners with one, unknown networks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from social_scheduler.campaign.load import Loaded
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.partners import Partners
from social_scheduler.errors import Finding
from social_scheduler.text import mentions_on

SHAPES = {
    "x": (r"[A-Za-z0-9_]{1,15}", "letters, digits and _, at most 15"),
    "bluesky": (r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "a domain, such as nato.bsky.social"),
    "mastodon": (r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+", "name@server"),
    "telegram": (r"[A-Za-z][A-Za-z0-9_]{3,31}", "letters, digits and _, from 4 to 32"),
}
"""What a handle looks like, where a wrong one would name somebody else."""


def check_partners(loaded: Loaded[Partners], platforms: Iterable[str]) -> list[Finding]:
    """partners.yaml: its shape, and that each handle is one, of one partner, on a network we know."""
    findings = list(loaded.findings)
    if loaded.model is not None:
        findings += _mistakes(loaded, loaded.model, set(platforms))
    return sorted(findings, key=lambda f: (f.line, f.column))


def _mistakes(loaded: Loaded[Partners], book: Partners, platforms: set[str]) -> Iterator[Finding]:
    owners: dict[tuple[str, str], str] = {}
    for name, partner in book.partners.items():
        for key, named in (("handles", partner.handles), ("ids", partner.ids)):
            for platform in named:
                if platform not in platforms:
                    yield loaded.finding(
                        ("partners", name, key, platform),
                        f"`{platform}` is a network that is not built in",
                        did_you_mean(platform, platforms),
                        key=True,
                    )
                elif key == "ids" and platform not in partner.handles:
                    yield loaded.finding(
                        ("partners", name, key, platform),
                        f"`{name}` has an id on {platform} and no handle there",
                        f"add `{platform}:` under `handles`, or remove it here",
                        key=True,
                    )
        for platform, handle in partner.handles.items():
            where = ("partners", name, "handles", platform)
            if wrong := _wrong_handle(platform, handle):
                problem = f"`{handle}` cannot be a handle on {platform}"
                yield loaded.finding(where, problem, f"write {wrong}, without the first @")
            other = owners.setdefault((platform, handle.lower()), name)
            if other != name:
                problem = f"`{other}` has the handle {handle} on {platform} too"
                yield loaded.finding(where, problem, "two partners never share one: correct it")


def _wrong_handle(platform: str, handle: str) -> str:
    """What a handle there looks like, if this is none."""
    pattern, told = SHAPES.get(platform, (r"\S+", "it as the network shows it"))
    found = [span.text for span in mentions_on(platform, f"@{handle}")] == [f"@{handle}"]
    return "" if re.fullmatch(pattern, handle) and found else told

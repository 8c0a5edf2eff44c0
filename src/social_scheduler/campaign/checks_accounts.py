"""Checks accounts.yaml: networks that are not built in, and handles that could be none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from social_scheduler.campaign.checks_partners import SHAPES
from social_scheduler.campaign.load import Loaded
from social_scheduler.campaign.mistakes import did_you_mean, short
from social_scheduler.campaign.schema import Accounts
from social_scheduler.errors import Finding

_TELEGRAM, _TELEGRAM_TOLD = SHAPES["telegram"]
_OURS = SHAPES | {
    "mastodon": (
        r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?",
        "the name alone; where it lives is its `server`",
    ),
    "telegram": (
        rf"{_TELEGRAM}|-100[0-9]{{1,16}}",
        f"{_TELEGRAM_TOLD}; for a private channel its number, such as -1001234567890",
    ),
}
"""As for partners; but ours has its server beside it, and a private channel has no name."""


def check_entries(loaded: Loaded[Accounts], platforms: Iterable[str]) -> Iterator[Finding]:
    """Every account is on a network that we can speak to, under a handle that can be one there."""
    known = set(platforms)
    for number, account in enumerate(loaded.model.accounts if loaded.model else ()):
        place = ("accounts", number)
        if account.platform not in known:
            yield loaded.finding(
                (*place, "platform"),
                f"`{account.platform}` is a network that is not built in",
                did_you_mean(account.platform, known),
            )
            continue
        pattern, told = _OURS.get(account.platform, (r"[^\s@]+(@[^\s@]+)?", "no spaces"))
        if not re.fullmatch(pattern, account.handle.removeprefix("@"), re.ASCII):
            yield loaded.finding(
                (*place, "handle"),
                f"`{short(account.handle)}` cannot be a handle on {account.platform}",
                f"write it as the network shows it: {told}",
            )

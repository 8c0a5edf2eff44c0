"""What the checks of one campaign know: the file, the rules it must keep, who is addressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from social_scheduler.campaign.load import Loaded
from social_scheduler.campaign.partners import NOBODY, Partners
from social_scheduler.campaign.render import Rendered
from social_scheduler.campaign.schema import AccountEntry, Accounts, Campaign, Post
from social_scheduler.campaign.times import TimeProblem, monday
from social_scheduler.message import Limits, Message
from social_scheduler.policy import Policy

Place = tuple[str | int, ...]


class Picture(Protocol):
    """What looking into a picture or film tells. `kind` is `image/jpeg` and so on, sides are pixels.

    `milliseconds` and `sounds` (how many soundtracks) are 0 for pictures.
    """

    @property
    def kind(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def has_location(self) -> bool: ...
    @property
    def moving(self) -> bool: ...
    @property
    def milliseconds(self) -> int: ...
    @property
    def sounds(self) -> int: ...


Inspect = Callable[[Path], Picture]
"""Looks into a picture or film and reads all of it; raises InvalidInput when that cannot be done."""


def _nobody_knows(campaign: str, post: str) -> bool:
    return False


def _any_address(platform: str, address: str) -> str | None:
    return address


@dataclass(frozen=True, slots=True)
class Rules:
    """What campaigns are checked against; the same for every file of a run."""

    accounts: Accounts
    limits: Mapping[str, Limits]
    """By platform; see `limits_of` for one account's."""
    policy: Policy
    now: datetime
    inspect: Inspect
    people: frozenset[str] | None = None
    """Known people; None where nobody is known yet and owners cannot be checked."""
    known: Callable[[str, str], bool] = _nobody_knows
    """Whether this post of this campaign is queued already: then its time may be past."""
    told: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By account: limits of its own, as its network said (message.TOLD)."""
    ends: Mapping[str, datetime] = field(default_factory=dict)
    """By account: when its keys end, as its network said."""
    partners: Partners = NOBODY
    sandbox: str | None = None
    """In a rehearsal: where its networks are, whose posts can be quoted and repeated there."""
    id_in: Callable[[str, str], str | None] = _any_address
    """By platform: the network's id of the post at an address; None when it is none of its."""
    refusals: Mapping[str, Callable[[Message, Limits], Sequence[str]]] = field(default_factory=dict)
    """By platform, where it looks itself: what else it would refuse in a message."""

    def limits_of(self, account: AccountEntry) -> Limits | None:
        """What one account may say; None where its network is not known."""
        limits = self.limits.get(account.platform)
        return limits and account.limits(limits, self.told.get(account.name, {}))


@dataclass
class Facts:
    """One campaign under check."""

    loaded: Loaded[Campaign]
    campaign: Campaign
    rules: Rules
    rendered: dict[tuple[int, str], Rendered] = field(default_factory=dict)
    """By the post's number and the account's name; filled in by the checks of the words."""
    due: dict[int, datetime] = field(default_factory=dict)
    """By the post's number; only times that could be read."""
    without_card: set[str] = field(default_factory=set)
    """Networks of which it has been said that they make no box for a link."""

    def alike(self, account: AccountEntry) -> tuple[object, ...]:
        """Equal for accounts that say the same of a post with no variant for either."""
        if account.name not in self._alike:
            told = tuple(sorted(self.rules.told.get(account.name, {}).items()))
            own = (account.text_limit, account.may_thread)
            self._alike[account.name] = (account.platform, account.language, *own, told)
        return self._alike[account.name]

    @cached_property
    def _alike(self) -> dict[str, tuple[object, ...]]:
        return {}

    def addressed(self, post: Post) -> list[AccountEntry]:
        """The accounts a post goes to, as far as their names are known."""
        names = tuple(post.to or self.campaign.to)
        if names not in self._addressed:
            self._addressed[names] = self.rules.accounts.named(list(names))
        return self._addressed[names]

    @cached_property
    def _addressed(self) -> dict[tuple[str, ...], list[AccountEntry]]:
        return {}

    @cached_property
    def everyone(self) -> list[AccountEntry]:
        """Every account any post goes to."""
        found = {a.name: a for post in self.campaign.posts for a in self.addressed(post)}
        return list(found.values())

    @cached_property
    def week_of(self) -> date | None:
        """The Monday that weekdays count from, if the campaign names one."""
        try:
            return monday(self.campaign.week_of) if self.campaign.week_of else None
        except TimeProblem:
            return None

"""What networks will charge for what is planned, so that it is known before it is queued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from social_scheduler.message import Message
from social_scheduler.platforms import Platform, Prices
from social_scheduler.services.compare import Change
from social_scheduler.text import links


@dataclass(frozen=True, slots=True)
class Estimate:
    """One network's share: a thread is as many posts as it has parts."""

    label: str
    thousandths: int
    posts: int
    with_link: int

    def __str__(self) -> str:
        linked = f", {self.with_link:,} with a link" if self.with_link else ""
        many = "post" if self.posts == 1 else "posts"
        dollars = -(-self.thousandths // 10) / 100  # up to the next cent
        return f"About ${dollars:,.2f} on {self.label} ({self.posts:,} {many}{linked})."


def estimates(changes: Iterable[Change], platforms: Mapping[str, Platform]) -> list[Estimate]:
    """By network, for what queueing these changes puts in place; nothing where nothing is charged."""
    found: dict[str, Estimate] = {}
    for change in changes:
        for planned in change.for_review:
            platform = platforms[planned.speaker.platform]
            if platform.prices is not None:
                one = _of(Message.from_canonical(planned.body), platform.label, platform.prices)
                found[platform.label] = _sum(found.get(platform.label), one)
    return list(found.values())


def _of(message: Message, label: str, prices: Prices) -> Estimate:
    if "repost" in message.options:
        return Estimate(label, prices.repost, 1, 0)
    count = len(message.parts)
    linked = sum(bool(links(part.text)) for part in message.parts)
    cost = linked * prices.post_with_link + (count - linked) * prices.post
    return Estimate(label, cost, count, linked)


def _sum(one: Estimate | None, other: Estimate) -> Estimate:
    if one is None:
        return other
    return Estimate(
        one.label,
        one.thousandths + other.thousandths,
        one.posts + other.posts,
        one.with_link + other.with_link,
    )

"""Tells what Bluesky would refuse beyond its limits; pure."""

from __future__ import annotations

from collections.abc import Iterator

from social_scheduler.message import Message
from social_scheduler.platforms.bluesky import addresses


def problems(message: Message) -> Iterator[str]:
    """What stands in the way, each with its remedy."""
    if message.card and message.parts[0].media:
        yield (
            "Bluesky shows either pictures or the box of a link: leave out the media of the "
            "first part, or the card."
        )
    for part in message.parts:
        if len(part.media) > 1 and any(item.type.startswith("video/") for item in part.media):
            yield "Bluesky shows one film, or pictures: leave out the others."
    for option in ("quote", "repost"):
        url = message.options.get(option)
        if url is not None and addresses.in_page(url) is None:
            yield (
                f"{option}: {url} is not the address of a post on Bluesky: copy the post's "
                "address, such as https://bsky.app/profile/example.org/post/3k2a…"
            )
    if "repost" in message.options and (message.media or "quote" in message.options):
        yield "What is repeated stands alone: leave out media and quote."

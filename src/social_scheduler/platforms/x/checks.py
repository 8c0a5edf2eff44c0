"""What X would refuse in a message, beyond what its limits say."""

from __future__ import annotations

from collections.abc import Iterator

from social_scheduler.message import Attachment, Limits, Message, MessagePart
from social_scheduler.platforms.x.addresses import post_at

REPLIES = {"everyone": None, "following": "following", "mentioned": "mentionedUsers"}
"""Who may reply: our word and X's."""
_SHORTEST_FILM = 500
_SMALLEST_SIDE = 32
_SLENDEREST = 3
_MOVING_PICTURE = (1280, 1080)


def problems(message: Message, limits: Limits) -> Iterator[str]:
    """Sentences for the author, each with what to do."""
    yield from _of_options(message)
    for number, part in enumerate(message.parts, start=1):
        where = f"part {number}: " if len(message.parts) > 1 else ""
        yield from (where + said for said in _of_media(part, limits))


def language_code(language: str) -> str | None:
    """The two letters by which X names a language of captions; None where it has none."""
    letters = language.partition("-")[0]
    return letters.upper() if len(letters) == 2 else None


def _of_options(message: Message) -> Iterator[str]:
    repost, quote = message.options.get("repost"), message.options.get("quote")
    first = message.parts[0]
    for address in (repost, quote):
        if address is not None and post_at(address) is None:
            yield f"{address} is not the address of a post on X; open the post and copy its address"
    if repost is not None and (len(message.parts) > 1 or first.text or first.media):
        yield "a repost has no words or pictures of its own on X; quote the post instead"
    if repost is not None and set(message.options) - {"repost"}:
        yield "a repost on X takes no other option; remove it"
    if quote is not None and first.media:
        yield "a post on X either quotes or shows pictures; move the pictures to another post"
    if message.options.get("replies", "everyone") not in REPLIES:
        yield f"X knows no replies: {message.options['replies']}; write one of {', '.join(REPLIES)}"


def _of_media(part: MessagePart, limits: Limits) -> Iterator[str]:
    moving = [item for item in part.media if item.moves or item.type == "image/gif"]
    if len(moving) > limits.films or (moving and len(part.media) > len(moving)):
        yield (
            f"a post on X shows up to {limits.pictures} pictures, or one film, or one moving "
            "picture; leave one kind"
        )
    for item in moving:
        yield from _of_film(item)


def _of_film(item: Attachment) -> Iterator[str]:
    if item.type == "image/gif":
        yield from _of_moving_picture(item)
        return
    sides = item.width, item.height
    if 0 < item.milliseconds < _SHORTEST_FILM:
        yield "a film on X lasts at least half a second; make it longer"
    if all(sides) and (min(sides) < _SMALLEST_SIDE or max(sides) > _SLENDEREST * min(sides)):
        yield (
            f"a film on X is at least {_SMALLEST_SIDE} pixels wide and high, and at most "
            f"{_SLENDEREST} times as long as wide; cut it to another shape"
        )
    if item.captions and language_code(item.captions.language) is None:
        yield (
            f"X takes captions in languages of two letters only, not {item.captions.language!r}; "
            "remove them for X"
        )


def _of_moving_picture(item: Attachment) -> Iterator[str]:
    width, height = _MOVING_PICTURE
    if item.width > width or item.height > height:
        yield (
            f"a moving picture on X has at most {width} × {height} pixels; "
            "make it smaller, or a film"
        )
    if item.captions:
        yield "a moving picture on X takes no captions; remove them"

"""What one account will say of a post: wording chosen, link placed, partners named, a long text
divided where the author asked for it, all in composed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from social_scheduler.campaign.filling import Filler, Named
from social_scheduler.campaign.partners import NOBODY, Partners
from social_scheduler.campaign.schema import AccountEntry, Campaign, Post
from social_scheduler.campaign.wording import (
    Level,
    Place,
    RenderProblem,
    card_in,
    levels_of,
    link_in,
    media_in,
    options_in,
    split_in,
    words_in,
)
from social_scheduler.message import Limits
from social_scheduler.text import LENGTHS, byte_length, nfc, split

__all__ = ["Named", "Place", "RenderProblem", "Rendered", "RenderedCard", "RenderedPart", "render"]


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One call's final text, the names of its media, and where its words stand in the file."""

    text: str
    media: tuple[str, ...] = ()
    path: Place = ()
    named: tuple[Named, ...] = ()
    """The partners' handles that were filled in."""


@dataclass(frozen=True, slots=True)
class RenderedCard:
    """The box under a link as the author wrote it; `picture` is a name of the campaign's media."""

    title: str
    description: str
    picture: str | None
    path: Place


@dataclass(frozen=True, slots=True)
class Rendered:
    """Everything one account says of one post."""

    parts: tuple[RenderedPart, ...]
    link: str | None = None
    card: RenderedCard | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    """What the author chose, whether the network knows it or not."""
    chosen_at: Mapping[str, Place] = field(default_factory=dict)
    """Where each option stands in the file."""
    divided: bool = False
    """Whether one text became these parts."""
    split: bool = False
    """Whether the author asked for that, where it is too long."""

    @property
    def shows(self) -> list[str]:
        """The names of all media, also the card's picture."""
        card = [self.card.picture] if self.card and self.card.picture else []
        return [*(name for part in self.parts for name in part.media), *card]


def render(
    campaign: Campaign,
    post: Post,
    account: AccountEntry,
    *,
    partners: Partners = NOBODY,
    limits: Limits | None = None,
    number: int | None = None,
) -> Rendered:
    """The parts one account will publish. Raises RenderProblem with the place in the file.

    A variant for the account goes before one for its platform, that before the post itself,
    field by field and language by language. `limits` are the account's own: without them no
    text is divided. `number` is the post's in its campaign, where the caller knows it.
    """
    levels = levels_of(campaign, post, account, number)
    options, chosen_at = options_in(levels, post, account.language)
    if post.repost is not None:
        only = RenderedPart("", path=chosen_at["repost"])
        return Rendered((only,), options=options, chosen_at=chosen_at)
    words, thread = words_in(levels, post, account)
    link = link_in(levels, account.language)
    filler = Filler(partners, account, link)
    filled = [(path, *filler.fill(raw, path)) for path, raw in words]
    if link is not None and not filler.placed:
        path, text, named = filled[-1]
        filled[-1] = (path, f"{text}\n{link}", named)
    if "warning" in options:
        options["warning"] = nfc(filler.fill(options["warning"], chosen_at["warning"])[0])
    card = _card(levels, account, filler)
    filler.require_all()
    media = media_in(levels, len(filled), thread=thread)
    parts = tuple(
        RenderedPart(nfc(text), media.get(number, ()), path, named)
        for number, (path, text, named) in enumerate(filled, start=1)
    )
    pieces: tuple[RenderedPart, ...] = ()
    may_split = split_in(levels)
    if len(parts) == 1 and limits is not None and may_split:
        pieces = _divided(parts[0], account, limits, options)
    return Rendered(pieces or parts, link, card, options, chosen_at, bool(pieces), may_split)


def length(text: str, limits: Limits, options: Mapping[str, str]) -> int:
    """A part's length as its network counts it: what a reader opens first counts with it."""
    before = options.get("warning", "") if "warning" in limits.options else ""
    return LENGTHS[limits.counted_in](before + text)


def fits(text: str, limits: Limits, options: Mapping[str, str], *, media: bool) -> bool:
    """Whether a network takes a text of this length."""
    if limits.text_bytes and byte_length(text) > limits.text_bytes:
        return False
    return length(text, limits, options) <= limits.room(media=media)


def _divided(
    part: RenderedPart, account: AccountEntry, limits: Limits, options: Mapping[str, str]
) -> tuple[RenderedPart, ...]:
    """The parts of a thread; none where it need not or cannot be one."""
    if not limits.thread or account.may_thread == "no":
        return ()
    has_media = bool(part.media)
    if fits(part.text, limits, options, media=has_media):
        return ()
    texts = split(
        part.text, lambda text, first: fits(text, limits, options, media=first and has_media)
    )
    return tuple(
        RenderedPart(text, part.media if n == 0 else (), part.path, _in(text, part.named))
        for n, text in enumerate(texts)
    )


def _in(text: str, named: tuple[Named, ...]) -> tuple[Named, ...]:
    """Those of the handles that stand in a piece of the text."""
    return tuple(each for each in named if each.handle in text)


def _card(levels: list[Level], account: AccountEntry, filler: Filler) -> RenderedCard | None:
    found = card_in(levels, account.language)
    if found is None:
        return None
    path, words = found
    title, _ = filler.fill(words.title, (*path, "title"))
    description, _ = filler.fill(words.description or "", (*path, "description"))
    return RenderedCard(nfc(title), nfc(description), words.picture, path)

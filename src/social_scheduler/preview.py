"""How a message will look on its network: what is shown of its addresses, where a long text is
folded, which box stands under it, how its pictures are cut. For terminals and pages alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from social_scheduler.campaign.render import length
from social_scheduler.message import Attachment, Limits, Message
from social_scheduler.text import hashtags, links, mentions_on, prefix

Ratio = tuple[int, int]
"""Width to height."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What a network does with a post when it shows it: near enough to judge a picture by."""

    address: int = 0
    """How many letters of an address it shows, without https:// and www.; 0: all, as written."""
    folds: int = 0
    """How much of a longer text is shown before a reader asks for more; 0: all."""
    tallest: Ratio | None = None
    """A single picture that is taller is cut to this in lists."""
    frames: Mapping[int, Ratio] = field(default_factory=dict)
    """By number of pictures: the frame they share; one that is missing is shown whole."""
    box_of_last: bool = False
    """Of several addresses the last one gets the box, not the first."""


_PLAIN = Manners()
MANNERS: Final[Mapping[str, Manners]] = {
    "x": Manners(
        address=26,
        folds=280,
        tallest=(3, 4),
        frames={2: (16, 9), 3: (16, 9), 4: (16, 9)},
        box_of_last=True,
    ),
    "bluesky": Manners(tallest=(1, 2), frames={2: (2, 1), 3: (2, 1), 4: (3, 2)}),
    "mastodon": Manners(address=30, frames={2: (3, 2), 3: (3, 2), 4: (3, 2)}),
    "telegram": Manners(frames={2: (3, 2), 3: (3, 2), 4: (3, 2)}),
}
"""As their own pages and apps showed posts at the end of 2026."""

_SAME = 1.05
"""A picture whose shape is this near to its place's loses nothing that anybody would miss."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: `plain`, `link`, `tag` or `mention`; `text[shown]` is what readers see of it.

    `beyond`: it stands after the place where the network folds or would cut the text.
    """

    kind: str
    text: str
    shown: tuple[int, int]
    beyond: bool = False

    @property
    def hidden(self) -> tuple[str, str]:
        """What the network leaves out of an address, at its beginning and its end."""
        return self.text[: self.shown[0]], self.text[self.shown[1] :]

    @property
    def visible(self) -> str:
        """What it shows."""
        return self.text[self.shown[0] : self.shown[1]]


Lines = tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """The box under a text: our own card, or the one that the network makes of the page."""

    link: str
    host: str
    title: str = ""
    description: str = ""
    picture: str = ""
    """The SHA-256 of our own card's picture."""
    alt: str = ""
    """For whoever reviews it: no network shows it."""

    @property
    def ours(self) -> bool:
        """Whether it says what we wrote."""
        return bool(self.title)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture or film as it is shown: `cell` is the shape of its place, None for its own."""

    item: Attachment
    cell: Ratio | None = None
    alt_seen: bool = True
    """Whether readers can have its description told to them there."""

    @property
    def cropped(self) -> bool:
        """Whether readers see less than all of it before they press on it."""
        return self.cell is not None and _cut_to(self.item, self.cell)

    @property
    def clock(self) -> str:
        """How long a film runs, as players write it: `1:05`."""
        minutes, seconds = divmod(round(self.item.milliseconds / 1000), 60)
        return f"{minutes}:{seconds:02}"


@dataclass(frozen=True, slots=True)
class PartLook:
    """One part as readers will see it, and how long it is as its network counts."""

    lines: Lines
    length: int
    limit: int
    counted_in: str
    ends: str
    """`cut`: longer than the network takes. `folded`: shown whole on demand. Else empty."""
    shown: tuple[Shown, ...]
    frame: Ratio | None
    """The frame that several pictures share."""
    box: Box | None


@dataclass(frozen=True, slots=True)
class Look:
    """A message as readers will see it. `told` are its options, but for the words in front."""

    parts: tuple[PartLook, ...]
    warning: str
    told: Mapping[str, str]


def look_of(message: Message, limits: Limits) -> Look:
    """How a message looks, within the limits of its account."""
    manners = MANNERS.get(message.platform, _PLAIN)
    options = message.options
    return Look(
        tuple(_part(message, n, limits, manners) for n in range(1, len(message.parts) + 1)),
        options.get("warning", ""),
        {name: value for name, value in options.items() if name != "warning"},
    )


def lines_of(text: str, network: str = "", end: int | None = None) -> Lines:
    """A text's lines in pieces that keep their order in either direction, as a network shows them.

    Put together again they are the text, to the letter. What stands after `end` is beyond it.
    """
    found = []
    start = 0
    for line in text.split("\n"):
        rest = None if end is None else end - start
        found.append(_pieces(line, network, rest))
        start += len(line) + 1
    return tuple(found)


def _pieces(line: str, network: str, end: int | None) -> tuple[Piece, ...]:
    manners = MANNERS.get(network, _PLAIN)
    spans = sorted(
        [(s.start, s.end, "link") for s in links(line)]
        + [(s.start, s.end, "tag") for s in hashtags(line)]
        + [(s.start, s.end, "mention") for s in mentions_on(network, line)]
    )
    found: list[Piece] = []
    at = 0
    for start, stop, kind in [*spans, (len(line), len(line), "")]:
        if start < at:
            continue
        if start > at:
            found += _plain(line, at, start, end)
        if kind:
            said = line[start:stop]
            shown = _of_address(said, manners) if kind == "link" else (0, len(said))
            found.append(Piece(kind, said, shown, beyond=end is not None and start >= end))
        at = stop
    return tuple(found)


def _plain(line: str, start: int, stop: int, end: int | None) -> list[Piece]:
    """A run of plain text, in two where the text ends for the network."""
    cut = stop if end is None else min(max(end, start), stop)
    pieces = [(line[start:cut], False), (line[cut:stop], True)]
    return [Piece("plain", said, (0, len(said)), beyond) for said, beyond in pieces if said]


def _of_address(address: str, manners: Manners) -> tuple[int, int]:
    """Which letters of an address the network shows."""
    if not manners.address:
        return 0, len(address)
    start = 0
    for head in ("https://", "http://", "www."):
        if address[start : start + len(head)].lower() == head:
            start += len(head)
    return start, min(len(address), start + manners.address)


def _part(message: Message, number: int, limits: Limits, manners: Manners) -> PartLook:
    said = message.parts[number - 1]
    count = length(said.text, limits, message.options)
    limit = limits.room(media=bool(said.media))
    ends, end = "", None
    if count > limit:
        ends, end = "cut", prefix(said.text, limits.counted_in, limit)
    elif manners.folds and count > manners.folds:
        ends, end = "folded", prefix(said.text, limits.counted_in, manners.folds)
    frame = manners.frames.get(len(said.media)) if len(said.media) > 1 else None
    return PartLook(
        lines=lines_of(said.text, message.platform, end),
        length=count,
        limit=limit,
        counted_in=limits.counted_in,
        ends=ends,
        shown=tuple(
            replace(shown, alt_seen=limits.shows_alt(shown.item))
            for shown in _shown(said.media, frame, manners)
        ),
        frame=frame,
        box=_box(message, number, limits, manners),
    )


def _shown(
    media: tuple[Attachment, ...], frame: Ratio | None, manners: Manners
) -> tuple[Shown, ...]:
    """Each picture with the shape of its place: in one frame, or alone."""
    if len(media) == 1:
        tallest = manners.tallest
        only = media[0]
        too_tall = tallest and only.width and only.height * tallest[0] > only.width * tallest[1]
        return (Shown(only, tallest if too_tall else None),)
    if frame is None:
        return tuple(Shown(item) for item in media)
    wide, high = frame
    half, quarter = (wide, 2 * high), (wide, high)
    if len(media) == 2:
        cells = [half, half]
    else:
        cells = [half if len(media) == 3 else quarter, *[quarter] * (len(media) - 1)]
    return tuple(Shown(item, cell) for item, cell in zip(media, cells, strict=True))


def _cut_to(item: Attachment, cell: Ratio) -> bool:
    if not item.width or not item.height:
        return False
    shape, place = item.width / item.height, cell[0] / cell[1]
    return max(shape, place) / min(shape, place) > _SAME


def _box(message: Message, number: int, limits: Limits, manners: Manners) -> Box | None:
    """The box for a link: media take its place, and an author may have said no to it."""
    part = message.parts[number - 1]
    if part.media or not limits.box or message.options.get("preview") == "no":
        return None
    card = message.card if number == 1 else None
    if card is not None:
        picture = card.picture
        box = _box_for(card.link)
        return replace(
            box,
            title=card.title,
            description=card.description,
            picture=picture.sha256 if picture else "",
            alt=picture.alt if picture else "",
        )
    if limits.own_card or (number == 1 and message.options.get("quote")):
        return None
    found = [s.text for s in links(part.text) if s.text.lower().startswith("https://")]
    return _box_for(found[-1 if manners.box_of_last else 0]) if found else None


def _box_for(link: str) -> Box:
    return Box(link, (urlsplit(link).hostname or "").removeprefix("www."))

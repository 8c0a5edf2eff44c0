"""A message on the terminal as its network will show it."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from social_scheduler.cli.shared import out
from social_scheduler.message import Message
from social_scheduler.planning import PlannedPost
from social_scheduler.preview import Box, PartLook, Piece, Shown, look_of

_STYLES = {"link": "underline", "tag": "cyan", "mention": "cyan"}
_REPLIES = {
    "everyone": "everybody may reply",
    "following": "only accounts it follows may reply",
    "mentioned": "only accounts it mentions may reply",
}
_VISIBILITY = {
    "public": "everybody sees it",
    "unlisted": "everybody sees it, but it is not listed",
    "followers": "only followers see it",
}
_ENDS = {
    "cut": "the network would cut off what is faint at the end",
    "folded": "readers see what is faint at the end when they ask for more",
}
_UNSEEN = "ALT (readers here do not see it)"
_BAR = 20


def print_planned(post: PlannedPost) -> None:
    """What every account would say of a post that is not queued yet."""
    out.print()
    out.print(f"{post.campaign}/{post.key}  {post.wall} {post.zone}", style="bold", markup=False)
    for planned in post.messages:
        message, speaker = Message.from_canonical(planned.body), planned.speaker
        look = look_of(message, planned.limits)
        print_look(message.platform, speaker.name, speaker.handle, message.language)
        print_choices(look.warning, look.told)
        for number, part in enumerate(look.parts, start=1):
            print_part(part, number, len(look.parts))


def print_look(platform: str, account: str, handle: str, language: str) -> None:
    """The line that tells accounts apart: network, name, handle, language."""
    out.print()
    out.rule(f"{platform} · {account} @{handle} · {language}")


def print_choices(warning: str, told: Mapping[str, str]) -> None:
    """What stands in front of the words, and what else their author chose."""
    if warning:
        out.print("[dim]readers see this first, and open the rest:[/] ", end="")
        out.print(warning, markup=False)
    for name, what in (("quote", "quotes"), ("repost", "repeats as it is")):
        if name in told:
            out.print(f"[dim]{what}[/] {told[name]}", highlight=False)
    chosen = [
        _REPLIES.get(told.get("replies", ""), ""),
        _VISIBILITY.get(told.get("visibility", ""), ""),
        "phones make no sound" if told.get("silent") == "yes" else "",
        "no box for a link" if told.get("preview") == "no" else "",
    ]
    if any(chosen):
        out.print(f"[dim]{'; '.join(each for each in chosen if each)}[/]")


def print_part(look: PartLook, number: int, parts: int) -> None:
    """One part: its words to the letter, its length, its box and its media.

    What the network does not show of an address, or shows only on demand, is faint.
    """
    if any(look.lines):
        for line in look.lines:
            out.print(Text.assemble(*(said for piece in line for said in _said(piece))))
        of = f" · part {number} of {parts}" if parts > 1 else ""
        out.print(f"[dim]{_bar(look)} {look.length} of {look.limit}{of}[/]", highlight=False)
    if look.ends:
        out.print(f"[yellow]{_ENDS[look.ends]}[/]")
    if look.box:
        _print_box(look.box)
    for shown in look.shown:
        _print_shown(shown)


def _said(piece: Piece) -> list[tuple[str, str]]:
    style = "dim" if piece.beyond else _STYLES.get(piece.kind, "")
    before, after = piece.hidden
    return [(before, "dim"), (piece.visible, style), (after, "dim")]


def _bar(look: PartLook) -> str:
    full = min(_BAR, -(-look.length * _BAR // max(look.limit, 1)))
    return "━" * full + "─" * (_BAR - full)


def _print_box(box: Box) -> None:
    if not box.ours:
        out.print(f"[dim]box: {box.host}, made by the network from the page[/]", highlight=False)
        return
    out.print(f"[dim]box: {box.host}[/] ", end="", highlight=False)
    out.print(" — ".join(filter(None, (box.title, box.description))), markup=False)
    if box.picture:
        out.print(f"[dim]with picture {box.picture[:12]}… {_UNSEEN}:[/] ", end="", highlight=False)
        out.print(box.alt, markup=False)


def _print_shown(shown: Shown) -> None:
    item = shown.item
    what = f"film {shown.clock}" if item.moves else "picture"
    captions = " with captions" if item.captions else ""
    cut = ", cut in lists" if shown.cropped else ""
    size = f" {item.width}×{item.height}" if item.width else ""
    alt = "ALT" if shown.alt_seen else _UNSEEN
    out.print(
        f"[dim]{what}{captions} {item.sha256[:12]}…{size}{cut} {alt}:[/] ", end="", highlight=False
    )
    out.print(item.alt, markup=False)

"""Posts as a page shows them: in threads, with what their network shows besides the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from . import posts
from .ledger import Ledger
from .marks import Piece, paragraphs
from .posts import Post, PostMedia

LABELS = {"x": "X", "bluesky": "Bluesky", "mastodon": "Mastodon", "telegram": "Telegram"}
"""The networks, as they write their names, in the order of the page."""
_RIGHT_TO_LEFT = ("ar", "fa", "ur", "ckb", "ku", "ps", "sd", "ug", "he")
_REPLIES = {
    "following": "Only people this account follows can reply",
    "mentionedUsers": "Only people mentioned can reply",
    "subscribers": "Only subscribers can reply",
    "verified": "Only verified accounts can reply",
}
_VISIBILITY = {
    "unlisted": "Unlisted",
    "private": "Followers only",
    "direct": "Mentioned people only",
}


@dataclass(frozen=True)
class Box:
    """The card of a link; `picture` is its digest."""

    link: str
    host: str
    title: str
    description: str
    picture: str


@dataclass(frozen=True)
class Card:
    """A post as a page shows it. `answers`: what it answers, if that is not its own thread."""

    post: Post
    network: str
    paragraphs: list[list[Piece]]
    direction: str
    answers: str
    time: str
    iso: str
    warning: str
    notes: list[str]
    """What readers see or feel of it besides, such as who may reply."""
    media: list[PostMedia]
    box: Box | None
    other: Card | None
    """The post that it quotes or repeats."""
    other_id: str
    """That post's id, also when it is not here."""
    repeats: bool

    @property
    def language(self) -> str:
        return self.post.language


def threads(ledger: Ledger, found: Sequence[Post]) -> list[list[Card]]:
    """Newest thread first; inside a thread in the order of reading."""
    own = {post.id: post for post in found}
    joined: dict[int, list[Post]] = {}
    head: dict[int, int] = {}
    for post in sorted(found, key=lambda post: post.id):
        before = own.get(post.reply_to) if post.reply_to is not None else None
        follows = before is not None and before.author.id == post.author.id
        head[post.id] = head[before.id] if before is not None and follows else post.id
        joined.setdefault(head[post.id], []).append(post)
    newest_first = sorted(joined.values(), key=lambda thread: thread[-1].id, reverse=True)
    return [
        [card(ledger, post, begins=number == 0) for number, post in enumerate(thread)]
        for thread in newest_first
    ]


def card(ledger: Ledger, post: Post, *, begins: bool = True, whole: bool = True) -> Card:
    """One post; `whole` with the post that it quotes or repeats."""
    network, extra = post.author.network, post.extra
    box = extra.get("card")
    pictures = [m.sha256 for m in post.media if m.kind == "card"]
    return Card(
        post=post,
        network=network,
        paragraphs=paragraphs(post),
        direction=direction(post.language if post.language != "zxx" else post.author.language),
        answers=_answers(ledger, post) if begins else "",
        time=shown(post.received_at),
        iso=post.received_at.isoformat(),
        warning=extra.get("warning", ""),
        notes=list(_notes(network, post)),
        media=[m for m in post.media if m.kind != "card"],
        box=_box(box, pictures) if box else None,
        other=_other(ledger, post) if whole else None,
        other_id=str(extra.get("quote") or extra.get("repost") or ""),
        repeats="repost" in extra,
    )


def direction(language: str) -> str:
    return "rtl" if language.split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _notes(network: str, post: Post) -> Sequence[str]:
    extra = post.extra
    found = [
        _REPLIES.get(extra.get("replies", ""), ""),
        _VISIBILITY.get(extra.get("visibility", ""), "") if network == "mastodon" else "",
        "Sent without a sound" if extra.get("silent") else "",
        "Without a box for its link" if extra.get("preview") == "no" else "",
        f"Edited {shown(post.edited_at)}" if post.edited_at else "",
    ]
    return [note for note in found if note]


def _answers(ledger: Ledger, post: Post) -> str:
    if post.reply_to is None:
        return "a post that is not here" if post.extra.get("reply_to") else ""
    there = posts.visible(ledger, [post.reply_to], post.author.network)
    return f"@{there[0].author.handle}" if there else "a post that is not here any more"


def _box(card: Mapping[str, Any], pictures: Sequence[str]) -> Box:
    link = card["link"]
    safe = link if urlsplit(link).scheme in ("http", "https") else ""
    host = urlsplit(link).hostname or ""
    return Box(safe, host, card["title"], card["description"], pictures[0] if pictures else "")


def _other(ledger: Ledger, post: Post) -> Card | None:
    remote_id = post.extra.get("quote") or post.extra.get("repost")
    if not isinstance(remote_id, str):
        return None
    with ledger.reading() as db:
        found = posts.anywhere(db, post.author.network, remote_id)
    return card(ledger, found, whole=False) if found else None

"""Compares what the rehearsal networks accepted with what people approved, word for word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.cells import cell_len, chop_cells

from social_scheduler.cli.shared import out, table

NO_ALT_TEXTS = frozenset({("telegram", "image"), ("telegram", "video"), ("x", "video")})
"""What has no place for an alt text, by network and kind."""
CAPTIONS = frozenset({"x", "bluesky"})
"""Networks that take a film's captions."""
_BESIDE = 29
"""Columns of the ledger's other cells: network, moment, media, and what is between them."""


@dataclass(frozen=True, slots=True)
class Said:
    """One part, as it was approved or as a network accepted it.

    `media` are SHA-256, alt text and the SHA-256 of captions, `card` is a link's box: its title and the SHA-256
    of its picture.
    """

    network: str
    handle: str
    text: str
    media: tuple[tuple[str, str, str], ...] = ()
    card: tuple[str, str] | None = None
    warning: str = ""
    silent: bool = False

    def __str__(self) -> str:
        return f"{self.network} @{self.handle}: {self.text!r}"


@dataclass(frozen=True, slots=True)
class Expected:
    """One approved part, and when it is due."""

    said: Said
    due: datetime


def expected(views: Sequence[Mapping[str, Any]]) -> list[Expected]:
    """What approved posts say, part by part, as `review show` tells people."""
    return [
        Expected(_approved(message, part), datetime.fromisoformat(message["delivery"]["due_at"]))
        for view in views
        for language in view["languages"]
        for message in language["messages"]
        for part in message["parts"]
    ]


def judge(wanted: Sequence[Said], ledger: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every difference between what was approved and what the networks accepted."""
    approved, accepted = Counter(wanted), Counter(_accepted(entry) for entry in ledger)
    found = [f"published but not approved, or twice: {x}" for x in _beyond(accepted, approved)]
    return found + [f"approved but not published: {x}" for x in _beyond(approved, accepted)]


def show(ledger: Sequence[Mapping[str, Any]]) -> None:
    """The ledger, a line for each post, as wide as there is room."""
    accounts = [f"@{entry['account']}" for entry in ledger]
    room = out.width - max(map(cell_len, accounts), default=0) - _BESIDE
    table(
        "network",
        "account",
        "received",
        "accepted",
        "media",
        rows=[
            [
                entry["network"],
                account,
                str(entry["received_at"])[11:19],
                _beginning(entry["text"], max(20, min(room, 70))),
                str(len(entry["media"]) or ""),
            ]
            for entry, account in zip(ledger, accounts, strict=True)
        ],
        empty="Nothing was published.",
    )


def _beginning(text: str, room: int) -> str:
    line = " ".join(text.split())
    return line if cell_len(line) <= room else chop_cells(line, room - 1)[0].rstrip() + "…"


def counted(ledger: Sequence[Mapping[str, Any]]) -> str:
    """How many posts each network took."""
    numbers = Counter(entry["network"] for entry in ledger)
    return ", ".join(f"{count} on {network}" for network, count in sorted(numbers.items()))


def _approved(message: Mapping[str, Any], part: Mapping[str, Any]) -> Said:
    network = message["platform"]
    box = part["look"]["box"] if network == "bluesky" else None
    return Said(
        network,
        message["handle"],
        part["text"],
        tuple(_shown(network, item) for item in part["pictures"]),
        (box["title"], box["picture"] or "") if box else None,
        message["warning"],
        message["told"].get("silent") == "yes",
    )


def _accepted(entry: Mapping[str, Any]) -> Said:
    extra = entry["extra"]
    pictures = [m for m in entry["media"] if m["kind"] == "card"]
    card = extra.get("card")
    return Said(
        entry["network"],
        entry["account"],
        entry["text"],
        tuple(_taken(item) for item in entry["media"] if item["kind"] != "card"),
        (card["title"], pictures[0]["sha256"] if pictures else "") if card else None,
        extra.get("warning", ""),
        bool(extra.get("silent")),
    )


def _shown(network: str, item: Mapping[str, Any]) -> tuple[str, str, str]:
    has_alt = (network, item["kind"].partition("/")[0]) not in NO_ALT_TEXTS
    captions = item["captions"] if network in CAPTIONS else None
    return item["sha256"], item["alt"] if has_alt else "", captions or ""


def _taken(item: Mapping[str, Any]) -> tuple[str, str, str]:
    return item["sha256"], item["alt_text"] or "", next(iter(item.get("captions", {}).values()), "")


def _beyond(these: Counter[Said], those: Counter[Said]) -> Iterator[Said]:
    return (these - those).elements()

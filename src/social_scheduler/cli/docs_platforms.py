"""Writes the table that sets the networks side by side, from what their modules say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from social_scheduler.cli.docs_text import code, table
from social_scheduler.message import Limits
from social_scheduler.platforms import Platform, RecoveryKind

_UNITS = {
    "weighted": "weighted",
    "mastodon": "characters as Mastodon counts",
    "graphemes": "graphemes",
    "utf16": "UTF-16 units",
    "bytes": "bytes",
}
_LOST = {
    RecoveryKind.DETERMINISTIC: "looked up, then the same call again",
    RecoveryKind.KEYED: "looked up, then the same call again where the server knows its key, "
    "else a person",
    RecoveryKind.TWO_STEP: "the stored id tells",
    RecoveryKind.SEARCHABLE: "looked up, then a person",
    RecoveryKind.NONE: "a person at once",
}
_HEAD = (
    "network", "text of a part", "thread", "pictures", "films", "alt text", "box for a link",
    "options", "proof", "accounts are connected", "a lost answer",
)  # fmt: skip


def overview(found: Mapping[str, Platform]) -> Iterator[str]:
    """One row for each network."""
    yield from table(_HEAD, [_row(platform) for _, platform in sorted(found.items())])


def _row(platform: Platform) -> tuple[str, ...]:
    limits = platform.limits
    anchor = platform.label.lower().replace(" ", "-")
    threads = "in one call" if platform.whole_thread else "part by part"
    return (
        f"[{platform.label}](#{anchor})",
        _text(limits),
        threads if limits.thread else "no",
        str(limits.pictures) if limits.pictures else "no",
        _films(limits),
        f"{limits.alt_text:,}" if limits.alt_text else "no",
        "ours" if limits.own_card else "the network's",
        ", ".join(code(name) for name in sorted(limits.options)) or "none",
        "read back" if platform.reads_back else "the answer itself",
        "by keys or in a browser" if platform.sign_in else "by keys",
        _LOST[platform.recovery.kind],
    )


def _text(limits: Limits) -> str:
    more = [f"{limits.text_with_media:,} with media"] if limits.text_with_media else []
    more += [f"{limits.text_bytes:,} bytes"] if limits.text_bytes else []
    return f"{limits.text:,} {_UNITS.get(limits.counted_in, limits.counted_in)}" + (
        f" ({', '.join(more)})" if more else ""
    )


def _films(limits: Limits) -> str:
    if not limits.films:
        return "no"
    size = f"{limits.films}, {limits.film_bytes // 1_000_000:,} MB"
    return f"{size}, captions" if limits.captions else size

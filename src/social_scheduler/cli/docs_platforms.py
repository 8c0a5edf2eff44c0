"""Writes the reference of the networks, from what their modules say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from social_scheduler.cli.docs_text import code, table
from social_scheduler.message import Limits
from social_scheduler.platforms import Platform, Prices, RecoveryKind, discover
from social_scheduler.sandbox.accounts import NETWORKS

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
_RECOVERY = {
    RecoveryKind.DETERMINISTIC: "the same call may be made again: it cannot double",
    RecoveryKind.KEYED: "look first, then the same call with the same key",
    RecoveryKind.TWO_STEP: "the stored container or upload tells",
    RecoveryKind.SEARCHABLE: "look for it among the account's own recent posts; "
    "if it is not found there, a person decides",
    RecoveryKind.NONE: "nothing can be asked: a person decides at once",
}
_REHEARSED = "(in a rehearsal workspace: the sandbox's)."
_NOT_REHEARSED = (
    "(the sandbox does not play it: "
    "[rehearse it with a server of your own](../how-to/add-a-platform.md#4-rehearse-it))."
)
_HEAD = (
    "network", "text of a part", "thread", "pictures", "films", "alt text", "box for a link",
    "options", "proof", "accounts are connected", "a lost answer",
)  # fmt: skip


def lines() -> Iterator[str]:
    """The page."""
    yield "The networks there is a module for. `check` and the desk show and keep these limits."
    yield "What a server or an account tells of itself counts for more than what stands here."
    yield "Another network is one module: [add a platform](../how-to/add-a-platform.md)."
    yield ""
    yield from table(_HEAD, [_row(platform) for _, platform in sorted(discover().items())])
    for name, platform in sorted(discover().items()):
        yield f"\n## {platform.label}\n"
        yield f"In accounts.yaml: `platform: {name}`. Its address: <{platform.default_url}>"
        yield _REHEARSED if name in NETWORKS else _NOT_REHEARSED
        yield "\n### Limits\n"
        yield from table(("what", "limit"), _limits(platform))
        if platform.prices:
            yield "\n### What it costs\n"
            yield f"{platform.label} charges for each call, by the prices that it published when this"
            yield "version was made. `plan` and `queue` show the sum for what they put in place."
            yield "Looking up and reading back cost as well, a small part of it."
            yield ""
            yield from table(("call", "price"), _prices(platform.prices))
        yield "\n### Keys\n"
        yield "`social-scheduler accounts connect` asks for them, or takes them from a JSON file"
        yield "(`--keys-file`) or from these variables:"
        yield ""
        keys = [(code(key), code(f"SOCIAL_SCHEDULER_{key.upper()}")) for key in platform.keys]
        yield from table(("key", "variable"), keys)
        yield "\n### When an answer is lost\n"
        yield f"Recovery is *{platform.recovery.kind.value}*: {_RECOVERY[platform.recovery.kind]}."
        if settle := platform.recovery.settle:
            told = ", ".join(f"{seconds:g}" for seconds in settle)
            yield f"It is looked for {told} seconds after the call."


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
        _alt_text(limits),
        _box(limits),
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


def _alt_text(limits: Limits) -> str:
    if not limits.alt_text:
        return "not shown" if limits.pictures or limits.films else "no"
    hidden = limits.films and not limits.film_alt_text
    return f"{limits.alt_text:,}" + ("; of films not shown" if hidden else "")


def _box(limits: Limits) -> str:
    if not limits.box:
        return "none"
    return "ours" if limits.own_card else "the network's"


def _films(limits: Limits) -> str:
    if not limits.films:
        return "no"
    size = f"{limits.films}, {limits.film_bytes // 1_000_000:,} MB"
    return f"{size}, captions" if limits.captions else size


def _limits(platform: Platform) -> list[tuple[str, str]]:
    limits = platform.limits
    return [
        ("text of a part", f"{limits.text:,} ({limits.counted_in})"),
        ("threads", "yes, where the account has `may_thread: yes`" if limits.thread else "no"),
        ("pictures in a part", str(limits.pictures) if limits.pictures else "none"),
        *_pictures(limits),
        *_moving(limits),
        *((name.replace("_", " "), f"{value:,}") for name, value in limits.extra.items()),
    ]


def _pictures(limits: Limits) -> Iterator[tuple[str, str]]:
    types = ", ".join(sorted(t.removeprefix("image/").upper() for t in limits.picture_types))
    if limits.pictures:
        size = f"{limits.picture_bytes:,} bytes; {limits.picture_side:,} pixels"
        yield "a picture", f"{types}; {size}"
    if limits.pictures or limits.films:
        told = f"{limits.alt_text:,} characters" if limits.alt_text else "readers do not see it"
        hidden = limits.films and limits.alt_text and not limits.film_alt_text
        yield "alt text", told + ("; readers do not see that of a film" if hidden else "")


def _moving(limits: Limits) -> Iterator[tuple[str, str]]:
    if limits.films:
        lasts = (
            f"{limits.film_milliseconds / 1000:,g} seconds; " if limits.film_milliseconds else ""
        )
        side = f"; {limits.film_side:,} pixels" if limits.film_side else ""
        yield "a film", f"{lasts}{limits.film_bytes:,} bytes{side}"
        yield "captions of a film", "yes" if limits.captions else "no"
    if limits.moving_picture_bytes:
        yield "a moving picture (GIF)", f"{limits.moving_picture_bytes:,} bytes"
    if limits.options:
        yield "options", ", ".join(code(name) for name in sorted(limits.options))


def _prices(prices: Prices) -> list[tuple[str, str]]:
    return [
        (f"a {what}", f"${thousandths / 1000:.3f}")
        for what, thousandths in (
            ("post, or a part of a thread", prices.post),
            ("post with a link", prices.post_with_link),
            ("repost", prices.repost),
        )
    ]

"""Checks what each account would say: how long it is, whether it may be a thread, who is named."""

from __future__ import annotations

from collections.abc import Iterator

from social_scheduler.campaign.facts import Facts, Place
from social_scheduler.campaign.render import (
    Rendered,
    RenderedPart,
    RenderProblem,
    fits,
    length,
    render,
)
from social_scheduler.campaign.schema import AccountEntry, Post
from social_scheduler.errors import Finding
from social_scheduler.message import Attachment, Limits, Message, MessagePart
from social_scheduler.text import byte_length, prefix

_KINDS = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
}


def check_rendered(
    facts: Facts, number: int, post: Post, accounts: list[AccountEntry]
) -> Iterator[Finding]:
    """What each account would say, counted as its network counts; fills `facts.rendered`.

    Accounts alike in network, language and limits say the same: it is looked at once.
    """
    said: set[tuple[Place, str]] = set()
    looked: dict[tuple[object, ...], Rendered | None] = {}
    for account in accounts:
        key = (*facts.alike(account), account.name if account.name in post.variants else "")
        if key not in looked:
            looked[key] = None
            for step in _look(facts, number, post, account, said):
                if isinstance(step, Finding):
                    yield step
                else:
                    looked[key] = step
        rendered = looked[key]
        if rendered is not None:
            facts.rendered[number, account.name] = rendered


def _look(
    facts: Facts, number: int, post: Post, account: AccountEntry, said: set[tuple[Place, str]]
) -> Iterator[Finding | Rendered]:
    """What an account says, and what is wrong with it; the same is said once of a post."""
    limits = facts.rules.limits_of(account)
    try:
        rendered = render(
            facts.campaign,
            post,
            account,
            partners=facts.rules.partners,
            limits=limits,
            number=number,
        )
    except RenderProblem as problem:
        for each in (problem, *problem.others):
            place = (*each.path, each.offset or 0), each.problem
            if place not in said:
                said.add(place)
                yield facts.loaded.finding(
                    each.path,
                    each.problem,
                    each.remedy,
                    offset=each.offset,
                    key=each.offset is None,
                )
        return
    yield rendered
    if limits is None:
        return
    if rendered.divided:
        yield _division(facts, rendered, account)
    elif len(rendered.parts) > 1 and not (limits.thread and account.may_thread == "yes"):
        yield _no_thread(facts, rendered, account, limits)
    yield from _check_named(facts, rendered, account, said)
    if all(_fits(part, limits, rendered) for part in rendered.parts):
        yield from _check_refusals(facts, number, rendered, account, limits, said)
    else:
        yield from _check_lengths(facts, rendered, account, limits, said)


def _division(facts: Facts, rendered: Rendered, account: AccountEntry) -> Finding:
    ends = [_end(part.text.rpartition("\n")[0]) for part in rendered.parts[:-1]]
    told = ", ".join(f"“{end}”" for end in ends)
    return facts.loaded.finding(
        rendered.parts[0].path,
        f"on {account.platform} (for {account.name}) this becomes a thread of "
        f"{len(rendered.parts)}, divided after {told}",
        "that is what `split: yes` asks for; write a `thread` to divide it elsewhere",
        warning=True,
    )


def _end(text: str) -> str:
    """The last words of a part."""
    said = " ".join(text.split())
    return said if len(said) <= 30 else said[-30:].partition(" ")[2] or said[-30:]


def _no_thread(facts: Facts, rendered: Rendered, account: AccountEntry, limits: Limits) -> Finding:
    path = rendered.parts[0].path[:-1]
    if not limits.thread:
        problem = f"{account.platform} has no threads, and {account.name} is on it"
        remedy = f"give {account.platform} a variant with one `text`"
    else:
        problem = f"{account.name} may not thread"
        remedy = (
            f"give {account.name} a variant with one `text`, or write `may_thread: yes` for it "
            "in accounts.yaml if the network lets it reply to itself"
        )
    return facts.loaded.finding(path, problem, remedy, key=True)


def _fits(part: RenderedPart, limits: Limits, rendered: Rendered) -> bool:
    return fits(part.text, limits, rendered.options, media=bool(part.media))


def _check_lengths(
    facts: Facts,
    rendered: Rendered,
    account: AccountEntry,
    limits: Limits,
    said: set[tuple[Place, str]],
) -> Iterator[Finding]:
    for part in rendered.parts:
        if _fits(part, limits, rendered):
            continue
        count = length(part.text, limits, rendered.options)
        room = limits.room(media=bool(part.media))
        unit = limits.counted_in
        if count <= room:
            count, room, unit = byte_length(part.text), limits.text_bytes, "bytes"
        if (part.path, unit) in said:
            continue
        said.add((part.path, unit))
        cut = _cut(part, limits, rendered)
        raw = _raw(facts, part.path)
        same = min(cut, len(raw))
        kept = part.text[max(0, cut - 30) : cut].replace("\n", " ")
        told = "bytes" if unit == "bytes" else "characters"
        beside = " beside a picture or film" if room == limits.text_with_media else ""
        yield facts.loaded.finding(
            part.path,
            f"{count} of {room} {told} as {account.platform} counts{beside} "
            f"(for {account.name}): it would end after “{kept}”",
            f"take {count - room} away, or write a variant for {account.platform}"
            + _or_split(facts, rendered, account, limits),
            offset=same if raw[:same] == part.text[:same] else None,
        )


def _or_split(facts: Facts, rendered: Rendered, account: AccountEntry, limits: Limits) -> str:
    """The third way out, where there is one."""
    if len(rendered.parts) > 1 or rendered.parts[0].path[-2:-1] != ("text",) or not limits.thread:
        return ""
    if rendered.split and account.may_thread == "no":
        entry = f"`may_thread: yes` for {account.name} in accounts.yaml"
        return f", or {entry}, if it may: without it `split` does nothing there"
    if rendered.split or account.may_thread == "no":
        return ""
    return ", or `split: yes` to make a thread of it"


def _cut(part: RenderedPart, limits: Limits, rendered: Rendered) -> int:
    """How many code points fit."""
    before = length("", limits, rendered.options)
    room = limits.room(media=bool(part.media)) - before
    cut = prefix(part.text, limits.counted_in, room)
    return min(cut, prefix(part.text, "bytes", limits.text_bytes)) if limits.text_bytes else cut


def _raw(facts: Facts, path: Place) -> str:
    value = facts.loaded.tree.data
    for step in path:
        value = value[step]
    return str(value)


def _check_named(
    facts: Facts, rendered: Rendered, account: AccountEntry, said: set[tuple[Place, str]]
) -> Iterator[Finding]:
    """Whether each partner's handle still is a mention where it came to stand."""
    for part in rendered.parts:
        for named in part.named:
            if named.touched and (part.path, named.handle) not in said:
                said.add((part.path, named.handle))
                yield facts.loaded.finding(
                    part.path,
                    f"`{named.handle}` is no mention here on {account.platform}: "
                    "a letter or sign touches it",
                    "put a space before and after it",
                    warning=True,
                )


def _check_refusals(
    facts: Facts,
    number: int,
    rendered: Rendered,
    account: AccountEntry,
    limits: Limits,
    said: set[tuple[Place, str]],
) -> Iterator[Finding]:
    """What the network itself would refuse, as far as it can be told before the media are made."""
    refuse = facts.rules.refusals.get(account.platform)
    if refuse is None:
        return
    message = Message(
        platform=account.platform,
        server=account.server or "",
        account="",
        language=account.language,
        parts=tuple(_part(facts, part, account.language) for part in rendered.parts),
        link=rendered.link,
        options={k: v for k, v in rendered.options.items() if k in limits.options},
    )
    place: Place = ("posts", number)
    for sentence in refuse(message, limits):
        if (place, sentence) not in said:
            said.add((place, sentence))
            yield facts.loaded.finding(
                place,
                f"{account.platform} would refuse this (for {account.name}): {sentence}",
                f"change it, or write a variant for {account.platform}",
            )


def _part(facts: Facts, part: RenderedPart, language: str) -> MessagePart:
    """A part with its media by the kind their names tell; sizes are looked at elsewhere."""
    media = []
    for name in part.media:
        entry = facts.campaign.media.get(name)
        if entry is not None:
            file = entry.file if isinstance(entry.file, str) else entry.file.get(language, "")
            kind = _KINDS.get(file.rpartition(".")[2].lower(), "video/mp4")
            media.append(Attachment(sha256="0" * 64, type=kind, alt=entry.alt.get(language, "")))
    return MessagePart(text=part.text, media=tuple(media))

"""Checks what is said: languages, length by the network's own counting, links, hidden characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from social_scheduler.campaign.facts import Facts, Place
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.render import Rendered, RenderProblem, render
from social_scheduler.campaign.schema import AccountEntry, Post, Wording
from social_scheduler.errors import Finding
from social_scheduler.message import Limits
from social_scheduler.text import LENGTHS, deceits, dominant_script, links, weighted_prefix

_ARABIC_LANGUAGES = frozenset({"ar", "ckb", "fa", "ps", "ur"})
_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f]")
_REPEAT = timedelta(hours=24)


def check_posts(facts: Facts) -> Iterator[Finding]:
    """Ids, languages, parts, lengths, links and words of every post; fills `facts.rendered`."""
    first: dict[str, int] = {}
    for number, post in enumerate(facts.campaign.posts):
        place: Place = ("posts", number)
        if first.setdefault(post.id, number) != number:
            line, _ = facts.loaded.tree.position(("posts", first[post.id], "id"))
            yield facts.loaded.finding(
                (*place, "id"),
                f"`{post.id}` names the post in line {line} already",
                "give this one a name of its own",
            )
        accounts = facts.addressed(post)
        spoken = {a.language for a in accounts}
        yield from _check_wording(facts, place, post, spoken)
        for name, variant in post.variants.items():
            meant = [a for a in accounts if name in (a.name, a.platform)]
            if meant:
                where = (*place, "variants", name)
                yield from _check_wording(facts, where, variant, {a.language for a in meant})
        yield from _check_rendered(facts, number, post, accounts)
    yield from _check_repeats(facts)


def _check_wording(
    facts: Facts, place: Place, wording: Wording, spoken: set[str]
) -> Iterator[Finding]:
    """The words of a post or variant, before they are placed."""
    for name, words in (("text", wording.text), ("thread", wording.thread)):
        for language in words or ():
            if spoken and language not in spoken:
                yield facts.loaded.finding(
                    (*place, name, language),
                    f"no account this goes to speaks `{language}`",
                    did_you_mean(language, spoken),
                    key=True,
                )
    seen: dict[str, str] = {}
    for language, text in (wording.text or {}).items():
        yield from check_words(facts, (*place, "text", language), text, language)
        other = seen.setdefault(text.strip(), language)
        if other != language:
            yield facts.loaded.finding(
                (*place, "text", language),
                f"the words in {language} are the same as in {other}",
                "translate them, if that is not meant",
                warning=True,
            )
    if wording.thread:
        yield from _check_thread(facts, place, wording.thread)
    yield from _check_link(facts, (*place, "link"), wording)


def _check_thread(facts: Facts, place: Place, thread: dict[str, list[str]]) -> Iterator[Finding]:
    leading = next(iter(thread))
    for language, parts in thread.items():
        path = (*place, "thread", language)
        if len(parts) != len(thread[leading]):
            yield facts.loaded.finding(
                path,
                f"the thread has {len(parts)} parts in {language} and {len(thread[leading])} "
                f"in {leading}",
                "write the same number of parts in every language",
                key=True,
            )
        for number, text in enumerate(parts):
            yield from check_words(facts, (*path, number), text, language)


def check_words(facts: Facts, path: Place, text: str, language: str) -> Iterator[Finding]:
    """One text: it says something, in the right script, and hides nothing from its reader."""
    finding = facts.loaded.finding
    if not text.strip():
        yield finding(path, "there are no words here", "write them, or remove the line")
        return
    if not (text.isascii() and text.isprintable()):
        for deceit in deceits(text):
            yield finding(
                path,
                f"a hidden character ({deceit.code_point}) stands here: {deceit.reason}",
                "delete it (delete and type again the word it hides in)",
                offset=deceit.position,
            )
    if text[:1].isspace() or text[-1:].isspace() or " \n" in text:
        yield finding(
            path,
            "spaces at the end of a line or text are dropped by networks",
            "remove them",
            warning=True,
            offset=text.index(" \n") if " \n" in text else len(text) if text[-1:].isspace() else 0,
        )
    yield from _check_script(facts, path, text, language)


def _check_script(facts: Facts, path: Place, text: str, language: str) -> Iterator[Finding]:
    """Whether the letters fit the language; a text without letters of its own fits any."""
    letters = len(_ARABIC.findall(text)) if not text.isascii() else 0
    if language.partition("-")[0] in _ARABIC_LANGUAGES:
        if letters * 3 > len(text):
            return
        script = dominant_script(text)
        if letters == 0 and script is not None:
            yield facts.loaded.finding(
                path,
                f"these words are under `{language}` and have no Arabic letter",
                "check that the words stand under their own language",
            )
        elif letters and script != "arabic":
            yield facts.loaded.finding(
                path,
                f"most letters of these words under `{language}` are not Arabic",
                "check that the words stand under their own language",
                warning=True,
            )
    elif (
        letters
        and language.partition("-")[0] in ("en", "fr")
        and (letters * 3 > len(text) and dominant_script(text) == "arabic")
    ):
        yield facts.loaded.finding(
            path,
            f"these words are under `{language}` and most of their letters are Arabic",
            "check that the words stand under their own language",
        )


def _check_link(facts: Facts, path: Place, wording: Wording) -> Iterator[Finding]:
    if wording.link is None:
        return
    by_language = {"": wording.link} if isinstance(wording.link, str) else wording.link
    for language, link in by_language.items():
        where = (*path, language) if language else path
        said = _wrong_link(link)
        if said:
            yield facts.loaded.finding(where, *said)
        elif [s.start for s in links(link)] != [0] or links(link)[0].end != len(link):
            yield facts.loaded.finding(
                where,
                "networks would not make a link of all of this",
                "check its spelling, above all the end of the host's name",
                warning=True,
            )


def _wrong_link(link: str) -> tuple[str, str] | None:
    if re.search(r"\s", link):
        return "a link has no spaces in it", "write one https address, with %20 for a space"
    try:
        parts = urlsplit(link)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "this is not an address", "write one such as https://example.org/spotlight"
    if "@" in parts.netloc:
        return "a name or password stands in this link", "remove everything up to the @"
    if parts.scheme != "https":
        rest = link.partition("://")[2] if parts.scheme == "http" else ""
        remedy = f"write https://{rest}" if rest else "write an https address"
        return "a link must begin with https://", remedy
    if not host or "." not in host:
        return "this link names no host", "write one such as https://example.org/spotlight"
    hidden = deceits(link)
    if hidden:
        return f"a hidden character ({hidden[0].code_point}) stands in this link", "delete it"
    return None


def _check_rendered(
    facts: Facts, number: int, post: Post, accounts: list[AccountEntry]
) -> Iterator[Finding]:
    """What each account would say, counted as its network counts."""
    said: set[tuple[Place, str]] = set()
    for account in accounts:
        try:
            rendered = render(facts.campaign, post, account)
        except RenderProblem as problem:
            if (problem.path, problem.problem) not in said:
                said.add((problem.path, problem.problem))
                yield facts.loaded.finding(
                    problem.path,
                    problem.problem,
                    problem.remedy,
                    offset=problem.offset,
                    key=problem.offset is None,
                )
            continue
        facts.rendered[number, account.name] = rendered
        limits = facts.rules.limits_of(account)
        if limits is None:
            continue
        if len(rendered.parts) > 1 and not (limits.thread and account.may_thread == "yes"):
            yield _no_thread(facts, rendered, account, limits)
        yield from _check_lengths(facts, rendered, account, limits, said)


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


def _check_lengths(
    facts: Facts,
    rendered: Rendered,
    account: AccountEntry,
    limits: Limits,
    said: set[tuple[Place, str]],
) -> Iterator[Finding]:
    length = LENGTHS[limits.counted_in]
    for part in rendered.parts:
        count = length(part.text)
        if count <= limits.text:
            continue
        key = (part.path, limits.counted_in)
        if key in said:
            continue
        said.add(key)
        cut = _cut(part.text, limits)
        raw = _raw(facts, part.path)
        same = min(cut, len(raw))
        kept = part.text[max(0, cut - 30) : cut].replace("\n", " ")
        yield facts.loaded.finding(
            part.path,
            f"{count} of {limits.text} characters as {account.platform} counts "
            f"(for {account.name}): it would end after “{kept}”",
            f"take {count - limits.text} away, or write a variant for {account.platform}",
            offset=same if raw[:same] == part.text[:same] else None,
        )


def _cut(text: str, limits: Limits) -> int:
    """How many code points fit."""
    if limits.counted_in == "weighted":
        return weighted_prefix(text, limits.text)
    length = LENGTHS[limits.counted_in]
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if length(text[:middle]) <= limits.text else (low, middle - 1)
    return low


def _raw(facts: Facts, path: Place) -> str:
    value = facts.loaded.tree.data
    for step in path:
        value = value[step]
    return str(value)


def _check_repeats(facts: Facts) -> Iterator[Finding]:
    """The same words twice within a day on one account: networks refuse the second."""
    last: dict[tuple[str, str], tuple[datetime, str]] = {}
    for (number, name), rendered in sorted(
        facts.rendered.items(), key=lambda item: facts.due.get(item[0][0], facts.rules.now)
    ):
        due = facts.due.get(number)
        if due is None:
            continue
        key = (name, rendered.parts[0].text)
        before = last.get(key)
        last[key] = (due, facts.campaign.posts[number].id)
        if before is not None and due - before[0] < _REPEAT:
            yield facts.loaded.finding(
                rendered.parts[0].path,
                f"{name} says the same words in `{before[1]}` within a day; "
                "networks refuse the second",
                "change the words of one",
            )

"""Checks what is said: languages, length by the network's own counting, links, hidden characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from social_scheduler.campaign.checks_choices import check_choices
from social_scheduler.campaign.checks_rendered import check_rendered
from social_scheduler.campaign.facts import Facts, Place
from social_scheduler.campaign.links import wrong_link
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.schema import Wording
from social_scheduler.errors import Finding
from social_scheduler.text import deceits, dominant_script, links

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
        yield from check_rendered(facts, number, post, accounts)
        yield from check_choices(facts, number, post, accounts)
    yield from _check_repeats(facts)


def _check_wording(
    facts: Facts, place: Place, wording: Wording, spoken: set[str]
) -> Iterator[Finding]:
    """The words of a post or variant, before they are placed."""
    for name in ("text", "thread", "warning", "card"):
        for language in getattr(wording, name) or ():
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
    for path, text, language in _beside(place, wording):
        yield from check_words(facts, path, text, language)
    yield from _check_link(facts, (*place, "link"), wording)


def _beside(place: Place, wording: Wording) -> Iterator[tuple[Place, str, str]]:
    """The words that stand beside the text, each with its place and language."""
    for language, warning in (wording.warning or {}).items():
        yield (*place, "warning", language), warning, language
    for language, card in (wording.card or {}).items():
        yield (*place, "card", language, "title"), card.title, language
        if card.description is not None:
            yield (*place, "card", language, "description"), card.description, language


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
        said = wrong_link(link)
        if said:
            yield facts.loaded.finding(where, *said)
        elif [s.start for s in links(link)] != [0] or links(link)[0].end != len(link):
            yield facts.loaded.finding(
                where,
                "networks would not make a link of all of this",
                "check its spelling, above all the end of the host's name",
                warning=True,
            )


def _check_repeats(facts: Facts) -> Iterator[Finding]:
    """The same words twice within a day on one account: networks refuse the second."""
    last: dict[tuple[str, str], tuple[datetime, str]] = {}
    for (number, name), rendered in sorted(
        facts.rendered.items(), key=lambda item: facts.due.get(item[0][0], facts.rules.now)
    ):
        due = facts.due.get(number)
        if due is None:
            continue
        key = (name, rendered.parts[0].text or rendered.options.get("repost", ""))
        before = last.get(key)
        last[key] = (due, facts.campaign.posts[number].id)
        if before is not None and due - before[0] < _REPEAT:
            yield facts.loaded.finding(
                rendered.parts[0].path,
                f"{name} says the same words in `{before[1]}` within a day; "
                "networks refuse the second",
                "change the words of one",
            )

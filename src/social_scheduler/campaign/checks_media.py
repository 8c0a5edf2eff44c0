"""Checks pictures and films: that they are there, inside the folder, whole, short and described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from social_scheduler.campaign.checks_films import (
    Looks,
    check_captions,
    moves,
    too_many,
    wrong_media,
)
from social_scheduler.campaign.checks_words import check_words
from social_scheduler.campaign.facts import Facts, Picture, Place
from social_scheduler.campaign.inside import inside
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.schema import AccountEntry, Media, Wording
from social_scheduler.errors import Finding, InvalidInput


def check_media(facts: Facts) -> Iterator[Finding]:
    """Names, files, descriptions, captions and numbers; needs what each account would say."""
    looks: Looks = {}
    named = set()
    for path, names in _named(facts):
        named.update(names)
        yield from _check_names(facts, path, names)
    uses = _uses(facts)
    named.update(uses)
    for name, media in facts.campaign.media.items():
        place: Place = ("media", name)
        for language, alt in media.alt.items():
            yield from check_words(facts, (*place, "alt", language), alt, language)
        accounts = uses.get(name, [])
        if name not in named:
            yield facts.loaded.finding(
                place,
                f"no post shows `{name}`",
                f"write `media: [{name}]` in a post, or remove it here",
                warning=True,
                key=True,
            )
        yield from _check_alt(facts, place, media, accounts)
        yield from _check_files(facts, place, media, accounts, looks)
        yield from check_captions(facts, place, media, accounts, looks)
    yield from _check_counts(facts, looks)
    yield from _check_cards(facts, looks)


def _named(facts: Facts) -> Iterator[tuple[Place, list[str]]]:
    """Every list of media names in the posts."""
    for number, post in enumerate(facts.campaign.posts):
        wordings: list[tuple[Place, Wording]] = [(("posts", number), post)]
        for name, variant in post.variants.items():
            wordings.append((("posts", number, "variants", name), variant))
        for place, wording in wordings:
            if wording.media:
                yield (*place, "media"), wording.media
            for part, names in (wording.media_by_part or {}).items():
                yield (*place, "media_by_part", part), names


def _check_names(facts: Facts, path: Place, names: list[str]) -> Iterator[Finding]:
    for index, name in enumerate(names):
        if name not in facts.campaign.media:
            yield facts.loaded.finding(
                (*path, index),
                f"`{name}` is not under `media` at the top",
                did_you_mean(name, facts.campaign.media),
            )
        elif name in names[:index]:
            yield facts.loaded.finding(
                (*path, index), f"`{name}` is shown twice in one place", "name it once"
            )


def _uses(facts: Facts) -> dict[str, list[AccountEntry]]:
    """The accounts that would show each picture."""
    accounts = {a.name: a for a in facts.everyone}
    uses: dict[str, dict[str, AccountEntry]] = {}
    for (_, account), rendered in facts.rendered.items():
        for name in rendered.shows:
            uses.setdefault(name, {})[account] = accounts[account]
    return {name: list(found.values()) for name, found in uses.items()}


def _check_alt(
    facts: Facts, place: Place, media: Media, accounts: list[AccountEntry]
) -> Iterator[Finding]:
    for language in sorted({a.language for a in accounts} - set(media.alt)):
        yield facts.loaded.finding(
            (*place, "alt"),
            f"`{place[-1]}` is shown in {language} and has no description in it",
            f"add `{language}: |` with what the picture shows, for people who cannot see it",
            key=True,
        )
    for language, alt in media.alt.items():
        limits = [
            (a.platform, limit.alt_text)
            for a in accounts
            if a.language == language and (limit := facts.rules.limits_of(a)) and limit.alt_text
        ]
        platform, most = min(limits, key=lambda item: item[1], default=("", len(alt)))
        if len(alt) > most:
            yield facts.loaded.finding(
                (*place, "alt", language),
                f"the description has {len(alt)} characters; {platform} takes {most}",
                f"take {len(alt) - most} away",
                offset=most,
            )


def _check_files(
    facts: Facts, place: Place, media: Media, accounts: list[AccountEntry], looks: Looks
) -> Iterator[Finding]:
    """Every file is there and can be used; what it is goes into `looks`."""
    path = (*place, "file")
    by_language = {"": media.file} if isinstance(media.file, str) else media.file
    if "" not in by_language:
        for language in sorted({a.language for a in accounts} - set(by_language)):
            yield facts.loaded.finding(
                path,
                f"`{place[-1]}` is shown in {language} and has no file for it",
                f"add `{language}: media/…`, or write one file for all",
                key=True,
            )
    for language, name in by_language.items():
        where = (*path, language) if language else path
        look = _looked_at(facts, name)
        if isinstance(look, tuple):
            yield facts.loaded.finding(where, *look)
            continue
        looks[str(place[-1]), language] = look
        shown = [a for a in accounts if not language or a.language == language]
        limits = {a.platform: limit for a in shown if (limit := facts.rules.limits_of(a))}
        for problem, remedy, warning in wrong_media(look, limits):
            yield facts.loaded.finding(where, problem, remedy, warning=warning)


def _looked_at(facts: Facts, name: str) -> Picture | tuple[str, str]:
    """What a file is, or what is wrong with it and what to do."""
    path = inside(facts.loaded.path.parent, name)
    if not isinstance(path, Path):
        return path
    try:
        return facts.rules.inspect(path)
    except InvalidInput as error:
        problem = f"the file cannot be used: {error.problem.rstrip('.')}"
        return problem, error.remedy or "save it again as JPEG, PNG or MP4"


def _check_counts(facts: Facts, looks: Looks) -> Iterator[Finding]:
    """How many pictures or films a part may have."""
    accounts = {a.name: a for a in facts.everyone}
    said: set[tuple[int, int, str]] = set()
    for (number, name), rendered in facts.rendered.items():
        account = accounts[name]
        limits = facts.rules.limits_of(account)
        if limits is None:
            continue
        for index, part in enumerate(rendered.parts):
            films = [m for m in part.media if moves(looks, m, account.language)]
            wrong = too_many(limits, account.platform, len(part.media) - len(films), len(films))
            if wrong and (number, index, account.platform) not in said:
                said.add((number, index, account.platform))
                problem, remedy = wrong
                if len(rendered.parts) > 1:
                    remedy += ", or show some with another part"
                where = _where(facts, number, name, account.platform)
                yield facts.loaded.finding(where, problem, remedy, key=True)


def _check_cards(facts: Facts, looks: Looks) -> Iterator[Finding]:
    """The picture of a card stands still."""
    languages = {a.name: a.language for a in facts.everyone}
    found = {
        rendered.card.picture
        for (_, name), rendered in facts.rendered.items()
        if rendered.card
        and rendered.card.picture
        and moves(looks, rendered.card.picture, languages[name])
    }
    for name in sorted(found):
        yield facts.loaded.finding(
            ("media", name, "file"), f"`{name}` moves, and a card shows it", "give it a picture"
        )


def _where(facts: Facts, number: int, account: str, platform: str) -> Place:
    """Where the media of one account's post are named."""
    post = facts.campaign.posts[number]
    for name in (account, platform):
        variant = post.variants.get(name)
        if variant is not None and variant.media is not None:
            return ("posts", number, "variants", name, "media")
        if variant is not None and variant.media_by_part is not None:
            return ("posts", number, "variants", name, "media_by_part")
    return ("posts", number, "media" if post.media is not None else "media_by_part")

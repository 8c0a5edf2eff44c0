"""Checks what differs between networks in pictures and films: length, movement, numbers, captions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from social_scheduler.campaign.checks_words import check_words
from social_scheduler.campaign.facts import Facts, Picture, Place
from social_scheduler.campaign.inside import inside
from social_scheduler.campaign.schema import AccountEntry, Media
from social_scheduler.errors import Finding
from social_scheduler.message import Limits
from social_scheduler.text import webvtt

Said = tuple[str, str, bool]
"""Problem, remedy, and whether it is only a warning."""
Looks = dict[tuple[str, str], Picture]
"""By name and language (`""`: all of them): what the file was found to be."""

_AFTER_THE_END = 1000
_TAG = re.compile(r"<[^>]*>|&[a-z]+;")


def is_film(look: Picture) -> bool:
    """Whether it is a film, not a picture, which may move too."""
    return look.kind.startswith("video/")


def moves(looks: Looks, name: str, language: str) -> bool:
    """Whether what one language shows under a name is a film or a moving picture."""
    look = looks.get((name, language)) or looks.get((name, ""))
    return look is not None and look.moving


def wrong_media(look: Picture, limits: dict[str, Limits]) -> Iterator[Said]:
    """What one file is to the networks that show it: only what no copy could put right."""
    for platform, limit in limits.items():
        wrong = _wrong_film(look, platform, limit) if look.moving else None
        if wrong:
            yield wrong
            break
    if look.has_location:
        what = "film" if is_film(look) else "picture"
        yield (
            f"the {what} says where it was taken; the published copy will not",
            "remove the place from the original too, so that nobody passes it on",
            True,
        )
    if look.sounds > 1:
        yield "the film has several soundtracks", "only the first one is published", True


def _wrong_film(look: Picture, platform: str, limit: Limits) -> Said | None:
    picture = not is_film(look)
    if picture and limit.moving_picture_bytes:
        return None
    if not limit.films:
        if picture:
            return "the picture moves", f"save one still picture of it for {platform}", False
        remedy = f"show a picture there, by `variants: {{{platform}: …}}`"
        return f"this is a film; {platform} takes none", remedy, False
    if picture:
        problem = f"the picture moves; on {platform} it is a film that plays once"
        return problem, "look at it there before you approve, or save a still picture", True
    if limit.film_milliseconds and look.milliseconds > limit.film_milliseconds:
        problem = (
            f"the film is {_clock(look.milliseconds)} long; "
            f"{platform} takes {_clock(limit.film_milliseconds)}"
        )
        return problem, "cut it shorter, or show another one there", False
    return None


def too_many(limits: Limits, platform: str, pictures: int, films: int) -> tuple[str, str] | None:
    """What is wrong with so many pictures and films in one part; a problem and a remedy."""
    most = max(limits.films, 1 if limits.moving_picture_bytes else 0)
    if films and pictures and most:
        return f"a film and pictures together; {platform} takes one or the other", "leave some out"
    if films > most > 0:
        return f"{films} films; {platform} takes {most}", f"leave {films - most} out"
    if pictures > limits.pictures:
        problem = f"{pictures} pictures; {platform} takes {limits.pictures}"
        return problem, f"leave {pictures - limits.pictures} out"
    return None


def check_captions(
    facts: Facts, place: Place, media: Media, accounts: list[AccountEntry], looks: Looks
) -> Iterator[Finding]:
    """That captions can be read, fit their film, and are there for who cannot hear it."""
    name = str(place[-1])
    for language, file in (media.captions or {}).items():
        path: Place = (*place, "captions", language)
        look = looks.get((name, language)) or looks.get((name, ""))
        if look is not None and not is_film(look):
            problem, remedy = "captions go with films, and this is a picture", "remove them"
            yield facts.loaded.finding(path, problem, remedy)
            continue
        yield from _check_words_of(facts, path, file, language, look)
    yield from _left_out(facts, place, media, accounts, looks)
    taking = {
        a.language for a in accounts if (limit := facts.rules.limits_of(a)) and limit.captions
    }
    for language in sorted(taking - set(media.captions or {})):
        look = looks.get((name, language)) or looks.get((name, ""))
        if look is not None and is_film(look) and look.sounds:
            yield facts.loaded.finding(
                place,
                f"`{name}` has sound and no captions in {language}",
                f"add `captions: {{{language}: media/….vtt}}`, for people who cannot hear it",
                warning=True,
                key=True,
            )


def _left_out(
    facts: Facts, place: Place, media: Media, accounts: list[AccountEntry], looks: Looks
) -> Iterator[Finding]:
    """Networks that take the film and not its captions, all of them at once."""
    name = str(place[-1])
    found = set()
    for account in accounts:
        look = looks.get((name, account.language)) or looks.get((name, ""))
        limits = facts.rules.limits_of(account)
        if look is None or not is_film(look) or account.language not in (media.captions or {}):
            continue
        if limits is not None and limits.films and not limits.captions:
            found.add(account.platform)
    if found:
        yield facts.loaded.finding(
            (*place, "captions"),
            f"no captions on {', '.join(sorted(found))}: `{name}` is shown there without them",
            "see that readers there get the words: in the post, or in the picture of the film",
            warning=True,
            key=True,
        )


def _check_words_of(
    facts: Facts, path: Place, file: str, language: str, look: Picture | None
) -> Iterator[Finding]:
    found = inside(facts.loaded.path.parent, file)
    if not isinstance(found, Path):
        yield facts.loaded.finding(path, *found)
        return
    try:
        with found.open("rb") as words:
            captions = webvtt.read(words.read(webvtt.MAX_SOURCE_BYTES + 1))
    except webvtt.CaptionsError as error:
        problem = f"the captions cannot be used: {error.problem}"
        yield facts.loaded.finding(path, problem, error.remedy)
        return
    if look is not None and captions.ends > look.milliseconds + _AFTER_THE_END:
        yield facts.loaded.finding(
            path,
            f"the captions end at {_clock(captions.ends)}, the film at {_clock(look.milliseconds)}",
            "take the last cues out, or name the captions of this film",
        )
    said = "\n".join(_TAG.sub("", cue.text) for cue in captions.cues)
    yield from check_words(facts, path, said, language)


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest / 1000:04.1f}"

"""Checks the pictures: that they are there, inside the folder, whole, small enough and described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from social_scheduler.campaign.checks_words import check_words
from social_scheduler.campaign.facts import Facts, Picture, Place
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.schema import AccountEntry, Media, Wording
from social_scheduler.errors import Finding, InvalidInput
from social_scheduler.message import Limits

_INSIDE = "copy the picture into this file's folder and name it from there: media/workshop.jpg"


def check_media(facts: Facts) -> Iterator[Finding]:
    """Names, files, descriptions and numbers of pictures; needs what each account would say."""
    named = set()
    for path, names in _named(facts):
        named.update(names)
        yield from _check_names(facts, path, names)
    uses = _uses(facts)
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
        yield from _check_files(facts, place, media, accounts)
    yield from _check_counts(facts)


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
        for part in rendered.parts:
            for name in part.media:
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
            if a.language == language and (limit := facts.rules.limits_of(a))
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
    facts: Facts, place: Place, media: Media, accounts: list[AccountEntry]
) -> Iterator[Finding]:
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
        shown = [a for a in accounts if not language or a.language == language]
        limits = {a.platform: limit for a in shown if (limit := facts.rules.limits_of(a))}
        problem, remedy, warning = _wrong_file(facts, name, limits) or ("", "", False)
        if problem:
            yield facts.loaded.finding(where, problem, remedy, warning=warning)


Said = tuple[str, str, bool]
"""Problem, remedy, and whether it is only a warning."""


def _wrong_file(facts: Facts, name: str, limits: dict[str, Limits]) -> Said | None:
    folder = facts.loaded.path.parent
    path = _inside(folder, name)
    if not isinstance(path, Path):
        return (*path, False)
    size = path.stat().st_size
    for platform, limit in limits.items():
        if size > limit.picture_bytes:
            return (
                f"the picture has {size / 1e6:.1f} MB; "
                f"{platform} takes {limit.picture_bytes / 1e6:.0f} MB",
                "save it smaller, as JPEG",
                False,
            )
    try:
        picture = facts.rules.inspect(path)
    except InvalidInput as error:
        problem = f"the picture cannot be used: {error.problem.rstrip('.')}"
        return problem, error.remedy or "save it again as JPEG or PNG", False
    return _wrong_picture(picture, limits)


def _wrong_picture(picture: Picture, limits: dict[str, Limits]) -> Said | None:
    if picture.moving:
        return "the picture moves", "save one still picture of it: video is not yet possible", False
    for platform, limit in limits.items():
        if picture.kind not in limit.picture_types:
            kinds = ", ".join(sorted(_short(kind) for kind in limit.picture_types))
            problem = f"the picture is {_short(picture.kind)}; {platform} takes {kinds}"
            return problem, "save it as JPEG or PNG", False
        if max(picture.width, picture.height) > limit.picture_side:
            problem = (
                f"the picture has {picture.width}×{picture.height} pixels; "
                f"{platform} takes {limit.picture_side} on a side"
            )
            return problem, "save it smaller", False
    if picture.has_location:
        return (
            "the picture says where it was taken; the published copy will not",
            "remove the place from the original too, so that nobody passes it on",
            True,
        )
    return None


def _short(kind: str) -> str:
    return kind.partition("/")[2].upper()


def _inside(folder: Path, name: str) -> Path | tuple[str, str]:
    """The file of a name, or what is wrong with it; nothing outside the folder is looked at."""
    if "\\" in name:
        return "a path is written with / between folders", f"write {name.replace(chr(92), '/')}"
    if "://" in name:
        return "this is an address, and pictures are files", _INSIDE
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or name.startswith("~") or "\0" in name:
        return "the picture lies outside the folder of this file", _INSIDE
    path = folder / pure
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            return "a link leads to a picture outside the folder of this file", _INSIDE
    except (OSError, RuntimeError):
        return f"there is no file {name}", _near(folder, pure)
    return real if real.is_file() else (f"{name} is not a file", _INSIDE)


def _near(folder: Path, pure: PurePosixPath) -> str:
    try:
        names = [entry.name for entry in (folder / pure.parent).iterdir() if entry.is_file()]
    except (OSError, ValueError):
        names = []
    if not names:
        return "paths start in this file's folder: check the name"
    return did_you_mean(pure.name, names)


def _check_counts(facts: Facts) -> Iterator[Finding]:
    """How many pictures a part may have."""
    accounts = {a.name: a for a in facts.everyone}
    said: set[tuple[int, int, str]] = set()
    for (number, name), rendered in facts.rendered.items():
        platform = accounts[name].platform
        limits = facts.rules.limits_of(accounts[name])
        if limits is None:
            continue
        for index, part in enumerate(rendered.parts):
            if len(part.media) > limits.pictures and (number, index, platform) not in said:
                said.add((number, index, platform))
                yield facts.loaded.finding(
                    _where(facts, number, name, platform),
                    f"{len(part.media)} pictures; {platform} takes {limits.pictures}",
                    f"leave {len(part.media) - limits.pictures} out"
                    + (", or show them with another part" if len(rendered.parts) > 1 else ""),
                    key=True,
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

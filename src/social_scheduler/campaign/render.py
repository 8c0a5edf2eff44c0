"""What one account will say of a post: variant chosen, link placed, text in composed form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from social_scheduler.campaign.schema import AccountEntry, Campaign, Post, Wording
from social_scheduler.errors import InvalidInput
from social_scheduler.text import nfc

Place = tuple[str | int, ...]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{[^{}\n]*\}|[{}]")


class RenderProblem(InvalidInput):
    """A post that cannot be said by an account as it is written.

    `path` leads to the place in the campaign's data; `offset` to the character of the words there.
    """

    def __init__(self, path: Place, problem: str, remedy: str, offset: int | None = None) -> None:
        super().__init__(problem, remedy)
        self.path = path
        self.offset = offset


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One call's final text, the names of its media, and where its words stand in the file."""

    text: str
    media: tuple[str, ...] = ()
    path: Place = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """Everything one account says of one post."""

    parts: tuple[RenderedPart, ...]
    link: str | None = None


def render(campaign: Campaign, post: Post, account: AccountEntry) -> Rendered:
    """The parts one account will publish. Raises RenderProblem with the place in the file.

    A variant for the account goes before one for its platform, that before the post itself,
    field by field and language by language.
    """
    levels = _levels(campaign, post, account)
    words, thread = _words(levels, post, account)
    link = _link(levels, account.language)
    texts = []
    placed = False
    for path, raw in words:
        text, here = _filled(raw, link, path)
        placed = placed or here
        texts.append((path, text))
    if link is not None and not placed:
        path, text = texts[-1]
        texts[-1] = (path, f"{text}\n{link}")
    media = _media(levels, len(texts), thread)
    parts = tuple(
        RenderedPart(nfc(text), media.get(number, ()), path)
        for number, (path, text) in enumerate(texts, start=1)
    )
    return Rendered(parts, link)


def _levels(campaign: Campaign, post: Post, account: AccountEntry) -> list[tuple[Place, Wording]]:
    """Where wording may come from, the most particular first."""
    number = next((n for n, p in enumerate(campaign.posts) if p is post), 0)
    base: Place = ("posts", number)
    found: list[tuple[Place, Wording]] = []
    if post.variants:
        for name in dict.fromkeys((account.name, account.platform)):
            if name in post.variants:
                found.append(((*base, "variants", name), post.variants[name]))
    found.append((base, post))
    return found


def _words(
    levels: list[tuple[Place, Wording]], post: Post, account: AccountEntry
) -> tuple[list[tuple[Place, str]], bool]:
    language = account.language
    for path, wording in levels:
        if wording.text is not None and language in wording.text:
            return [((*path, "text", language), wording.text[language])], False
        if wording.thread is not None and language in wording.thread:
            parts = wording.thread[language]
            where = (*path, "thread", language)
            return [((*where, number), part) for number, part in enumerate(parts)], True
    path = levels[-1][0]
    kind = "thread" if post.thread is not None else "text"
    raise RenderProblem(
        (*path, kind),
        f"the account {account.name} speaks {language}, and this post has no words in it",
        f"add `{language}:` here, or leave {account.name} out of `to`",
    )


def _link(levels: list[tuple[Place, Wording]], language: str) -> str | None:
    for path, wording in levels:
        if isinstance(wording.link, str):
            return wording.link
        if wording.link is not None and language in wording.link:
            return wording.link[language]
        if wording.link is not None:
            raise RenderProblem(
                (*path, "link"),
                f"there is no link for the language {language}",
                f"add `{language}:` here, or write one address for all",
            )
    return None


def _filled(raw: str, link: str | None, path: Place) -> tuple[str, bool]:
    """The words with `{link}` and doubled braces resolved; whether the link stood there."""
    if "{" not in raw and "}" not in raw:
        return raw, False
    placed = False
    pieces = []
    end = 0
    for match in _PLACEHOLDER.finditer(raw):
        pieces.append(raw[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            pieces.append(match[0][0])
        elif match[0] != "{link}":
            raise _unknown(match, path)
        elif link is None:
            raise RenderProblem(
                path,
                "`{link}` stands here, and the post has no link",
                "add `link: https://…` to the post, or remove `{link}`",
                match.start(),
            )
        else:
            placed = True
            pieces.append(link)
    pieces.append(raw[end:])
    return "".join(pieces), placed


def _unknown(match: re.Match[str], path: Place) -> RenderProblem:
    said = match[0]
    if said.startswith("{@"):
        problem, remedy = f"`{said}`: partners' names are not yet filled in", "write the handle"
    elif len(said) == 1:
        problem, remedy = f"a `{said}` stands alone", f"write `{said * 2}` to publish one"
    else:
        problem = f"`{said}` is not a placeholder"
        remedy = f"`{{link}}` is the only one; to publish braces, write `{{{said}}}`"
    return RenderProblem(path, problem, remedy, match.start())


def _media(
    levels: list[tuple[Place, Wording]], parts: int, thread: bool
) -> dict[int, tuple[str, ...]]:
    """Media names by part number."""
    media: dict[int, tuple[str, ...]] = {}
    listed = next(((p, w.media) for p, w in levels if w.media is not None), None)
    by_part = next(((p, w.media_by_part) for p, w in levels if w.media_by_part is not None), None)
    if by_part is not None and by_part[1]:
        path = (*by_part[0], "media_by_part")
        if not thread:
            raise RenderProblem(
                path, "`media_by_part` is for threads, and this is one text", "write `media: […]`"
            )
        for number, names in by_part[1].items():
            if not 1 <= number <= parts:
                raise RenderProblem(
                    (*path, number),
                    f"there is no part {number}; the thread has {parts}",
                    "parts count from 1",
                )
            media[number] = tuple(names)
    if listed is not None and listed[1]:
        if media.get(1):
            raise RenderProblem(
                (*listed[0], "media"),
                "part 1 gets media from `media` and from `media_by_part`",
                "name them in one of the two",
            )
        media[1] = tuple(listed[1])
    return media

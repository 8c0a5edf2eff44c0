"""Which of a post's wordings counts for an account: variant before post, language by language."""

from __future__ import annotations

from collections.abc import Sequence

from social_scheduler.campaign.schema import AccountEntry, Campaign, CardWords, Post, Wording
from social_scheduler.errors import InvalidInput

Place = tuple[str | int, ...]
Level = tuple[Place, Wording]

PLAIN_OPTIONS = ("replies", "visibility", "silent", "preview", "quote")
"""The options that a wording holds under their own names, one for all languages."""


class RenderProblem(InvalidInput):
    """A post that cannot be said by an account as it is written.

    `path` leads to the place in the campaign's data; `offset` to the character of the words there.
    `others` are further ones of the same post, where they were looked for.
    """

    others: Sequence[RenderProblem] = ()

    def __init__(self, path: Place, problem: str, remedy: str, offset: int | None = None) -> None:
        super().__init__(problem, remedy)
        self.path = path
        self.offset = offset


def levels_of(
    campaign: Campaign, post: Post, account: AccountEntry, number: int | None
) -> list[Level]:
    """Where wording may come from, the most particular first; `number` is the post's, if known."""
    if number is None:
        number = next((n for n, p in enumerate(campaign.posts) if p is post), 0)
    base: Place = ("posts", number)
    found: list[Level] = []
    if post.variants:
        for name in dict.fromkeys((account.name, account.platform)):
            if name in post.variants:
                found.append(((*base, "variants", name), post.variants[name]))
    found.append((base, post))
    return found


def words_in(
    levels: list[Level], post: Post, account: AccountEntry
) -> tuple[list[tuple[Place, str]], bool]:
    """The words for an account, part by part with their places; whether they are a thread."""
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


def link_in(levels: list[Level], language: str) -> str | None:
    """The link for a language."""
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


def options_in(
    levels: list[Level], post: Post, language: str
) -> tuple[dict[str, str], dict[str, Place]]:
    """What the author chose beside the words, and where each choice stands."""
    chosen: dict[str, str] = {}
    places: dict[str, Place] = {}
    for path, wording in reversed(levels):
        for name in PLAIN_OPTIONS:
            value = getattr(wording, name)
            if value is not None:
                chosen[name], places[name] = value, (*path, name)
        if wording.warning is not None and language in wording.warning:
            chosen["warning"] = wording.warning[language]
            places["warning"] = (*path, "warning", language)
    if post.repost is not None:
        chosen["repost"], places["repost"] = post.repost, (*levels[-1][0], "repost")
    return chosen, places


def card_in(levels: list[Level], language: str) -> tuple[Place, CardWords] | None:
    """The box for the link in a language, and where it stands."""
    for path, wording in levels:
        if wording.card is not None and language in wording.card:
            return (*path, "card", language), wording.card[language]
    return None


def split_in(levels: list[Level]) -> bool:
    """Whether a text that is too long may be divided."""
    return next((w.split for _, w in levels if w.split is not None), "no") == "yes"


def media_in(levels: list[Level], parts: int, *, thread: bool) -> dict[int, tuple[str, ...]]:
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

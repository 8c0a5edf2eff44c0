"""Checks what an author chose beside the words: who may reply, warnings, quotes, reposts, cards."""

from __future__ import annotations

from collections.abc import Iterator

from social_scheduler.campaign.facts import Facts, Place
from social_scheduler.campaign.links import wrong_link
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.render import Rendered
from social_scheduler.campaign.schema import AccountEntry, Post
from social_scheduler.errors import Finding

_WORDLESS = ("link", "media", "media_by_part", "card", "warning", "quote", "split")
_ADDRESSES = ("quote", "repost")
_HARMLESS = ("silent", "preview")
"""Where a network does not know these, nobody is misled."""


def check_choices(
    facts: Facts, number: int, post: Post, accounts: list[AccountEntry]
) -> Iterator[Finding]:
    """Every option is one that its network knows, or does no harm where it does not."""
    said: set[tuple[object, str]] = set()
    idle: dict[str, Place] = {}
    for account in accounts:
        rendered = facts.rendered.get((number, account.name))
        if rendered is None:
            continue
        for name in rendered.options:
            if name in _HARMLESS and len(rendered.chosen_at[name]) == 3:
                idle.setdefault(name, rendered.chosen_at[name])
        if rendered.options:
            for finding in _check_options(facts, rendered, account):
                place = None if finding.warning else (finding.line, finding.column)
                key = (place, finding.problem)  # what is only to be looked at is said once
                if key not in said:
                    said.add(key)
                    yield finding
    for name, path in idle.items():
        if not any(_knows(facts, account, name) for account in accounts):
            yield facts.loaded.finding(
                path, f"no network of this post knows `{name}`", "remove it", warning=True, key=True
            )
    if post.repost is not None:
        yield from _check_repost(facts, number, post)
    yield from _check_cards(facts, number, accounts)


def _knows(facts: Facts, account: AccountEntry, option: str) -> bool:
    limits = facts.rules.limits_of(account)
    return limits is not None and option in limits.options


def _check_options(facts: Facts, rendered: Rendered, account: AccountEntry) -> Iterator[Finding]:
    platform = account.platform
    if platform not in facts.rules.limits:
        return
    for name, value in rendered.options.items():
        path = rendered.chosen_at[name]
        if name in _ADDRESSES and (wrong := wrong_link(value, facts.rules.sandbox)):
            yield facts.loaded.finding(path, *wrong)
        elif _knows(facts, account, name):
            if name in _ADDRESSES and facts.rules.id_in(platform, value) is None:
                yield facts.loaded.finding(
                    path,
                    f"this is no address of a post on {platform}, and {account.name} is on it",
                    f"copy the post's own address there; {_elsewhere(name, platform)}",
                )
        elif "variants" in path:
            yield facts.loaded.finding(
                path, f"{platform} does not know `{name}`", "remove it from this variant", key=True
            )
        else:
            yield from _unknown(facts, path, name, value, platform)


def _elsewhere(name: str, platform: str) -> str:
    if name == "quote":
        return f"what {platform} quotes can stand in its variant"
    return "a post that is repeated on several networks is several posts here"


def _unknown(facts: Facts, path: Place, name: str, value: str, platform: str) -> Iterator[Finding]:
    """A choice for all networks, at one that does not have it."""
    found = facts.loaded.finding
    if name in _ADDRESSES:
        does = "quote posts" if name == "quote" else "repeat posts"
        yield found(
            path,
            f"{platform} does not {does}, and an account of this post is on it",
            f"leave {platform} out of `to`"
            + (", or write `quote` in a variant" if name == "quote" else ""),
            key=True,
        )
    elif name == "visibility" and value != "public":
        yield found(
            path,
            f"everybody would see this on {platform}, which knows no `visibility`",
            f"leave {platform} out of `to`, or write `visibility` in a variant",
            key=True,
        )
    elif name == "warning":
        yield found(
            path,
            f"{platform} puts no warning in front of a post; there its words stand open",
            f"see that they may, or write a variant for {platform}",
            warning=True,
        )
    elif name == "replies" and value != "everyone":
        yield found(
            path,
            f"everybody may reply on {platform}, which knows no `replies`",
            "see that they may",
            warning=True,
            key=True,
        )


def _check_repost(facts: Facts, number: int, post: Post) -> Iterator[Finding]:
    """A repost is somebody's post and nothing else."""
    place: Place = ("posts", number)
    said: list[Place] = [(*place, name) for name in _WORDLESS if getattr(post, name) is not None]
    if post.variants:
        said.append((*place, "variants"))
    for path in said:
        yield facts.loaded.finding(
            path,
            f"a repost says nothing of its own, and `{path[-1]}` stands here",
            "remove it; to add words, write a `text` with `quote` instead of `repost`",
            key=True,
        )


def _check_cards(facts: Facts, number: int, accounts: list[AccountEntry]) -> Iterator[Finding]:
    """A card has a link and a network that shows it; a link has a card where it needs one."""
    shown: set[Place] = set()
    hidden: dict[Place, str] = {}
    for account in accounts:
        rendered = facts.rendered.get((number, account.name))
        limits = facts.rules.limits_of(account)
        if rendered is None or limits is None:
            continue
        card = rendered.card
        if card is None:
            if limits.own_card and rendered.link is not None and not rendered.parts[0].media:
                yield from _no_card(facts, number, rendered, account)
            continue
        if card.path not in shown and card.path not in hidden:
            if rendered.link is None:
                yield facts.loaded.finding(
                    card.path,
                    "a card is for a link, and the post has none",
                    "add `link: https://…`",
                    key=True,
                )
            if card.picture is not None and card.picture not in facts.campaign.media:
                yield facts.loaded.finding(
                    (*card.path, "picture"),
                    f"`{card.picture}` is not under `media` at the top",
                    did_you_mean(card.picture, facts.campaign.media),
                )
        if limits.own_card and not rendered.parts[0].media:
            shown.add(card.path)
        else:
            hidden[card.path] = (
                "the pictures stand in its place"
                if rendered.parts[0].media
                else ("its networks make their own" if limits.box else "its networks show none")
            )
    for path, why in hidden.items():
        if path not in shown:
            yield facts.loaded.finding(
                path, f"no account shows this card: {why}", "remove it", warning=True, key=True
            )


def _no_card(
    facts: Facts, number: int, rendered: Rendered, account: AccountEntry
) -> Iterator[Finding]:
    """Once in a file: the author then knows of it."""
    if account.platform in facts.without_card:
        return
    facts.without_card.add(account.platform)
    yield facts.loaded.finding(
        ("posts", number, "link"),
        f"{account.platform} makes no box for a link: without a `card` it shows the address alone",
        "add `card:` with a title in each language, if there should be one",
        warning=True,
        key=True,
    )

"""Fills in what stands in braces: the link, and partners by each network's own handle."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.partners import Partners
from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.campaign.wording import Place, RenderProblem
from social_scheduler.text import mentions_on

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{[^{}\n]*\}|[{}]")


@dataclass(frozen=True, slots=True)
class Named:
    """A handle as it was put into a text, and the network's id of it where the book has it."""

    handle: str
    id: str = ""
    touched: bool = False
    """What stands beside it makes it no mention on its network, at one place at least."""


class Filler:
    """Fills in the words of one account. `placed`: whether the link stood in any of them."""

    def __init__(self, partners: Partners, account: AccountEntry, link: str | None) -> None:
        self._partners = partners
        self._account = account
        self._link = link
        self.placed = False
        self._problems: list[RenderProblem] = []

    def require_all(self) -> None:
        """Raises RenderProblem, with the others beside it, when something could not be filled in."""
        if self._problems:
            first, *first.others = self._problems
            raise first

    def fill(self, raw: str, path: Place) -> tuple[str, tuple[Named, ...]]:
        """The words with what stands in braces resolved, and the handles that came into them."""
        if "{" not in raw and "}" not in raw:
            return raw, ()
        named: dict[str, Named] = {}
        places: list[tuple[int, str]] = []
        pieces = []
        end = 0
        for match in _PLACEHOLDER.finditer(raw):
            pieces.append(raw[end : match.start()])
            end = match.end()
            try:
                if match[0] in ("{{", "}}"):
                    pieces.append(match[0][0])
                elif match[0].startswith("{@"):
                    said = self._partner(match, path)
                    if said.handle.startswith("@"):
                        named[said.handle] = said
                        places.append((sum(map(len, pieces)), said.handle))
                    pieces.append(said.handle)
                else:
                    pieces.append(self._address(match, path))
            except RenderProblem as problem:
                self._problems.append(problem)
        pieces.append(raw[end:])
        filled = "".join(pieces)
        if places:
            mentioned = {(s.start, s.text) for s in mentions_on(self._account.platform, filled)}
            for at, handle in places:
                if (at, handle) not in mentioned:
                    named[handle] = replace(named[handle], touched=True)
        return filled, tuple(named.values())

    def _address(self, match: re.Match[str], path: Place) -> str:
        if match[0] != "{link}":
            raise _unknown(match, path)
        if self._link is None:
            raise RenderProblem(
                path,
                "`{link}` stands here, and the post has no link",
                "add `link: https://…` to the post, or remove `{link}`",
                match.start(),
            )
        self.placed = True
        return self._link

    def _partner(self, match: re.Match[str], path: Place) -> Named:
        name = match[0][2:-1].strip()
        account = self._account
        partner = self._partners.partners.get(name)
        if partner is None:
            known = self._partners.partners
            remedy = did_you_mean(name, known) if known else f"add `{name}` to partners.yaml"
            raise RenderProblem(path, f"nobody is `{name}` in partners.yaml", remedy, match.start())
        called = partner.called(account.platform, account.language)
        if called is None:
            raise RenderProblem(
                path,
                f"`{name}` has neither a handle on {account.platform} nor a name in "
                f"{account.language}",
                f"add one of them to `{name}` in partners.yaml",
                match.start(),
            )
        return Named(called, partner.ids.get(account.platform, ""))


def _unknown(match: re.Match[str], path: Place) -> RenderProblem:
    said = match[0]
    if len(said) == 1:
        problem, remedy = f"a `{said}` stands alone", f"write `{said * 2}` to publish one"
    else:
        problem = f"`{said}` is not a placeholder"
        remedy = (
            "`{link}` and `{@partner}` are all there are; "
            f"to publish braces, write `{{{said}}}`"
        )
    return RenderProblem(path, problem, remedy, match.start())

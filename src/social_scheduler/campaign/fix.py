"""`check --fix`: puts unquoted words in quotes or blocks and leaves every other byte alone."""

from __future__ import annotations

from pydantic import BaseModel

from social_scheduler.campaign.schema import Campaign
from social_scheduler.campaign.unquoted import Unquoted, find_unquoted, split_lines
from social_scheduler.campaign.words import spec_of


def fix(source: str, model: type[BaseModel] = Campaign) -> str:
    """The same file with its unquoted words quoted, taken from the line as it was typed.

    What follows a closed quotation mark, and a mark that is never closed, is left to a person:
    there the line does not say what was meant.
    """
    bom = "\ufeff" if source.startswith("\ufeff") else ""
    body = source[len(bom) :]
    lines = split_lines(body)
    for words in reversed(find_unquoted(body, spec_of(model))):
        if words.kind == "plain":
            lines[words.line : words.last + 1] = [_rewritten(lines, words)]
    return bom + "".join(lines)


def _rewritten(lines: list[str], words: Unquoted) -> str:
    first, last = lines[words.line], lines[words.last]
    ending = last[len(last.rstrip("\r\n")) :]
    newline = first[len(first.rstrip("\r\n")) :] or "\n"
    return first[: words.column] + words.replacement.replace("\n", newline) + ending

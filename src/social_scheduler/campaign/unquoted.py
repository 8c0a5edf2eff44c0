"""Finds words that are not quoted, line by line, in files that YAML may not be able to read.

YAML drops ` #LifeafterDaesh` at a line's end as a comment and stumbles over `@`, `: ` and
quotation marks, so words stand in `|` blocks or in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from social_scheduler.campaign.words import NOTHING, Spec

_BLOCK = re.compile(r"[|>][0-9+-]{0,2}[ \t]*(?:#.*)?$")
_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s\[\]{}#&*!|>'"%@`,:-][^:#]{0,80}?)[ \t]*:(?=[ \t]|$)""")
_QUOTED = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"'(?:[^']|'')*'", re.DOTALL),
}
_AFTER_QUOTE = re.compile(r"[ \t]*(?:[ \t]#(?:[ \t].*)?)?$")
_SIBLING = re.compile(r"(?:- +)?[A-Za-z_][A-Za-z0-9_-]{0,20}:(?:[ \t]|$)|-[ \t]")


@dataclass(frozen=True, slots=True)
class Unquoted:
    """Words outside quotes and blocks: where they stand (0-based) and what was typed."""

    line: int
    column: int
    last: int
    """The last line the words go on to."""
    text: tuple[str, ...]
    """The words as typed, line by line, without indentation."""
    indent: int
    """The column of the key or dash they belong to."""
    label: str
    """The key or dash as typed: `en:` or `-`."""
    kind: Literal["plain", "tail", "open"] = "plain"
    """`tail`: something follows a closing quotation mark; `open`: one that is never closed."""

    @property
    def replacement(self) -> str:
        """The same words quoted, or as a block when they hold quotation marks."""
        if len(self.text) == 1 and '"' not in self.text[0] and "\\" not in self.text[0]:
            return f'"{self.text[0]}"'
        pad = " " * (self.indent + 2)
        return "|\n" + "\n".join(pad + line if line else "" for line in self.text)

    @property
    def shown(self) -> str:
        """Label and replacement, as the file should have them."""
        text = f"{self.label} {self.replacement}"
        return text.replace("\n" + " " * (self.indent + 2), "\n  ")


def split_lines(source: str) -> list[str]:
    """The lines with their endings, by the breaks YAML knows (not by Python's)."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", source)


def find_unquoted(source: str, spec: Spec) -> list[Unquoted]:
    """Every unquoted words value of a file of this shape, in order."""
    return list(_Lines(split_lines(source)).walk(spec))


@dataclass(slots=True)
class _Frame:
    indent: int
    spec: Spec
    sequence: bool


class _Lines:
    """One pass down the lines, with the collections that are open."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = [line.rstrip("\r\n") for line in lines]
        self.number = 0
        self.frames: list[_Frame] = []
        self.pending = NOTHING

    def walk(self, spec: Spec) -> Iterator[Unquoted]:
        self.pending = spec
        while self.number < len(self.lines):
            line = self.lines[self.number]
            stripped = line.lstrip(" ")
            if not stripped.strip(" \t") or stripped.startswith("#") or line in ("---", "..."):
                self.number += 1
                continue
            yield from self._entry(line, len(line) - len(stripped))

    def _entry(self, line: str, column: int) -> Iterator[Unquoted]:
        """A line with dashes, a key, a value: up to where its value ends."""
        dash = _is_dash(line, column)
        while self.frames and (
            self.frames[-1].indent > column
            or (self.frames[-1].indent == column and self.frames[-1].sequence and not dash)
        ):
            self.frames.pop()
        owner, label = column, ""
        known = False
        while column < len(line):
            if known and self.pending.words:
                break
            if _is_dash(line, column):
                frame = self._frame(column, sequence=True)
                self.pending, owner, label, known = frame.spec.entry, column, "-", True
                column = _skip_blanks(line, column + 1)
                continue
            match = _KEY.match(line, column)
            if match is None:
                break
            key = match[1].strip("\"'")
            frame = self._frame(column, sequence=False)
            self.pending, owner, label, known = frame.spec.at(key), column, f"{match[1]}:", True
            column = _skip_blanks(line, match.end())
            break
        if not known:
            self.pending = NOTHING
        yield from self._value(line, column, owner, label)

    def _frame(self, indent: int, *, sequence: bool) -> _Frame:
        top = self.frames[-1] if self.frames else None
        if top is None or top.indent != indent or top.sequence != sequence:
            top = _Frame(indent, self.pending, sequence)
            self.frames.append(top)
        return top

    def _value(self, line: str, column: int, owner: int, label: str) -> Iterator[Unquoted]:
        words = self.pending.words
        value = line[column:].rstrip(" \t")
        if words and not value:
            following = self._following()
            if following is not None and _indent(self.lines[following]) > owner:
                self.number = following
                line = self.lines[following]
                column = _indent(line)
                value = line[column:].rstrip(" \t")
        if _BLOCK.match(value) and (value[0] == "|" or value[0] == ">"):
            self._skip_deeper(owner)
        elif value[:1] in ('"', "'"):
            yield from self._quoted(value, column, owner, label, words)
        elif not value or (value[0] == "#" and not (words and value[1:2].strip(" \t"))):
            self.number += 1
        elif words:
            yield self._plain(value, column, owner, label)
        elif value[0] in "[{":
            self._skip_flow(column)
        else:
            self.number += 1

    def _quoted(
        self, value: str, column: int, owner: int, label: str, words: bool
    ) -> Iterator[Unquoted]:
        """A quoted value, perhaps over several lines; the words after it are not quoted."""
        start = self.number
        end = start + 1
        while end < len(self.lines) and (
            not self.lines[end].strip(" \t") or _indent(self.lines[end]) > owner
        ):
            end += 1
        text = "\n".join([value, *self.lines[start + 1 : end]])
        match = _QUOTED[value[0]].match(text)
        if match is None:
            self.number = start + 1
            if words:
                yield Unquoted(start, column, start, (value,), owner, label, "open")
            return
        self.number = start + text.count("\n", 0, match.end()) + 1
        rest = text[match.end() :].split("\n", 1)[0]
        if words and not _AFTER_QUOTE.match(rest):
            if self.number == start + 1:
                kind: Literal["plain", "tail"] = (
                    "tail" if rest.lstrip().startswith("#") else "plain"
                )
                yield Unquoted(start, column, start, (value,), owner, label, kind)
            else:
                yield Unquoted(start, column, start, (value,), owner, label, "open")

    def _plain(self, value: str, column: int, owner: int, label: str) -> Unquoted:
        """Words as typed, with the deeper lines below that go on with them."""
        start = self.number
        last = start
        number = start + 1
        while number < len(self.lines):
            text = self.lines[number].strip(" \t")
            if text and (_indent(self.lines[number]) <= owner or _SIBLING.match(text)):
                break
            if text and not text.startswith("# ") and text != "#":
                last = number
            number += 1
        self.number = last + 1
        text_lines = (value, *(line.strip(" \t") for line in self.lines[start + 1 : last + 1]))
        return Unquoted(start, column, last, text_lines, owner, label)

    def _following(self) -> int | None:
        number = self.number + 1
        while number < len(self.lines):
            text = self.lines[number].strip(" \t")
            if text and not text.startswith("# ") and text != "#":
                return number
            number += 1
        return None

    def _skip_deeper(self, owner: int) -> None:
        self.number += 1
        while self.number < len(self.lines):
            line = self.lines[self.number]
            if line.strip(" \t") and _indent(line) <= owner:
                return
            self.number += 1

    def _skip_flow(self, column: int) -> None:
        """Past a `[…]` or `{…}`; when it never ends, past its first line."""
        depth = 0
        quote = ""
        for number in range(self.number, min(self.number + 200, len(self.lines))):
            line = self.lines[number]
            for char in line[column if number == self.number else 0 :]:
                if quote:
                    quote = "" if char == quote else quote
                elif char in "\"'":
                    quote = char
                elif char in "[{":
                    depth += 1
                elif char in "]}":
                    depth -= 1
            if depth <= 0 and not quote:
                self.number = number + 1
                return
        self.number += 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_dash(line: str, column: int) -> bool:
    return line[column : column + 1] == "-" and line[column + 1 : column + 2] in ("", " ", "\t")


def _skip_blanks(line: str, column: int) -> int:
    while column < len(line) and line[column] in " \t":
        column += 1
    return column

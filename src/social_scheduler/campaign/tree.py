"""A file as data that still knows where each value stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from social_scheduler.errors import Finding

_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True)
class Tree:
    """A file's data, its findings, and the nodes that know the places.

    `data` is None when the file could not be read at all. Paths are tuples of keys and indexes.
    """

    file: str
    source: str = ""
    data: Any = None
    findings: list[Finding] = field(default_factory=list)
    root: Any = None

    def add(self, line: int, column: int, problem: str, remedy: str) -> None:
        """A finding at a 0-based place."""
        self.findings.append(Finding(self.file, line + 1, column + 1, problem, remedy))

    def node(self, path: tuple[str | int, ...]) -> Any:
        """The node at a path, or the nearest one above it."""
        return self._walk(path)[0]

    def position(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """1-based line and column of the value at a path, or of the nearest thing above it."""
        node = self._walk(path)[0]
        if node is None:
            return 1, 1
        return node.start_mark.line + 1, node.start_mark.column + 1

    def key_position(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """1-based line and column of the last key of a path; of a list's entry, its value."""
        node, key = self._walk(path)
        mark = (key if key is not None else node).start_mark if node is not None else None
        return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)

    def style(self, path: tuple[str | int, ...]) -> str:
        """How a scalar is written: one of `|`, `>`, `"`, `'`, or nothing."""
        return getattr(self.node(path), "style", None) or ""

    def words_position(self, path: tuple[str | int, ...], offset: int) -> tuple[int, int]:
        """1-based place of a character of the words at a path, as near as their style allows."""
        node = self.node(path)
        if not isinstance(node, yaml.ScalarNode):
            return self.position(path)
        mark = node.start_mark
        before = node.value[:offset]
        if node.style == "|":
            lines = _BREAK.split(self.source)
            number = mark.line + 1 + before.count("\n")
            line = lines[number] if number < len(lines) else ""
            indent = self._block_indent(node, lines)
            column = min(indent + len(before.rsplit("\n", 1)[-1]), len(line))
            return number + 1, column + 1
        plain = self.source[mark.index + 1 : mark.index + 1 + offset] == before
        if node.style in ("'", '"') and plain and "\n" not in before:
            return mark.line + 1, mark.column + 2 + offset
        return mark.line + 1, mark.column + 1

    def _block_indent(self, node: Any, lines: list[str]) -> int:
        for at, text in enumerate(node.value.split("\n")):
            number = node.start_mark.line + 1 + at
            if text and number < len(lines):
                return max(len(lines[number]) - len(text), 0)
        return 0

    def _walk(self, path: tuple[str | int, ...]) -> tuple[Any, Any]:
        """The deepest node a path leads to and the key that leads there.

        Steps that the file does not have (the names pydantic gives to alternatives) are skipped.
        """
        node, last = self.root, None
        for step in path:
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if key.value == str(step):
                        node, last = value, key
                        break
            elif (
                isinstance(node, yaml.SequenceNode)
                and isinstance(step, int)
                and step < len(node.value)
            ):
                node, last = node.value[step], None
        return node, last

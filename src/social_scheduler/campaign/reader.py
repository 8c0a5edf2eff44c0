"""Reads a YAML file strictly into plain data, and remembers where each value stands.

One pass of the C parser makes a graph of nodes, one walk makes data of it. Every scalar stays
the text that was typed (`no`, `17:30`, `2`); what makes YAML surprising (aliases, tags, merge
keys, repeated keys, several documents) is refused, with its place.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import yaml

from social_scheduler.campaign.nodes import (
    MAX_BYTES,
    MAX_DEPTH,
    TOO_DEEP,
    Refused,
    compose,
    decoded,
    too_big,
)
from social_scheduler.campaign.tree import Tree
from social_scheduler.campaign.unquoted import Unquoted, find_unquoted, split_lines
from social_scheduler.campaign.words import NOTHING, Spec
from social_scheduler.campaign.yaml_errors import explain

MAX_NODES = 200_000

_TAIL = re.compile(r"""["'][ \t]+#\S""")


def read_file(path: Path, file: str, spec: Spec = NOTHING) -> Tree:
    """Read a file of at most `MAX_BYTES`; a larger one is refused without being read."""
    tree = Tree(file)
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            facts = os.fstat(stream.fileno())
            if not stat.S_ISREG(facts.st_mode):
                tree.add(0, 0, "this is not a file", "name a YAML file")
                return tree
            if facts.st_size > MAX_BYTES:
                tree.add(0, 0, *too_big(facts.st_size))
                return tree
            source = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        tree.add(0, 0, "there is no such file", "check its name")
        return tree
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be opened"
        tree.add(0, 0, f"the file cannot be read ({reason})", "check its name and permissions")
        return tree
    return read(source, file, spec)


def _open_at_once(path: str, flags: int) -> int:
    """Opening a pipe must not wait for somebody to write to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read(source: bytes, file: str, spec: Spec = NOTHING) -> Tree:
    """Plain data and places from a file's bytes; mistakes are findings, never exceptions.

    `spec` says where words are expected (words.spec_of): there plain scalars are mistakes.
    """
    tree = Tree(file)
    try:
        tree.source = decoded(source)
        unquoted = _compose(tree, spec)
        if tree.root is None and tree.findings:
            return tree
        walk = _Walk(tree)
        tree.data = walk.data(tree.root, spec, 0) if tree.root is not None else None
        if tree.data is None:
            raise Refused(0, 0, "the file is empty", "write a campaign, or remove the file")
        if unquoted is None and (walk.plain_words or _TAIL.search(tree.source)):
            unquoted = find_unquoted(tree.source, spec)
        _say_unquoted(tree, unquoted or [], walk.plain_words)
    except Refused as refused:
        trouble = refused.trouble
        tree.data = None
        tree.add(trouble.line, trouble.column, trouble.problem, trouble.remedy)
    return tree


def _compose(tree: Tree, spec: Spec) -> list[Unquoted] | None:
    """Fill in the tree's nodes; returns the unquoted words if they had to be looked for.

    Where unquoted words keep YAML from reading the file, it is read as if they were quoted on
    their line, so that an author sees all the mistakes at once, each in its place.
    """
    try:
        tree.root = compose(tree.source)
    except yaml.YAMLError as error:
        unquoted = find_unquoted(tree.source, spec)
        if not unquoted:
            trouble = explain(error, tree.source)
            raise Refused(trouble.line, trouble.column, trouble.problem, trouble.remedy) from None
        quoted = _quoted(tree.source, unquoted)
        try:
            tree.root = compose(quoted)
        except yaml.YAMLError as second:
            _say_unquoted(tree, unquoted, [])
            trouble = explain(second, quoted)
            if not any(u.line <= trouble.line <= u.last for u in unquoted):
                tree.add(trouble.line, trouble.column, trouble.problem, trouble.remedy)
            return []
        tree.source = quoted
        return unquoted
    return None


def _quoted(source: str, unquoted: list[Unquoted]) -> str:
    """The source with those words quoted, every other line where it was."""
    lines = split_lines(source)
    for words in unquoted:
        line = lines[words.line]
        ending = line[len(line.rstrip("\r\n")) :]
        text = "\n".join(words.text)
        if words.kind == "open":
            text = text[1:] or " "
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        escaped = escaped.replace("\t", "\\t")
        lines[words.line] = f'{line[: words.column]}"{escaped}"{ending}'
        for number in range(words.line + 1, words.last + 1):
            lines[number] = lines[number][len(lines[number].rstrip("\r\n")) :]
    return "".join(lines)


def _say_unquoted(tree: Tree, unquoted: list[Unquoted], plain: list[Any]) -> None:
    """The findings for unquoted words: the line, and the same text corrected."""
    said: set[int] = set()
    for words in unquoted:
        said.update(range(words.line, words.last + 1))
        label = f"the line says `{words.label} {words.text[0]}`"
        if words.kind == "tail":
            problem = f"what stands after the quotation marks would be left out; {label}"
            remedy = f"put all of it inside the quotation marks or a block:\n{_block(words)}"
        elif words.kind == "open":
            problem = f"a quotation mark opens and does not close where the text ends; {label}"
            remedy = f"write the text as a block:\n{_block(words)}"
        else:
            problem = f"words that will be read by people must be in quotes or a `|` block; {label}"
            remedy = f"write\n{words.shown}"
        tree.add(words.line, words.column, problem, remedy)
    for node in plain:
        mark = node.start_mark
        if mark.line in said:
            continue
        if node.value == "":
            problem, remedy = "there are no words here", "write them, or remove the line"
        else:
            problem = "words that will be read by people must be in quotes or a `|` block"
            text = node.value if isinstance(node.value, str) else ""
            simple = text and not set(text) & {'"', "\\", "\n"}
            remedy = f'write `"{text}"`' if simple else "put them in quotes"
        tree.add(mark.line, mark.column, problem, remedy)


def _block(words: Unquoted) -> str:
    return f"{words.label} |\n" + "\n".join(f"  {line}" for line in words.text)


_PROPERTIES = ("&", "!")
_FOLDED = (
    "a `>` block joins lines, so what is published would not look like this",
    "write `|` instead of `>`",
)
_BRACES = "put text with brackets or braces in quotation marks"


class _Walk:
    """From nodes to data, refusing what a reader of the file would not expect."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.source = tree.source
        self.nodes = 0
        self.plain_words: list[Any] = []

    def data(self, node: Any, spec: Spec, depth: int) -> Any:
        mark = node.start_mark
        index = mark.index
        if self.source[index : index + 1] in _PROPERTIES:
            if spec.words:
                self.plain_words.append(node)
                return "words"
            self._refuse_property(mark)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Refused(
                mark.line, mark.column, "the file has too many entries", "make several files of it"
            )
        if node.__class__ is yaml.ScalarNode:
            return self._scalar(node, spec)
        if depth > MAX_DEPTH:
            raise Refused(mark.line, mark.column, *TOO_DEEP)
        if spec.words:
            self.plain_words.append(node)
            return "words"
        if node.__class__ is yaml.SequenceNode:
            entry = spec.entry
            return [self.data(child, entry, depth + 1) for child in node.value]
        return self._mapping(node, spec, depth)

    def _scalar(self, node: Any, spec: Spec) -> str | None:
        value: str = node.value
        if spec.words:
            if not node.style:
                self.plain_words.append(node)
                return value or None
            if node.style == ">":
                mark = node.start_mark
                self.tree.add(mark.line, mark.column, *_FOLDED)
            return value.removesuffix("\n") if node.style in "|>" else value
        return value if value or node.style else None

    def _mapping(self, node: Any, spec: Spec, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if key_node.__class__ is not yaml.ScalarNode:
                raise Refused(mark.line, mark.column, "a key must be one word", _BRACES)
            if self.source[mark.index : mark.index + 1] in _PROPERTIES:
                self._refuse_property(mark)
            key = key_node.value
            value = self.data(value_node, spec.at(key), depth + 1)
            if key in data:
                self.tree.add(
                    mark.line,
                    mark.column,
                    f"`{key}` is written twice here",
                    "keep one of the two",
                )
            elif key == "<<":
                self.tree.add(
                    mark.line, mark.column, "merge keys (<<) are not allowed", "write the keys out"
                )
            else:
                data[key] = value
                if value is None and not spec.at(key).words:
                    self.tree.add(
                        mark.line,
                        mark.column,
                        f"`{key}` has no value",
                        "write one after the colon, or remove the line",
                    )
        return data

    def _refuse_property(self, mark: Any) -> None:
        sign = self.source[mark.index]
        what = "anchors (&name) and aliases (*name)" if sign == "&" else "tags (!name)"
        raise Refused(
            mark.line,
            mark.column,
            f"{what} are not allowed",
            "write the value out, or in quotation marks if it is text",
        )

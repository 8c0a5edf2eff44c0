"""What YAML says about a file it cannot read, in words an author can act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Trouble:
    """A place (0-based) and what to say of it."""

    line: int
    column: int
    problem: str
    remedy: str


QUOTE_IT = "put the whole value in quotation marks"
_BY_CHARACTER = {
    "\t": (
        "a tab stands where only spaces may",
        "indent with spaces (most editors can replace the tabs)",
    ),
    "@": ("a value cannot begin with @ outside quotation marks", QUOTE_IT),
    "`": ("a value cannot begin with a backtick outside quotation marks", QUOTE_IT),
    "%": ("a value cannot begin with % outside quotation marks", QUOTE_IT),
}
_BY_PROBLEM = (
    (
        "found undefined alias",
        "aliases (*name) are not allowed",
        "write the value out, or in quotation marks if it is text",
    ),
    (
        "found duplicate anchor",
        "anchors (&name) are not allowed",
        "remove the &name, or put the value in quotation marks if it is text",
    ),
    (
        "another document",
        "a second document begins here",
        "one file holds one campaign: remove the line `---` or make a second file",
    ),
    (
        "mapping values are not allowed",
        "a second `: ` in one line, or a line that is indented too far",
        "put the value in quotation marks, or line this up with the lines above",
    ),
    (
        "block sequence entries are not allowed",
        "a list item `- ` cannot stand here",
        "begin the list on the next line, or put the value in quotation marks",
    ),
    (
        "unknown escape character",
        "a backslash \\ in double quotation marks means something special",
        "write `\\\\` for one backslash, or use a `|` block",
    ),
    ("undefined tag handle", "tags (!name) are not allowed", "remove the tag"),
    (
        "could not find expected ':'",
        "this line is not `key: value`",
        "add the colon and a space, or indent the line to belong to the one above",
    ),
    (
        "did not find expected ',' or",
        "a `[` or `{` is not closed",
        "close it with `]` or `}`, or put the value in quotation marks",
    ),
    (
        "did not find expected '-' indicator",
        "this line does not belong to the list above it",
        "line it up with its neighbours: two spaces for each step inwards",
    ),
    (
        "did not find expected key",
        "this does not fit what stands before it",
        "line it up with its neighbours, two spaces for each step inwards; "
        "and put text in quotation marks or a `|` block",
    ),
    (
        "expected <block end>",
        "this does not fit what stands before it",
        "line it up with its neighbours, two spaces for each step inwards",
    ),
    (
        "did not find expected node content",
        "a bracket or sign stands where a value should be",
        QUOTE_IT,
    ),
    ("document start", "this does not fit what stands before it", QUOTE_IT),
    (
        "indentation",
        "the number of spaces in front of this line is not clear",
        "indent the lines of a `|` block by two spaces more than the line above it",
    ),
)


def explain(error: yaml.YAMLError, source: str) -> Trouble:
    """The place and the plain words for an error of the YAML parser on `source`."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "")
    context = str(getattr(error, "context", None) or "")
    context_mark = getattr(error, "context_mark", None)
    if mark is None:
        return Trouble(0, 0, "this is not a YAML file", "compare it with the samples")
    if "quoted scalar" in context and "unexpected" in problem and context_mark is not None:
        return Trouble(
            context_mark.line,
            context_mark.column,
            "a quotation mark opens here and is never closed",
            "close it, or write the text as a `|` block",
        )
    if "cannot start any token" in problem or "tab" in problem:
        said = _BY_CHARACTER.get(source[mark.index : mark.index + 1])
        if said:
            return Trouble(mark.line, mark.column, *said)
    begun = ("',' or" in problem or "expected ':'" in problem) and context_mark is not None
    place: Any = context_mark if begun else mark
    for fragment, said_problem, said_remedy in _BY_PROBLEM:
        if fragment in problem or fragment in context:
            return Trouble(place.line, place.column, said_problem, said_remedy)
    return Trouble(mark.line, mark.column, "this cannot be read as YAML", QUOTE_IT)

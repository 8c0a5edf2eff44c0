"""From a file's bytes to YAML's node graph, refusing what could hurt or surprise on the way."""

from __future__ import annotations

import re
from typing import Any

import yaml

from social_scheduler.campaign.yaml_errors import Trouble

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
TOO_DEEP = (
    f"more than {MAX_DEPTH} levels inside one another",
    "put text with brackets in quotation marks, and remove the extra levels",
)

_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_DEEP = re.compile(r"^[ \-?:]{100}", re.MULTILINE)
_BREAK = re.compile(r"\r\n|\r|\n")


class Refused(Exception):
    """The file cannot be read on; carries the place and the words."""

    def __init__(self, line: int, column: int, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.trouble = Trouble(line, column, problem, remedy)


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_MANY_BRACKETS = 2000 if hasattr(yaml, "CSafeLoader") else 50
"""As deep as nesting may be before recursion hurts the parser at hand."""


class _Loader(_Base):  # type: ignore[misc]
    """Composes nodes without guessing what their scalars mean."""

    def resolve(self, kind: object, value: object, implicit: object) -> str:
        return ""

    def descend_resolver(self, node: object, index: object) -> None:
        """Nothing depends on where a node stands."""

    def ascend_resolver(self) -> None:
        """Likewise."""


def too_big(size: int) -> tuple[str, str]:
    return (
        f"the file has {size / 1_000_000:.1f} MB; a campaign file may have 1 MB",
        "make several files of it; pictures belong in files of their own",
    )


def decoded(source: bytes) -> str:
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(0, 0, "the file is in UTF-16", "save it as UTF-8")
    if len(source) > MAX_BYTES:
        raise Refused(0, 0, *too_big(len(source)))
    body = source.removeprefix(b"\xef\xbb\xbf")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        good = body[: error.start].decode()
        line, column = _place(good, len(good))
        byte = body[error.start]
        raise Refused(
            line,
            column,
            f"the byte {byte:#04x} here is not UTF-8",
            "save the file as UTF-8 (it looks like an older Windows encoding)",
        ) from None
    match = _FORBIDDEN.search(text)
    if match:
        line, column = _place(text, match.start())
        code = ord(match[0])
        problem = f"an invisible character (U+{code:04X}) stands here"
        breaks = code in (0x85, 0x2028, 0x2029)
        remedy = "delete it and press Enter for a new line" if breaks else "delete it"
        raise Refused(line, column, problem, remedy)
    directive = _DIRECTIVE.search(text)
    if directive:
        line, column = _place(text, directive.start())
        raise Refused(line, column, "a line that begins with % is not allowed", "remove it")
    return text


def _place(text: str, index: int) -> tuple[int, int]:
    lines = _BREAK.split(text[:index])
    return len(lines) - 1, len(lines[-1])


def compose(source: str) -> Any:
    """The node graph of the one document; too deep a nesting is refused before it is built."""
    if source.count("[") + source.count("{") > _MANY_BRACKETS or _DEEP.search(source):
        _refuse_depth(source)
    loader = _Loader(source)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _refuse_depth(source: str) -> None:
    """The C parser builds nodes by recursion, so depth is measured on its events first."""
    loader = _Loader(source)
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    mark: Any = event.start_mark
                    raise Refused(mark.line, mark.column, *TOO_DEEP)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()

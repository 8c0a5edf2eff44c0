"""The few pieces of Markdown that the generated pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

NOTE = "<!-- Made from the code by `python3 dev.py docs`. Change the code, not this page. -->"


def page(title: str, lines: Iterable[str]) -> str:
    """A whole page."""
    return "\n".join([NOTE, "", f"# {title}", "", *(line.rstrip(" ") for line in lines), ""])


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; cells keep their bars and their line."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def code(text: str) -> str:
    """Text as typed."""
    return f"`{text}`"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())

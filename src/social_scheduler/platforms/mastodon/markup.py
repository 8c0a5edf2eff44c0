"""Reads the words of a post out of the HTML that Mastodon servers make of them."""

from __future__ import annotations

from html.parser import HTMLParser

_PARAGRAPHS = frozenset({"p", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})
_LINES = frozenset({"li", "div"})
_VOID = frozenset({"br", "img", "hr", "wbr"})
_NOT_OURS = "quote-inline"
"""The class of the line that newer servers put in front of a quoting post for older ones."""


def words(html: str) -> str:
    """The text of a post: paragraphs divided by an empty line, lines by a line break.

    Nothing is left out that a reader could see or that makes up an address: servers hide the
    beginning and end of long addresses in invisible spans.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.pieces).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._open: list[tuple[str, bool]] = []  # each tag, and whether its content is not ours

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._add("\n")
        elif tag in _PARAGRAPHS:
            self._separate("\n\n")
        elif tag in _LINES:
            self._separate("\n")
        if tag not in _VOID:
            self._open.append((tag, _NOT_OURS in (dict(attrs).get("class") or "").split()))

    def handle_endtag(self, tag: str) -> None:
        for n in range(len(self._open) - 1, -1, -1):
            if self._open[n][0] == tag:
                del self._open[n:]
                break

    def handle_data(self, data: str) -> None:
        lines = data.split("\n")
        for n, line in enumerate(lines):
            if n and self.pieces and not self.pieces[-1].endswith("\n"):
                self._add(" ")  # a line break in the source is a space, unless it follows a <br>
            self._add(line)

    def _separate(self, by: str) -> None:
        if self.pieces:
            self._add(by)

    def _add(self, text: str) -> None:
        if text and not any(hidden for _, hidden in self._open):
            self.pieces.append(text)

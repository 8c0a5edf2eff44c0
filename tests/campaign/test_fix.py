"""`fix` quotes unquoted words and leaves every other byte alone."""

from __future__ import annotations

import difflib
import string

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from social_scheduler.campaign.fix import fix
from social_scheduler.campaign.reader import read
from social_scheduler.campaign.schema import Campaign
from social_scheduler.campaign.words import spec_of

SPEC = spec_of(Campaign)
FILE = """\
# A remark that stays
campaign: a   # and this one
title: "Kept"
posts:

  - id: one
    at: Monday 10:30   # a remark
    text:
      en: {0}
      ar: |
        # not a remark
        en: not a key
      # between
      fr: 'Kept: #too'
    tags: [a, b]
  - id: two
    thread:
      en:
        - {1}
        - "kept"
"""


def file(first: str, second: str = '"kept"') -> str:
    """The file with these two values."""
    return FILE.replace("{0}", first).replace("{1}", second)


LINE = st.text(
    st.one_of(
        st.sampled_from(list(string.printable.replace("\r", "").replace("\n", "")[:95])),
        st.sampled_from(list("#@:{}[]&*!|>'\"%`,-? ")),
        st.sampled_from(["م", "ر", "é", "—", "🌱", "\u00a0", "\u200f"]),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(LINE)
def test_the_fixed_file_says_exactly_what_stood_on_the_line(line: str) -> None:
    words = line.strip(" \t")
    assume(words and words[0] not in "\"'" and words[0] not in "|>" and words != "#")
    assume(not words.startswith("# "))
    fixed = fix(file(words, words))
    tree = read(fixed.encode(), "a.yaml", SPEC)
    assert tree.findings == []
    assert tree.data["posts"][0]["text"]["en"] == words
    assert tree.data["posts"][1]["thread"]["en"][0] == words
    assert tree.data["posts"][0]["text"]["ar"] == "# not a remark\nen: not a key"


@settings(max_examples=200, deadline=None)
@given(LINE)
def test_nothing_else_changes(line: str) -> None:
    words = line.strip(" \t")
    assume(words)
    before = file(words)
    changed = [
        entry
        for entry in difflib.ndiff(before.splitlines(), fix(before).splitlines())
        if entry.startswith("- ")
    ]
    assert changed in ([], [f"-       en: {words}"])


@settings(max_examples=200, deadline=None)
@given(LINE, LINE)
def test_fixing_twice_is_fixing_once(first: str, second: str) -> None:
    once = fix(file(first, second))
    assert fix(once) == once


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_comes_back_without_an_exception(text: str) -> None:
    fix(text)


def test_a_good_file_stays_as_it_is() -> None:
    good = file('"kept"')
    assert fix(good) == good


def test_line_endings_and_a_missing_last_one_are_kept() -> None:
    before = file('@home says "yes"').replace("\n", "\r\n").removesuffix("\r\n")
    fixed = fix(before)
    assert "\n" not in fixed.replace("\r\n", "")
    assert 'en: |\r\n        @home says "yes"\r\n      ar: |\r\n' in fixed
    assert not fixed.endswith("\n")


def test_a_byte_order_mark_is_kept() -> None:
    assert fix("\ufefftitle: a #b\n") == '\ufefftitle: "a #b"\n'


def test_lines_that_go_on_become_one_block() -> None:
    fixed = fix(file("first #a\n        second, b\n\n        third"))
    assert "en: |\n        first #a\n        second, b\n\n        third\n" in fixed


def test_what_only_a_person_can_decide_is_left() -> None:
    for value in ('"Home" #again', '"Home', "{en: Home}"):
        text = f"title: {value}\n" if value[0] == '"' else f"media: {value}\n"
        assert fix(text) == text

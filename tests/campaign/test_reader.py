"""The reader keeps what was typed, knows every place, and survives any bytes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from social_scheduler.campaign.load import load_campaign, load_campaign_bytes
from social_scheduler.campaign.nodes import MAX_BYTES
from social_scheduler.campaign.reader import read, read_file
from social_scheduler.campaign.schema import Campaign
from social_scheduler.campaign.tree import Tree
from social_scheduler.campaign.words import Spec, spec_of

WORDS = Spec(keys={"a": Spec(words=True)})


def data(source: str) -> object:
    """The data of a source without mistakes."""
    tree = read(source.encode(), "file.yaml")
    assert tree.findings == []
    return tree.data


def only(tree: Tree) -> str:
    """The one finding, as people see it."""
    assert len(tree.findings) == 1
    return str(tree.findings[0])


@pytest.mark.parametrize(
    "typed", ["no", "yes", "on", "null", "~", "17:30", "2027-01-11", "2", "0x1F", "1e3", "1_000"]
)
def test_scalars_stay_as_they_were_typed(typed: str) -> None:
    assert data(f"key: {typed}\nlist: [{typed}]\n{typed}: value\n") == {
        "key": typed,
        "list": [typed],
        typed: "value",
    }


def test_a_plain_value_left_out_is_none_and_said() -> None:
    tree = read(b"a: b\nkey:\n", "file.yaml")
    assert tree.data == {"a": "b", "key": None}
    assert only(tree).startswith("file.yaml:2:1: `key` has no value: ")


def test_a_quoted_nothing_is_an_empty_text() -> None:
    assert data('key: ""\n') == {"key": ""}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("|\n  one\n  two\n", "one\ntwo"),
        ("|\n  one\n\n  two\n\n\n", "one\n\ntwo"),
        ("|-\n  one\n", "one"),
        ("|+\n  one\n\n", "one\n"),
        ("|2\n    one\n", "  one"),
        ("|\n  one\n   two\n", "one\n two"),
        ("|\n  one #tag: {x} @y\n", "one #tag: {x} @y"),
        ("|\n  one", "one"),
        ('"one\\ntwo\\n"', "one\ntwo\n"),
        ("'it''s'", "it's"),
    ],
)
def test_blocks_keep_their_breaks_but_the_last(block: str, words: str) -> None:
    tree = read(f"a: {block}".encode(), "file.yaml", WORDS)
    assert tree.findings == []
    assert tree.data == {"a": words}


def test_blocks_read_alike_with_any_line_ending() -> None:
    for ending in ("\n", "\r\n", "\r"):
        source = "a: |\n  one\n  two\n".replace("\n", ending)
        assert read(source.encode(), "file.yaml", WORDS).data == {"a": "one\ntwo"}


def test_a_byte_order_mark_moves_nothing() -> None:
    tree = read("\ufeffa: b\n".encode(), "file.yaml")
    assert tree.data == {"a": "b"}
    assert tree.position(("a",)) == (1, 4)


def test_every_place_is_known() -> None:
    tree = read(b"a:\n  - b: c\n    d: [e, 'f']\n", "file.yaml")
    assert tree.key_position(("a", 0, "d")) == (3, 5)
    assert tree.position(("a", 0, "d")) == (3, 8)
    assert tree.position(("a", 0, "d", 1)) == (3, 12)
    assert tree.style(("a", 0, "d", 1)) == "'"
    assert tree.position(("a", 0, "missing", "deeper")) == (2, 5)


def test_a_character_of_a_block_has_its_own_place() -> None:
    source = "x: 1\na: |\n\n    one\n    two three\n"
    tree = read(source.encode(), "file.yaml", WORDS)
    assert tree.data["a"] == "\none\ntwo three"
    assert tree.words_position(("a",), tree.data["a"].index("three")) == (5, 9)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"a: \xff\n", "file.yaml:1:4: the byte 0xff here is not UTF-8"),
        ("é: ok\nà: x".encode() + b"\xe9\n", "file.yaml:2:5: the byte 0xe9 here is not UTF-8"),
        ("a: b".encode("utf-16"), "file.yaml:1:1: the file is in UTF-16"),
        (b"", "file.yaml:1:1: the file is empty"),
        (b"# only a remark\n", "file.yaml:1:1: the file is empty"),
        (b"a: b\0\n", "file.yaml:1:5: an invisible character (U+0000)"),
        (b"%TAG ! !x\n---\na: b\n", "file.yaml:1:"),
        (b"a: {b: {c: " * 500, "file.yaml:1:"),
        (b"- " * 4000, "file.yaml:1:"),
        (b"[" * 900_000, "file.yaml:1:25: more than 24 levels"),
        (b"? " * 100_000, "file.yaml:1:"),
        (b"a: [" + b"b," * 200_001 + b"b]", "file.yaml:1:"),
        (b"x" * (MAX_BYTES + 1), "file.yaml:1:1: the file has 1.0 MB"),
    ],
)
def test_what_cannot_be_read_is_one_finding_at_its_place(source: bytes, expected: str) -> None:
    tree = read(source, "file.yaml")
    assert tree.data is None
    assert only(tree).startswith(expected)


def test_aliases_never_multiply() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x]"]
    lines += [
        f"{c}: &{c} [{', '.join(['*' + p] * 8)}]" for p, c in zip("abcdefg", "bcdefgh", strict=True)
    ]
    assert "anchors" in only(read("\n".join(lines).encode(), "bomb.yaml"))


def test_a_10_mb_file_is_refused_unread(tmp_path: Path) -> None:
    big = tmp_path / "big.yaml"
    with big.open("wb") as file:
        file.truncate(10_000_000)
    found = only(read_file(big, "big.yaml"))
    assert found.startswith("big.yaml:1:1: the file has 10.0 MB; ")
    assert "make several files" in found


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "loop"])
def test_what_is_no_file_is_a_finding(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    loaded = load_campaign(path, tmp_path)
    assert loaded.campaign is None
    assert [(f.file, f.line, f.column) for f in loaded.findings] == [("x.yaml", 1, 1)]


def test_all_mistakes_of_a_file_are_named_at_once() -> None:
    source = (
        "campaign: A\nkind: news\ntitle: @home\nowner: amal\ntimezone: UTC\nto: x-en\n"
        "posts:\n  - id: a\n    at: 2027-01-11 10:30\n    text:\n      en: Note: #home\n"
    )
    loaded = load_campaign_bytes(source.encode(), Path("a.yaml"), "a.yaml")
    assert loaded.campaign is None
    assert [(f.line, f.column) for f in loaded.findings] == [(1, 11), (3, 8), (6, 5), (11, 11)]


FRAGMENTS = st.sampled_from(
    [
        "campaign: a\n", "kind: news\n", "title: ", '"', "'", "posts:\n", "  - id: a\n",
        "    text:\n", "      en: ", "|\n", ">\n", "        ", "@x", "#x", " #x", ": ", "- ", "{",
        "}", "[", "]", "&a ", "*a", "!t ", "? ", "%", "`", "\t", "\n", "\r\n", "\r", "---\n",
        "...\n", "\u202e", "\u2028", "\x85", "é", "م", "👩‍👩‍👧", "null", "~", "<<: ", "\\", ",",
        "    thread:\n", "        - ", "media:\n", "    alt: ", "variants:", "media_by_part: {1: [a]}",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300), st.lists(FRAGMENTS, max_size=40).map("".join).map(str.encode)
    )
)
@example(b"a: &a [*a]")
@example(b"title: &a\nposts: *a")
@example(b"{[a]: b}")
@example(b"title: !x {a: b}\n")
def test_any_bytes_give_findings_or_a_campaign(source: bytes) -> None:
    loaded = load_campaign_bytes(source, Path("a.yaml"), "a.yaml")
    assert loaded.findings or isinstance(loaded.campaign, Campaign)
    lines = len(source) + 1
    for found in loaded.findings:
        assert 1 <= found.line <= lines
        assert found.column >= 1
        assert found.problem
        assert found.remedy


def test_deep_nesting_is_refused_in_a_thread_too() -> None:
    """Threads have smaller stacks than the main program."""
    found: list[str] = []
    source = b"[" * 1990 + b"]" * 1990
    thread = threading.Thread(target=lambda: found.append(only(read(source, "a.yaml"))))
    thread.start()
    thread.join()
    assert found
    assert "levels" in found[0]


def test_the_places_for_words_come_from_the_models() -> None:
    spec = spec_of(Campaign)
    post = spec.at("posts").entry
    assert spec.at("title").words
    assert spec.at("media").at("any").at("alt").at("en").words
    assert post.at("text").at("ar").words
    assert post.at("thread").at("ar").entry.words
    assert post.at("variants").at("x").at("text").at("fr").words
    assert not post.at("link").words
    assert not spec.at("owner").words

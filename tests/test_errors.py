"""What a network says is kept so that every database takes it and people can read it."""

from __future__ import annotations

import json

import pytest

from social_scheduler.errors import PlatformError, Refused, Unauthorized, plain, plain_name


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("bad \0 request", r"bad \x00 request"),
        ("bad \ud800 request", r"bad \ud800 request"),
        ("\x1b[2J cleared \r\x07 \x9b31m", r"\x1b[2J cleared \x0d\x07 \x9b31m"),
        ("صباح الخير 🕊 — two\nlines\tand a tab", "صباح الخير 🕊 — two\nlines\tand a tab"),
    ],
)
def test_only_what_no_database_keeps_or_a_terminal_obeys_is_written_out(
    said: str, kept: str
) -> None:
    assert plain(said) == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("amal@example.org", "amal@example.org"),
        ("رنا", "رنا"),
        ("amal\nall is well", r"amal\u000aall is well"),
        ("\u202egro.live", r"\u202egro.live"),
        ("\ud800\0", r"\ud800\x00"),
        ("a" * 300, "a" * 300),
        ("a" * 301, "a" * 299 + "…"),
        ("\0" * 300, (r"\x00" * 75)[:299] + "…"),
    ],
)
def test_a_name_stands_on_one_line_and_is_not_long(said: str, kept: str) -> None:
    assert plain_name(said) == kept


@pytest.mark.parametrize("kind", [PlatformError, Refused])
def test_a_networks_problem_and_evidence_are_plain(kind: type[PlatformError]) -> None:
    body: str = json.loads(r'"\u0000 and \ud800"')

    problem = kind(f"refused: {body}", evidence=f"400 {body}")

    assert problem.problem == r"refused: \x00 and \ud800"
    assert problem.evidence == r"400 \x00 and \ud800"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Invalid identifier or password", "Invalid identifier or password. Sign in."),
        ("Not now.", "Not now. Sign in."),
        ("Who? ", "Who? Sign in."),
    ],
)
def test_a_networks_words_end_before_what_to_do_about_them(words: str, told: str) -> None:
    assert str(Unauthorized(words, "Sign in.")) == told
    assert Unauthorized(words).problem == words.rstrip()

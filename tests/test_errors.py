"""What a network says is kept so that every database takes it and people can read it."""

from __future__ import annotations

import json

import pytest

from social_scheduler.errors import PlatformError, Refused, plain


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("bad \0 request", r"bad \x00 request"),
        ("bad \ud800 request", r"bad \ud800 request"),
        ("صباح الخير 🕊 — two\nlines", "صباح الخير 🕊 — two\nlines"),
    ],
)
def test_only_characters_that_no_database_keeps_are_written_out(said: str, kept: str) -> None:
    assert plain(said) == kept


@pytest.mark.parametrize("kind", [PlatformError, Refused])
def test_a_networks_problem_and_evidence_are_plain(kind: type[PlatformError]) -> None:
    body: str = json.loads(r'"\u0000 and \ud800"')

    problem = kind(f"refused: {body}", evidence=f"400 {body}")

    assert problem.problem == r"refused: \x00 and \ud800"
    assert problem.evidence == r"400 \x00 and \ud800"

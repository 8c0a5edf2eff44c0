"""The published suite can be run from outside: cases of every kind in its shape, written by us."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.twitter_text_suite import cases, failures, main

SUITE = r"""
tests:
  WeightedTweetsWithDiscountedEmojiCounterTest:
    - {description: a family is one emoji, text: "\U0001F468\u200D\U0001F469\u200D\U0001F467", expected: {weightedLength: 2, valid: true, permillage: 7}}
    - {description: an address is 23, text: "Read https://example.org/a now", expected: {weightedLength: 32, valid: true}}
    - {description: nothing is no post, text: "", expected: {weightedLength: 0, valid: false}}
    - {description: a byte order mark is refused, text: "a\uFEFF", expected: {weightedLength: 3, valid: false}}
  WeightedTweetsCounterTest:
    - {description: before emoji were one each, text: "\uD83D\uDC68\u200D\uD83D\uDC69", expected: {weightedLength: 5, valid: true}}
    - {description: an address was 23 before too, text: "漢 example.org", expected: {weightedLength: 26, valid: true}}
  UnicodeDirectionalMarkerCounterTest:
    - {description: marks count two, text: "\u200Fأهلا", expected: {weightedLength: 6, valid: true}}
  hashtags:
    - {description: a whole one, text: "#\u0643\u0644\u0645\u0629", expected: true}
    - {description: found in a text, text: "(#كلمة) و#no #one_two, #3", expected: ["كلمة", "one_two"]}
  hashtags_with_indices:
    - {description: with its place, text: "😀 #café", expected: [{hashtag: café, indices: [2, 7]}]}
  mentions:
    - {description: no servers, text: ".@one @two@example.org me@three @four.five", expected: [one, four]}
  mentions_with_indices:
    - {description: with its place, text: "の@one", expected: [{screen_name: one, indices: [1, 5]}]}
  mentions_or_lists_with_indices:
    - {description: lists are not ours, text: "@one/list", expected: []}
  urls:
    - {description: found, text: "(https://example.org/a_(b)) example.com.", expected: ["https://example.org/a_(b)", example.com]}
  urls_with_indices:
    - {description: with its place, text: "a https://example.org/", expected: [{url: "https://example.org/", indices: [2, 22]}]}
  urls_with_directional_markers:
    - {description: with its place among marks, text: "\u2066\u202Aexample.org\u202C\u2069", expected: [{url: example.org, indices: [2, 13]}]}
  tco_urls_with_params:
    - {description: a short one, text: "https://t.co/abc?amp=1", expected: ["https://t.co/abc?amp=1"]}
  hashtags_from_astral:
    - {description: "written as halves, \uD840\uDC21", text: "#\uD840\uDC21", expected: ["\uD840\uDC21"]}
  country:
    - {description: iq, text: "https://example.iq", expected: ["https://example.iq"]}
  cashtags:
    - {description: not ours, text: "$ONE", expected: [ONE]}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A file such as X publishes."""
    path = tmp_path / "validate.yml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def test_cases_of_every_kind_pass(suite: Path) -> None:
    ran: Counter[str] = Counter()
    left: Counter[str] = Counter()
    assert list(failures(cases(suite), ran, left)) == []
    assert ran.total() == 18
    assert sorted(left) == ["cashtags", "mentions_or_lists_with_indices"]


def test_a_case_that_fails_is_told_and_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "extract.json"
    case = {"description": "wrong on purpose", "text": "a #tag", "expected": ["other"]}
    path.write_text(json.dumps({"tests": {"hashtags": [case]}}))
    assert main([str(path)]) == 1
    said = capsys.readouterr().out
    assert "FAILED hashtags: wrong on purpose" in said
    assert "0 passed, 1 failed" in said


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "x.yml: it cannot be read: No such file or directory."),
        (b"\xff\xfe", "x.yml: it cannot be read: it is not UTF-8."),
        (b"tests:\n  urls: [", "x.yml:2:10: it is neither YAML nor JSON: "),
        (b"- one\n- two\n", "x.yml: it is no suite: `tests` with groups is expected"),
        (b"tests: [1]\n", "x.yml: it is no suite"),
        (b"tests: {urls: [{text: a}]}\n", "x.yml: it is no suite"),
        (b"", "x.yml: it is no suite"),
    ],
)
def test_a_file_that_is_no_suite_is_told_with_place_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, told: str
) -> None:
    path = tmp_path / "x.yml"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path}/{told}" in said
    assert "Name files of conformance/" in said
    assert "Traceback" not in said


def test_a_suite_of_nothing_we_do_is_no_success(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("tests: {urls: [{description: odd, text: a, expected: null}]}\n")
    assert main([str(path)]) == 2


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0), (["--urls", "x"], 2)])
def test_it_says_what_it_is_for_and_which_files_it_takes(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
    said = "".join(capsys.readouterr())
    assert "usage: python3 dev.py conformance [-h] FILE [FILE ...]" in said
    assert ("the test suite that X publishes" in said) == (code == 0)

"""Runs the test suite that X publishes with twitter-text (its YAML or JSON files) against our text.

The suite is X's and is not part of this project: `python3 dev.py conformance FILE…` takes its
files from wherever they are. Of its groups, those are run that speak of what we do: counting, and
finding addresses, hashtags and mentions.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from social_scheduler import text
from social_scheduler.text import Span

LIMIT = 280
_NEVER = re.compile("[\ufffe\ufeff\uffff]")
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


class Case(NamedTuple):
    """One case of the suite."""

    group: str
    description: str
    text: str
    expected: Any


class Failure(NamedTuple):
    """What a case expects, and what we say."""

    case: Case
    ours: Any


class NoSuite(Exception):
    """A file that cannot be run; the text says where, why and what to do."""


def cases(path: Path) -> list[Case]:
    """Every case of one file."""
    remedy = "Name files of conformance/ in X's twitter-text, such as validate.yml."
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML too
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise NoSuite(f"{path}: it cannot be read: {why}. {remedy}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        why = getattr(error, "problem", None) or "a character that is not allowed"
        raise NoSuite(f"{place}: it is neither YAML nor JSON: {why}. {remedy}") from None
    try:
        return [
            Case(
                group,
                _whole(entry["description"]),
                _whole(entry["text"]),
                _wholes(entry["expected"]),
            )
            for group, entries in content["tests"].items()
            for entry in entries
        ]
    except (AttributeError, KeyError, TypeError):
        raise NoSuite(
            f"{path}: it is no suite: `tests` with groups is expected, and in each a list of "
            f"`description`, `text` and `expected`. {remedy}"
        ) from None


def _whole(words: str) -> str:
    """Characters that a file writes as two halves, joined."""
    return words.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _wholes(expected: Any) -> Any:
    """The same for what is expected, if it is a list of words."""
    if not isinstance(expected, list):
        return expected
    return [_whole(entry) if isinstance(entry, str) else entry for entry in expected]


def failures(found: Sequence[Case], ran: Counter[str], left: Counter[str]) -> Iterator[Failure]:
    """The cases in which we say something else; counts those run and those left out by group."""
    for case in found:
        ours = _ours(case)
        if ours is None:
            left[case.group] += 1
            continue
        ran[case.group] += 1
        if ours != _wanted(case.expected):
            yield Failure(case, ours)


def _ours(case: Case) -> Any:
    """What we say to a case; None where the group asks for something we do not do."""
    group, words = case.group, case.text
    if isinstance(case.expected, Mapping) and "weightedLength" in case.expected:
        count = text.weighted_length if group != "WeightedTweetsCounterTest" else _undiscounted
        weight = count(words)
        valid = 0 < weight <= LIMIT and _NEVER.search(words) is None
        return {"weightedLength": weight, "valid": valid}
    if isinstance(case.expected, bool):
        return {"hashtags": [_bare(s) for s in text.hashtags(words)] == [words[1:]]}.get(group)
    kind = _KINDS.get(group.removesuffix("_with_indices"))
    listed = isinstance(case.expected, list)
    if kind is None or group.startswith("mentions_or_lists") or not listed:
        return None
    spans = kind(words)
    if not any(isinstance(entry, Mapping) for entry in case.expected):
        return [_bare(span) for span in spans]
    key = {"mentions": "screen_name", "hashtags": "hashtag"}.get(group.partition("_")[0], "url")
    return [{key: _bare(span), "indices": [span.start, span.end]} for span in spans]


def _wanted(expected: Any) -> Any:
    """What of an expectation we speak of."""
    if isinstance(expected, Mapping):
        return {key: expected.get(key) for key in ("weightedLength", "valid")}
    return expected


def _bare(span: Span) -> str:
    return span.text.lstrip("@＠#＃") if span.text[0] in "@＠#＃" else span.text


_KINDS: Mapping[str, Callable[[str], list[Span]]] = {
    "mentions": partial(text.mentions_on, "x"),
    "hashtags": text.hashtags,
    "hashtags_from_astral": text.hashtags,
    "urls": text.links,
    "urls_with_directional_markers": text.links,
    "tco_urls_with_params": text.links,
    "country": text.links,
    "generic": text.links,
}


def _undiscounted(words: str) -> int:
    """X's count before emoji were one each (its configuration version 2)."""
    words = text.nfc(words)
    weight, at = 0, 0
    for span in [*text.links(words), Span(len(words), len(words), "")]:
        weight += sum(
            1 if any(first <= ord(c) <= last for first, last in _LIGHT) else 2
            for c in words[at : span.start]
        )
        weight += text.ADDRESS_WEIGHT if span.text else 0
        at = span.end
    return weight


def main(arguments: list[str]) -> int:
    """Run some files; exit code 1 when a case fails, 2 when a file cannot be run or none was."""
    parser = argparse.ArgumentParser(
        prog="python3 dev.py conformance",
        description="Counts and finds as X does: runs the test suite that X publishes with "
        "twitter-text against our own counting of texts, addresses, hashtags and mentions.",
        epilog="Exit code 1: a case fails. 2: a file cannot be run, or none of its cases.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a file of its folder conformance/, YAML or JSON: validate.yml extract.yml tlds.yml",
    )
    ran: Counter[str] = Counter()
    left: Counter[str] = Counter()
    failed = 0
    try:
        suites = [cases(path) for path in parser.parse_args(arguments).files]
    except NoSuite as problem:
        print(problem, file=sys.stderr)
        return 2
    for failure in (each for found in suites for each in failures(found, ran, left)):
        failed += 1
        case = failure.case
        print(f"FAILED {case.group}: {case.description}\n  {case.text!r}")
        print(f"  expected {_wanted(case.expected)!r}\n  ours     {failure.ours!r}")
    for group, count in sorted(ran.items()):
        print(f"{group}: {count}")
    if left:
        print("left out, for we do no such thing: " + ", ".join(sorted(left)))
    print(f"{ran.total() - failed} passed, {failed} failed")
    return 2 if not ran else int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs the test suite that X publishes with twitter-text (its YAML or JSON files) against our text.

The suite is X's and is not part of this project: `python3 dev.py conformance FILE…` takes its
files from wherever they are. Of its groups, those are run that speak of what we do: counting, and
finding addresses, hashtags and mentions.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
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


def cases(path: Path) -> Iterator[Case]:
    """Every case of one file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML too
    for group, entries in content["tests"].items():
        for entry in entries:
            told = _whole(entry["description"])
            yield Case(group, told, _whole(entry["text"]), _wholes(entry["expected"]))


def _whole(words: str) -> str:
    """Characters that a file writes as two halves, joined."""
    return words.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _wholes(expected: Any) -> Any:
    """The same for what is expected, if it is a list of words."""
    if not isinstance(expected, list):
        return expected
    return [_whole(entry) if isinstance(entry, str) else entry for entry in expected]


def failures(found: Iterator[Case], ran: Counter[str], left: Counter[str]) -> Iterator[Failure]:
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
    if kind is None or group.startswith("mentions_or_lists"):
        return None
    spans = kind(words)
    if not any(isinstance(entry, Mapping) for entry in case.expected):
        return [_bare(span) for span in spans]
    key = {"mentions": "screen_name", "hashtags": "hashtag"}.get(group.partition("_")[0], "url")
    return [{key: _bare(span), "indices": [span.start, span.end]} for span in spans]


def _wanted(expected: Any) -> Any:
    """What of an expectation we speak of."""
    if isinstance(expected, Mapping):
        return {key: expected[key] for key in ("weightedLength", "valid")}
    return expected


def _bare(span: Span) -> str:
    return span.text.lstrip("@＠#＃") if span.text[0] in "@＠#＃" else span.text


def _mentions(words: str) -> list[Span]:
    """Mentions as X knows them: without servers and domains."""
    found = []
    for span in text.mentions(words):
        name = re.match(r".\w+", span.text, re.ASCII)
        if name is not None and "@" not in span.text[1:]:
            found.append(Span(span.start, span.start + name.end(), name[0]))
    return found


_KINDS: Mapping[str, Callable[[str], list[Span]]] = {
    "mentions": _mentions,
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


def main(paths: list[str]) -> int:
    """Run some files; exit code 1 when a case fails, 2 when none was run."""
    if not paths:
        print("Name the suite's files: conformance/validate.yml extract.yml tlds.yml")
        return 2
    ran: Counter[str] = Counter()
    left: Counter[str] = Counter()
    failed = 0
    for path in map(Path, paths):
        for failure in failures(cases(path), ran, left):
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

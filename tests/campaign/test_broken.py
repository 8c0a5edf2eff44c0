"""Each file in broken/ has one mistake; its first lines say where, which reason, which remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from social_scheduler.campaign.checks import Rules, check_campaign
from social_scheduler.campaign.fix import fix
from social_scheduler.campaign.load import load_campaign_bytes

FILES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
HEAD = re.compile(r"# at (\d+):(\d+)\n# problem: (.*)\n# remedy: (.*)\n")
JARGON = re.compile(r"pydantic|Traceback|validation|Input should|type=|NoneType|<class|object at")

Place = Callable[[str], Path]


def test_there_are_at_least_45_different_mistakes() -> None:
    assert len(FILES) >= 45


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_mistake_is_named_at_its_place_with_a_remedy(
    file: Path, rules: Rules, place: Place
) -> None:
    source = file.read_bytes()
    head = HEAD.match(source.decode())
    assert head is not None
    loaded = load_campaign_bytes(source, place(file.name), file.name)
    errors = [f for f in check_campaign(loaded, rules) if not f.warning]
    assert errors, "nothing was found"
    found = errors[0]
    assert (found.file, found.line, found.column) == (file.name, int(head[1]), int(head[2]))
    assert head[3] in found.problem
    assert head[4].replace("\\n", "\n") in found.remedy
    assert not any(JARGON.search(str(f)) for f in errors)
    places = {(f.line, f.column) for f in errors}
    assert len(places) == 1 or file.stem in SEVERAL_PLACES


# One mistake that shows in several places: in each language, or for each account.
SEVERAL_PLACES = {"same-words-within-a-day", "embargo-after-the-campaign-expires"}

# Between braces a comma may end the words, so that one is left to a person.
FIXABLE = [f for f in FILES if f.stem.startswith("unquoted-") and "braces" not in f.stem]


@pytest.mark.parametrize("file", FIXABLE, ids=lambda file: file.stem)
def test_fix_mends_unquoted_words(file: Path, rules: Rules, place: Place) -> None:
    mended = fix(file.read_text("utf-8"))
    loaded = load_campaign_bytes(mended.encode(), place(file.name), file.name)
    assert [f for f in check_campaign(loaded, rules) if not f.warning] == []

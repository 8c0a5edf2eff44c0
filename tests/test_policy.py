"""Who must approve what: the strictest rule, and people counted once."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from social_scheduler.policy import DEFAULT_POLICY, Given, Policy, PolicyRule, Verdict, judge

WORDS, OTHER_WORDS, TIME, OTHER_TIME = "w", "w2", "t", "t2"


def rule(approvals: int, **lists: list[str]) -> PolicyRule:
    return PolicyRule.model_validate({"approvals": approvals, **lists})


def given(
    person: int,
    words: str = WORDS,
    time: str = TIME,
    *,
    counts: bool = True,
    window_only: bool = False,
) -> Given:
    return Given(person, words, time, counts, window_only)


def verdict(required: int | None, *approvals: Given) -> Verdict:
    return judge(required, approvals, content_digest=WORDS, window_digest=TIME)


def test_one_person_approves_a_spotlight_and_two_a_quote() -> None:
    assert DEFAULT_POLICY.required("spotlight", ["x-en"], "en") == 1
    for kind in ("quote", "correction", "condolence", "crisis"):
        assert DEFAULT_POLICY.required(kind, ["x-en"], "en") == 2


def test_the_strictest_of_all_matching_rules_counts_in_any_order() -> None:
    rules = [rule(1), rule(3, accounts=["x-main"]), rule(2, languages=["ar"])]

    for policy in (Policy(rules=rules), Policy(rules=rules[::-1])):
        assert policy.required("story", ["x-en"], "en") == 1
        assert policy.required("story", ["x-en"], "ar") == 2
        assert policy.required("story", ["x-main"], "ar") == 3
        assert policy.required("story", ["x-en", "x-main"], "en") == 3


def test_what_no_rule_speaks_of_is_never_approved() -> None:
    policy = Policy(rules=[rule(1, kinds=["story"], accounts=["x-en"])])

    assert policy.required("story", ["x-en"], "en") == 1
    assert policy.required("quote", ["x-en"], "en") is None
    assert policy.required("story", ["x-en", "x-fr"], "en") is None
    assert policy.required("story", [], "en") is None
    assert Policy(rules=[]).required("story", ["x-en"], "en") is None
    assert not verdict(None, given(1), given(2)).enough
    assert "no rule" in verdict(None, given(1)).missing


def test_an_empty_list_in_a_rule_matches_nothing() -> None:
    assert Policy(rules=[rule(1, kinds=[])]).required("story", ["x-en"], "en") is None


def test_a_rule_that_asks_for_nobody_is_refused() -> None:
    for number in (0, -1, 10):
        with pytest.raises(ValidationError):
            rule(number)


def test_one_person_counts_once() -> None:
    twice = verdict(2, given(1), given(1))

    assert (twice.words, twice.enough) == (1, False)
    assert twice.missing == "awaits 1 more approval"
    assert verdict(2, given(1), given(2)).enough


def test_approvals_that_ended_or_of_other_words_do_not_count() -> None:
    assert not verdict(1, given(1, counts=False)).enough
    assert not verdict(1, given(1, OTHER_WORDS)).enough
    assert not verdict(1).enough


def test_a_new_time_keeps_the_words_and_needs_one_person() -> None:
    moved = verdict(2, given(1, time=OTHER_TIME), given(2, time=OTHER_TIME))

    assert (moved.words, moved.window, moved.enough) == (2, False, False)
    assert moved.missing == "the new time awaits one approval"
    again = [given(1, time=OTHER_TIME), given(2, time=OTHER_TIME), given(1)]
    assert verdict(2, *again).enough


def test_an_approval_of_a_time_says_nothing_of_the_words() -> None:
    late = given(3, window_only=True)

    assert not verdict(1, late).enough
    assert verdict(1, given(1, time=OTHER_TIME), late).enough
    assert not verdict(2, given(1), late).enough
    assert not verdict(
        1, given(1, time=OTHER_TIME), given(3, window_only=True, counts=False)
    ).enough


def test_the_time_of_other_words_is_not_approved_with_them() -> None:
    assert not verdict(1, given(1, time=OTHER_TIME), given(2, OTHER_WORDS)).enough


def test_nothing_is_missing_exactly_when_it_is_enough() -> None:
    for found in (verdict(1), verdict(1, given(1)), verdict(None), verdict(2, given(1))):
        assert (found.missing == "") == found.enough

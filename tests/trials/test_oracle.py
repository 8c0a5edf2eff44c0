"""The judge of the trials catches each kind of broken promise, and lets honest runs pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from trials.oracle import (
    Again,
    Approved,
    DeliverySaid,
    Finding,
    Held,
    PartSaid,
    Record,
    Words,
    judge,
)

from social_scheduler.sandbox import LedgerEntry, LedgerMedia

DUE = datetime(2027, 1, 11, 9, 0, tzinfo=UTC)
WELL, SCHOOL = Words("The well gives water again."), Words("The school is open.")


def at(seconds: float) -> datetime:
    return DUE + timedelta(seconds=seconds)


def yes(*parts: Words, given: float = -3600, ended: float | None = None) -> Approved:
    return Approved(
        "week/well",
        "x-en",
        "well_en",
        parts or (WELL,),
        DUE,
        at(600),
        at(given),
        None if ended is None else at(ended),
    )


def entry(
    number: int, words: Words = WELL, *, seconds: float = 1, to: int | None = None
) -> LedgerEntry:
    media = tuple(LedgerMedia(sha256, alt) for sha256, alt in words.media)
    reply_to = str(to) if to else None
    return LedgerEntry(str(number), "Well_EN", words.text, media, reply_to, at(seconds), None)


def delivery(state: str, *parts: tuple[str, str | None], held: bool = False) -> DeliverySaid:
    told = ("claim", "begin", "confirm")
    numbered = tuple(PartSaid(n, state, remote) for n, (state, remote) in enumerate(parts, 1))
    return DeliverySaid("week/well", "x-en", state, numbered, held, told)


LIVE = delivery("published", ("live", "1"))


def found(
    ledger: list[LedgerEntry],
    final: DeliverySaid,
    *approved: Approved,
    again: tuple[Again, ...] = (),
    held: tuple[Held, ...] = (),
) -> list[str]:
    record = Record(list(approved) or [yes()], list(again), list(held))
    findings: list[Finding] = judge(ledger, record, [final], now=at(3600)).findings
    return [finding.kind for finding in findings]


def test_said_once_as_approved_and_in_time_is_fine() -> None:
    assert found([entry(1)], LIVE) == []


def test_a_thread_in_order_is_fine() -> None:
    thread = [entry(1), entry(2, SCHOOL, seconds=2, to=1)]
    assert (
        found(thread, delivery("published", ("live", "1"), ("live", "2")), yes(WELL, SCHOOL)) == []
    )


def test_the_same_words_twice_are_doubled() -> None:
    assert found([entry(1), entry(2, seconds=5)], LIVE) == ["doubled"]


def test_the_same_words_twice_are_fine_when_a_person_said_so_between() -> None:
    again = (Again("week/well", "x-en", at(3), at(900)),)
    final = delivery("published", ("live", "2"))
    assert found([entry(1), entry(2, seconds=5)], final, again=again) == []


def test_one_send_again_does_not_cover_two_repetitions() -> None:
    again = (Again("week/well", "x-en", at(3), at(900)),)
    ledger = [entry(1), entry(2, seconds=5), entry(3, seconds=6)]
    assert found(ledger, delivery("published", ("live", "3")), again=again) == ["doubled"]


@pytest.mark.parametrize("state", ["scheduled", "leased", "sending"])
def test_what_is_neither_live_nor_in_anybodys_sight_is_lost(state: str) -> None:
    assert found([], delivery(state, ("waiting", None))) == ["lost"]


@pytest.mark.parametrize("state", ["missed", "failed", "cancelled"])
def test_what_a_person_sees_is_not_lost(state: str) -> None:
    assert found([], delivery(state, ("waiting", None))) == []


def test_what_is_unconfirmed_is_not_lost_whether_it_is_there_or_not() -> None:
    final = delivery("unconfirmed", ("unconfirmed", None))
    assert found([], final) == []
    assert found([entry(1)], final) == []


def test_what_is_held_is_not_lost() -> None:
    assert found([], delivery("scheduled", ("waiting", None), held=True)) == []


def test_what_was_approved_and_is_gone_from_the_database_is_lost() -> None:
    findings = judge([], Record([yes()]), [], now=at(3600)).findings
    assert [f.kind for f in findings] == ["lost"]


def test_words_that_nobody_approved_are_unexplained() -> None:
    assert found([entry(1), entry(2, SCHOOL)], LIVE) == ["unexplained"]


def test_one_letter_more_than_approved_is_unexplained() -> None:
    ledger = [entry(1, Words(WELL.text + " "))]
    final = delivery("unconfirmed", ("unconfirmed", None))
    assert found(ledger, final) == ["unexplained"]


def test_another_picture_or_another_alt_text_is_unexplained() -> None:
    shown = Words("Look.", (("ab" * 32, "A well"),))
    for other in ("cd" * 32, "A well"), ("ab" * 32, "A wall"):
        ledger = [entry(1, Words("Look.", (other,)))]
        final = delivery("unconfirmed", ("unconfirmed", None))
        assert found(ledger, final, yes(shown)) == ["unexplained"]


def test_said_before_somebody_approved_is_unexplained() -> None:
    assert found([entry(1)], LIVE, yes(given=2)) == ["unexplained"]


def test_said_after_the_approval_was_taken_back_is_unexplained() -> None:
    assert found([entry(1, seconds=10)], LIVE, yes(ended=5)) == ["unexplained"]


def test_said_while_held_is_unexplained() -> None:
    held = (Held(frozenset({"x-en"}), at(0)),)
    assert found([entry(1, seconds=10)], LIVE, held=held) == ["unexplained"]


def test_a_call_begun_before_the_hold_may_end_within_it() -> None:
    held = (Held(frozenset({"x-en"}), at(0)),)
    assert found([entry(1, seconds=0.5)], LIVE, held=held) == []


def test_live_here_and_never_on_the_network_is_lost() -> None:
    assert found([], LIVE) == ["lost"]


def test_a_part_live_here_and_never_on_the_network_is_lost() -> None:
    final = delivery("partial", ("live", "1"), ("live", "2"), ("waiting", None))
    assert found([entry(1)], final, yes(WELL, SCHOOL, Words("Come in."))) == ["lost"]


def test_taken_down_here_and_never_on_the_network_is_lost() -> None:
    assert found([], delivery("removed", ("removed", "1"))) == ["lost"]


def test_published_under_another_posts_id_is_unexplained() -> None:
    assert found([entry(1)], delivery("published", ("live", "7"))) == ["unexplained"]


@pytest.mark.parametrize("state", ["scheduled", "missed", "cancelled", "failed"])
def test_live_while_the_workspace_says_it_was_not_sent_is_unexplained(state: str) -> None:
    assert "unexplained" in found([entry(1)], delivery(state, ("waiting", None), held=True))


def test_a_live_part_that_a_partial_thread_does_not_know_is_unexplained() -> None:
    thread = [entry(1), entry(2, SCHOOL, seconds=2, to=1)]
    final = delivery("partial", ("live", "1"), ("waiting", None))
    assert found(thread, final, yes(WELL, SCHOOL)) == ["unexplained"]


def test_a_second_part_that_answers_nothing_is_unexplained() -> None:
    thread = [entry(1), entry(2, SCHOOL, seconds=2)]
    final = delivery("published", ("live", "1"), ("live", "2"))
    assert found(thread, final, yes(WELL, SCHOOL)) == ["unexplained"]


def test_said_without_a_trace_in_the_history_is_unexplained() -> None:
    silent = DeliverySaid("week/well", "x-en", "published", (PartSaid(1, "live", "1"),))
    assert found([entry(1)], silent) == ["unexplained"]


@pytest.mark.parametrize("seconds", [-0.001, 602])
def test_before_its_time_or_after_its_window_is_late(seconds: float) -> None:
    assert found([entry(1, seconds=seconds)], LIVE) == ["late"]

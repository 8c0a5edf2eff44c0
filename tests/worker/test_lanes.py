"""The order in which accounts speak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from social_scheduler.services.claim import Claim, Turn
from social_scheduler.worker.lanes import Lanes, Waiting
from tests.services.desk import MONDAY


def turn(number: int, *accounts: int, seconds: float = 0) -> Turn:
    claims = tuple(Claim(number * 100 + a, 1, a, f"@{a}", "wire", "https://w") for a in accounts)
    return Turn(claims, MONDAY + timedelta(seconds=seconds))


def lined_up(lanes: Lanes, *turns: Turn) -> list[Waiting]:
    waiting = [lanes.line_up(each) for each in turns]
    for each in waiting:
        lanes.is_ready(each, [])
    return waiting


def test_an_account_says_one_post_after_the_other() -> None:
    lanes = Lanes()
    first, second = lined_up(lanes, turn(1, 7), turn(2, 7))

    assert lanes.take(MONDAY, 10, 99, 99) == [first]
    assert lanes.take(MONDAY, 10, 99, 99) == []

    lanes.end(first, first.turn.claims)
    assert lanes.take(MONDAY, 10, 99, 99) == [second]


def test_one_accounts_slow_post_keeps_no_other_account() -> None:
    lanes = Lanes()
    slow, other = lined_up(lanes, turn(1, 7), turn(2, 8))

    assert lanes.take(MONDAY, 10, 99, 99) == [slow, other]


def test_nothing_begins_before_its_moment() -> None:
    lanes = Lanes()
    (early,) = lined_up(lanes, turn(1, 7, seconds=1))

    assert lanes.take(MONDAY, 10, 99, 99) == []
    assert lanes.earliest() == MONDAY + timedelta(seconds=1)
    assert lanes.take(MONDAY + timedelta(seconds=1), 10, 99, 99) == [early]


def test_what_is_not_ready_does_not_begin_and_keeps_its_place() -> None:
    lanes = Lanes()
    first = lanes.line_up(turn(1, 7))
    lined_up(lanes, turn(2, 7))

    assert lanes.take(MONDAY, 10, 99, 99) == []

    lanes.is_ready(first, [])
    assert lanes.take(MONDAY, 10, 99, 99) == [first]


def test_a_group_begins_when_it_is_the_first_of_all_its_accounts() -> None:
    lanes = Lanes()
    before, group, after = lined_up(lanes, turn(1, 8), turn(2, 7, 8, 9), turn(3, 9))

    assert lanes.take(MONDAY, 10, 99, 99) == [before]
    lanes.end(before, before.turn.claims)
    assert lanes.take(MONDAY, 10, 99, 99) == [group]
    assert lanes.take(MONDAY, 10, 99, 99) == []

    lanes.end(group, group.turn.claims[2:])
    assert lanes.take(MONDAY, 10, 99, 99) == [after]


def test_at_most_so_many_begin_at_once() -> None:
    lanes = Lanes()
    several = lined_up(lanes, *(turn(n, n) for n in range(5)))

    assert lanes.take(MONDAY, 3, 99, 99) == several[:3]
    assert lanes.take(MONDAY, 3, 99, 99) == several[3:]


def test_those_that_begin_at_once_are_counted_by_their_calls_and_not_by_their_groups() -> None:
    lanes = Lanes()
    groups = lined_up(lanes, *(turn(n, 2 * n, 2 * n + 1) for n in range(5)))

    assert lanes.take(MONDAY, 5, 99, 99) == groups[:2]
    assert lanes.take(MONDAY, 5, 99, 99) == groups[2:4]


def test_a_group_larger_than_what_begins_at_once_begins_alone() -> None:
    lanes = Lanes()
    before, group = lined_up(lanes, turn(1, 1), turn(2, 7, 8, 9))

    assert lanes.take(MONDAY, 2, 99, 99) == [before]
    assert lanes.take(MONDAY, 2, 99, 99) == [group]


def test_a_group_waits_until_all_its_calls_can_be_made_at_once() -> None:
    lanes = Lanes()
    (group,) = lined_up(lanes, turn(1, 7, 8, 9))

    assert lanes.take(MONDAY, 10, 2, 4) == []
    assert lanes.take(MONDAY, 10, 3, 4) == [group]


def test_a_group_larger_than_all_hands_begins_when_all_are_free() -> None:
    lanes = Lanes()
    (group,) = lined_up(lanes, turn(1, 7, 8, 9))

    assert lanes.take(MONDAY, 10, 1, 2) == []
    assert lanes.take(MONDAY, 10, 2, 2) == [group]


def test_what_has_not_begun_can_be_given_back() -> None:
    lanes = Lanes()
    begun, ready = lined_up(lanes, turn(1, 7), turn(2, 8, seconds=5))
    unready = lanes.line_up(turn(3, 9))
    lanes.take(MONDAY, 10, 99, 99)

    assert {t.claims for t in lanes.not_begun()} == {ready.turn.claims, unready.turn.claims}
    assert begun.turn not in lanes.not_begun()


@given(st.lists(st.sets(st.integers(0, 4), min_size=1), max_size=12), st.randoms())
def test_every_turn_begins_once_and_in_order_whatever_the_groups(
    accounts: Sequence[set[int]], random: object
) -> None:
    """No two groups wait for each other, and no account is overtaken."""
    lanes = Lanes()
    waiting = lined_up(lanes, *(turn(n, *sorted(a)) for n, a in enumerate(accounts)))
    speaking: list[Waiting] = []
    begun: list[Waiting] = []
    while len(begun) < len(waiting) or speaking:
        taken = lanes.take(MONDAY, 10, 99, 99)
        assert taken or speaking, "somebody can always go on"
        speaking += taken
        begun += taken
        over = speaking.pop(random.randrange(len(speaking)))  # type: ignore[attr-defined]
        lanes.end(over, over.turn.claims)

    assert len(lanes) == 0
    for account in range(5):
        mine = [w for w in waiting if account in {c.account_id for c in w.turn.claims}]
        assert [w for w in begun if w in mine] == mine

"""Keys and ids are known before anything is sent, and are the same at every repetition."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from social_scheduler.platforms.bluesky import ids, records
from social_scheduler.platforms.bluesky.records import Known
from tests.platforms.bluesky.calls import DUE, call, part

TID = re.compile("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
NOBODY = Known(dids={}, held={})


@given(st.integers(0, (1 << 53) - 1), st.integers(0, 1023))
def test_a_key_has_the_form_that_servers_demand(micros: int, clock: int) -> None:
    assert TID.fullmatch(ids.tid(micros, clock))


@given(st.integers(0, (1 << 53) - 2), st.integers(0, 1023), st.integers(0, 1023))
def test_later_keys_sort_later(micros: int, one: int, other: int) -> None:
    assert ids.tid(micros, one) < ids.tid(micros + 1, other)


def test_a_key_is_the_one_the_network_itself_would_make() -> None:
    # From the specification of record keys: 2024-11-01T… in microseconds, clock 24.
    assert ids.tid(0, 0) == "2222222222222"
    assert ids.tid(1_730_446_285_000_000, 24) < ids.tid(1_730_446_285_000_001, 0)


def test_a_key_lies_within_a_second_after_the_due_time() -> None:
    first = ids.tid(round(DUE.timestamp() * 1e6), 0)
    last = ids.tid(round(DUE.timestamp() * 1e6) + 1_000_000, 0)
    for words in map(str, range(50)):
        assert first <= ids.record_key(call(words), 1) <= last


def test_every_part_has_one_key_from_wherever_it_is_asked_for() -> None:
    said = call("One", "Two", "Three")
    keys = [ids.record_key(said, number) for number in (1, 2, 3)]
    assert keys == sorted(keys)
    for number in (2, 3):
        alone = part(said, number, "at://did:plc:x/app.bsky.feed.post/3k2a")
        assert ids.record_key(alone, number) == keys[number - 1]


def test_other_words_or_another_time_are_another_key() -> None:
    said = call("One")
    others = [
        call("Two"),
        call("One", language="ar"),
        replace(said, due_at=DUE + timedelta(seconds=1)),
    ]
    assert len({ids.record_key(each, 1) for each in (said, *others)}) == 4


def test_a_record_is_frozen() -> None:
    said = call("One #a", "Two", card=None)
    once, again = records.records(said, NOBODY), records.records(replace(said), NOBODY)
    assert once == again
    east = replace(said, due_at=DUE.astimezone(timezone(timedelta(hours=3))))
    assert records.records(east, NOBODY) == once
    assert [record.value["createdAt"] for record in once] == [
        "2027-01-11T07:30:00.000Z",
        "2027-01-11T07:30:00.001Z",
    ]


def test_a_due_time_in_microseconds_is_kept_in_the_key_and_cut_in_the_record() -> None:
    due = datetime(2027, 1, 11, 7, 30, 0, 123456, tzinfo=UTC)
    assert ids.created_at(due, 1) == "2027-01-11T07:30:00.123Z"
    said = call("One")
    later = replace(said, due_at=due)
    assert ids.record_key(replace(said, due_at=due - timedelta(microseconds=1)), 1) < (
        ids.record_key(later, 1)
    )


def test_ids_of_files_are_those_of_the_network() -> None:
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert ids.file_cid(digest) == "bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe"

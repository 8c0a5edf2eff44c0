"""Times as authors write them: each is one instant, or refused with what it could have meant."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from social_scheduler.campaign.times import Resolved, TimeProblem, monday, resolve

ZONES = [
    "Asia/Baghdad", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
    "Asia/Kathmandu", "Pacific/Apia", "America/Scoresbysund", "Europe/Dublin", "Asia/Gaza", "UTC",
]  # fmt: skip


def problem(text: str, zone: str = "Europe/Paris", week_of: str | None = None) -> TimeProblem:
    """Why a time is refused."""
    with pytest.raises(TimeProblem) as caught:
        resolve(text, timezone=zone, week_of=week_of)
    assert caught.value.remedy
    return caught.value


def test_a_date_and_time_are_local_to_the_campaign() -> None:
    assert resolve("2027-01-11 10:30", timezone="Asia/Baghdad") == Resolved(
        datetime(2027, 1, 11, 7, 30, tzinfo=UTC), "Asia/Baghdad", "2027-01-11 10:30"
    )


def test_a_zone_behind_the_time_goes_before_the_campaigns() -> None:
    resolved = resolve("2027-07-11 9:05 Europe/Paris", timezone="Asia/Baghdad")
    assert resolved == Resolved(
        datetime(2027, 7, 11, 7, 5, tzinfo=UTC), "Europe/Paris", "2027-07-11 09:05"
    )


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2027-01-11 10:00 pm", "write 22:00"),
        ("2027-01-11 10:00PM", "write 22:00"),
        ("Monday 9:05 am", "write 09:05"),
        ("2027-01-11 12:30 am", "write 00:30"),
        ("2027-01-11 12:30 pm", "write 12:30"),
        ("2027-01-11 22:00 pm", "leave `pm` out"),
    ],
)
def test_a_clock_of_twelve_hours_is_answered_with_one_of_24(text: str, remedy: str) -> None:
    said = problem(text, week_of="2027-01-11")
    assert (said.problem, said.remedy) == ("clocks here count 24 hours", remedy)


@pytest.mark.parametrize("week_of", ["2027-01-11", date(2027, 1, 11)])
def test_a_weekday_counts_from_the_monday_of_its_week(week_of: str | date) -> None:
    assert resolve("Sunday 08:00", timezone="UTC", week_of=week_of).wall == "2027-01-17 08:00"
    assert resolve("monday 08:00", timezone="UTC", week_of=week_of).wall == "2027-01-11 08:00"


@pytest.mark.parametrize(
    ("text", "zone", "early", "late"),
    [
        ("2027-03-28 02:30", "Europe/Paris", "2027-03-28 00:30", "2027-03-28 01:30"),
        ("2027-03-14 02:00", "America/New_York", "2027-03-14 06:00", "2027-03-14 07:00"),
        ("2026-10-04 02:15", "Australia/Lord_Howe", "2026-10-03 15:15", "2026-10-03 15:45"),
        ("2011-12-30 12:00", "Pacific/Apia", "2011-12-29 22:00", "2011-12-30 22:00"),
    ],
)
def test_a_time_that_the_clocks_skip_is_refused_with_both_readings(
    text: str, zone: str, early: str, late: str
) -> None:
    said = problem(text, zone)
    assert "skip" in said.problem
    assert f"{early} UTC or {late} UTC" in said.problem


@pytest.mark.parametrize(
    ("text", "zone", "early", "late"),
    [
        ("2026-10-25 02:30", "Europe/Paris", "2026-10-25 00:30", "2026-10-25 01:30"),
        ("2026-11-01 01:59", "America/New_York", "2026-11-01 05:59", "2026-11-01 06:59"),
        ("2027-04-04 01:45", "Australia/Lord_Howe", "2027-04-03 14:45", "2027-04-03 15:15"),
    ],
)
def test_a_time_that_comes_twice_is_refused_and_utc_settles_it(
    text: str, zone: str, early: str, late: str
) -> None:
    said = problem(text, zone)
    assert "comes twice" in said.problem
    assert early in said.problem
    for reading in (early, late):
        assert f"`{reading} UTC`" in said.remedy
        assert resolve(f"{reading} UTC", timezone=zone).wall == reading


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2015, 1, 1), datetime(2036, 1, 1)),  # naive: wall time
)
def test_every_time_is_its_own_wall_time_or_refused(zone: str, wall: datetime) -> None:
    """Against a search of the two days of UTC minutes around it."""
    tz = ZoneInfo(zone)
    wall = wall.replace(second=0, microsecond=0)
    around = wall.replace(tzinfo=UTC)
    offsets = {
        (around + timedelta(hours=hours)).astimezone(tz).utcoffset() for hours in range(-26, 27)
    }
    readings = {
        (wall - offset).replace(tzinfo=UTC)
        for offset in offsets
        if offset is not None
        and (wall - offset).replace(tzinfo=UTC).astimezone(tz).replace(tzinfo=None) == wall
    }
    text = f"{wall:%Y-%m-%d %H:%M}"
    if len(readings) == 1:
        assert {resolve(text, timezone=zone).instant} == readings
    else:
        assert ("skip" if not readings else "twice") in problem(text, zone).problem


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2 days before at 09:00", "not yet"),
        ("30 minutes before", "not yet"),
        ("1 hour after", "not yet"),
        ("when armed", "not yet"),
        ("10:30", "no day"),
        ("2027-01-11", "no time of day"),
        ("2027-01-11T10:30", "not how times are written"),
        ("2027-02-29 10:30", "no day 2027-02-29"),
        ("2027-01-11 24:00", "no clock"),
        ("2027-01-11 10:60", "no clock"),
        ("Monday 10:30", "of which week"),
        ("tomorrow", "is not a time"),
        ("", "is not a time"),
        ("2027-01-11 10:30 Mars/Olympus", "not a time zone"),
        ("0001-01-01 00:00 Asia/Tokyo", "out of reach"),
        ("9999-12-31 23:59 America/New_York", "out of reach"),
    ],
)
def test_other_texts_are_refused_with_a_reason(text: str, reason: str) -> None:
    assert reason in problem(text).problem


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_a_problem(text: str) -> None:
    with contextlib.suppress(TimeProblem):
        assert resolve(text, timezone="Europe/Paris", week_of="2027-01-11").instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Asia/Bagdad", "Asia/Baghdad"),
        ("baghdad", "Asia/Baghdad"),
        ("europe/paris", "Europe/Paris"),
    ],
)
def test_a_zone_nearly_right_is_suggested(name: str, meant: str) -> None:
    assert meant in problem(f"2027-01-11 10:30 {name}").remedy


@pytest.mark.parametrize("name", ["../../etc/passwd", "localtime", "", "Europe"])
def test_only_the_names_of_zones_are_zones(name: str) -> None:
    with pytest.raises(TimeProblem):
        resolve("2027-01-11 10:30", timezone=name)


def test_a_week_is_named_by_its_monday() -> None:
    assert monday("2027-01-11") == date(2027, 1, 11)
    for text in ("2027-01-12", "11 January", "2027-13-01"):
        with pytest.raises(TimeProblem):
            monday(text)

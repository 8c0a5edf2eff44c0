"""Turns the times authors write into instants, and refuses the ones that no clock shows once."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from social_scheduler.errors import InvalidInput

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EXAMPLE = "write a time such as `2027-01-11 10:30`, or `Monday 10:30` with `week_of`"

_ZONE = r"(?:(?:\s+|(?=(?i:[ap]m)$))(?P<zone>[A-Za-z][A-Za-z0-9_+/-]*))?"
_DATED = re.compile(r"(?P<date>\d{4}-\d{2}-\d{2})\s+(?P<time>\d{1,2}:\d{2}(?::\d{2})?)" + _ZONE)
_WEEKLY = re.compile(r"(?P<day>[A-Za-z]+)\s+(?P<time>\d{1,2}:\d{2}(?::\d{2})?)" + _ZONE)
_NOT_YET = re.compile(
    r"when armed|\d+\s+(?:minutes?|hours?|days?|weeks?)\s+(?:before|after)(?:\s+at\s+.*)?"
)
_DATE_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}).*")


class TimeProblem(InvalidInput):
    """A time that cannot be used; problem and remedy are for the author."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """An instant, and how its author wrote it: `wall` is `2027-01-11 10:30` in `zone`."""

    instant: datetime
    """UTC."""
    zone: str
    """IANA name."""
    wall: str


def resolve(text: str, *, timezone: str, week_of: str | date | None = None) -> Resolved:
    """The instant of `2027-01-11 10:30` or `Monday 10:30`, each perhaps followed by a zone.

    `timezone` holds where the text names none; `week_of` is the Monday that weekdays count from.
    Raises TimeProblem for anything else, and for wall times that do not exist or come twice.
    """
    text = text.strip()
    if match := _DATED.fullmatch(text):
        day = _date(match["date"])
    elif match := _WEEKLY.fullmatch(text):
        day = _weekday(match["day"], week_of)
    else:
        raise _unreadable(text)
    zone = match["zone"] or timezone
    if zone.lower() in ("am", "pm"):
        raise _of_twelve(match["time"], zone)
    wall = datetime.combine(day, _time(match["time"]))
    shown = wall.isoformat(" ", "seconds" if wall.second else "minutes")
    return Resolved(_instant(wall, zone), zone, shown)


@cache
def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name; TimeProblem with suggestions when there is none."""
    names = _zone_names()
    if name in names:
        return ZoneInfo(name)
    cities = {n.rsplit("/", 1)[-1].lower(): n for n in names}
    city = name.rsplit("/", 1)[-1].lower().replace(" ", "_")
    near = [n for n in names if n.lower() == name.lower()]
    near += [cities[c] for c in difflib.get_close_matches(city, cities, n=2, cutoff=0.8)]
    near += difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    suggested = " or ".join(dict.fromkeys(near[:2]))
    remedy = f"did you mean {suggested}?" if suggested else "write one such as Asia/Baghdad or UTC"
    raise TimeProblem(f"`{name}` is not a time zone", remedy)


def monday(text: str) -> date:
    """The date of a `week_of`; TimeProblem unless it is a Monday."""
    if not _DATE_ONLY.fullmatch(text.strip()):
        raise TimeProblem(f"`{text}` is not a date", "write a Monday such as 2027-01-11")
    day = _date(text.strip())
    if day.weekday():
        before = day - timedelta(days=day.weekday())
        raise TimeProblem(
            f"{day} is a {WEEKDAYS[day.weekday()]}; `week_of` names the week by its Monday",
            f"write {before}",
        )
    return day


@cache
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones() - {"localtime"}))


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise TimeProblem(
            f"there is no day {text}", "write year-month-day, such as 2027-01-11"
        ) from None


def _time(text: str) -> time:
    hour, minute, second = (*(int(part) for part in text.split(":")), 0)[:3]
    if hour > 23 or minute > 59 or second > 59:
        raise TimeProblem(f"no clock shows {text}", "write a time from 00:00 to 23:59")
    return time(hour, minute, second)


def _of_twelve(text: str, half: str) -> TimeProblem:
    hour = int(text.partition(":")[0])
    problem = "clocks here count 24 hours"
    if not 1 <= hour <= 12:
        return TimeProblem(problem, f"leave `{half}` out")
    hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    return TimeProblem(problem, f"write {hour:02}:{text.partition(':')[2]}")


def _weekday(name: str, week_of: str | date | None) -> date:
    days = {day.lower(): number for number, day in enumerate(WEEKDAYS)}
    if name.lower() not in days:
        near = [day for day in WEEKDAYS if day.lower().startswith(name.lower()[:3])]
        near = near or difflib.get_close_matches(name.title(), WEEKDAYS, n=1)
        raise TimeProblem(
            f"`{name}` is not a weekday", f"did you mean {near[0]}?" if near else EXAMPLE
        )
    if week_of is None:
        raise TimeProblem(
            f"`{name}` needs to know of which week",
            "add `week_of: 2027-01-11` (a Monday) to the campaign, or write the date",
        )
    first = week_of if isinstance(week_of, date) else monday(week_of)
    return first + timedelta(days=days[name.lower()])


def _instant(wall: datetime, zone: str) -> datetime:
    tz = zone_named(zone)
    first = wall.replace(tzinfo=tz, fold=0)
    second = wall.replace(tzinfo=tz, fold=1)
    try:
        readings = sorted({first.astimezone(UTC), second.astimezone(UTC)})
    except OverflowError:
        raise TimeProblem(f"the year {wall.year} is out of reach", EXAMPLE) from None
    if len(readings) == 1:
        return readings[0]
    shown = " or ".join(f"{reading:%Y-%m-%d %H:%M} UTC" for reading in readings)
    if readings[0].astimezone(tz).replace(tzinfo=None) != wall:
        early, late = (f"{r.astimezone(tz):%H:%M}" for r in readings)
        raise TimeProblem(
            f"the clocks in {zone} skip {wall:%Y-%m-%d %H:%M}; it could be read as {shown}",
            f"write {early} or {late}, or the time in UTC: `{readings[0]:%Y-%m-%d %H:%M} UTC`",
        )
    raise TimeProblem(
        f"{wall:%Y-%m-%d %H:%M} comes twice in {zone}: {shown}",
        "say which by writing it in UTC: "
        + " or ".join(f"`{reading:%Y-%m-%d %H:%M} UTC`" for reading in readings),
    )


def _unreadable(text: str) -> TimeProblem:
    if _NOT_YET.fullmatch(text):
        return TimeProblem(
            f"`{text}`: times that hang on an event are not yet possible",
            "write the date and time itself, such as `2027-01-11 10:30`",
        )
    if match := _ISO.fullmatch(text):
        return TimeProblem(f"`{text}` is not how times are written here", _like(match))
    if _DATE_ONLY.fullmatch(text):
        return TimeProblem(f"`{text}` has no time of day", f"write `{text} 10:30`")
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        return TimeProblem(f"`{text}` has no day", f"write `2027-01-11 {text}` or `Monday {text}`")
    return TimeProblem(f"`{text}` is not a time", EXAMPLE)


def _like(match: re.Match[str]) -> str:
    return f"write `{match[1]} {match[2]}`, with a zone name behind it if it needs one"

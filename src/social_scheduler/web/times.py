"""Times for people: 24 hours, the zone beside them, and how far away they are within a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_datetime, format_timedelta

from social_scheduler.campaign.times import resolve
from social_scheduler.errors import InvalidInput

SOON = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant, ready to be shown."""

    iso: str
    clock: str
    """`10:30`"""
    day: str
    """`Mon 11 Jan 2027`"""
    zone: str
    """`Baghdad, UTC+3`"""
    distance: str
    """`in 40 minutes`; empty when it is now, or more than a day away."""
    soon: bool
    past: bool


def moment(instant: datetime, now: datetime, locale: str, zone: str = "UTC") -> Moment:
    """An instant as the clocks of `zone` show it."""
    local = instant.astimezone(_zone(zone))
    away = instant - now
    distance = ""
    if timedelta(seconds=1) <= abs(away) < timedelta(days=1):
        distance = format_timedelta(away, threshold=1.5, add_direction=True, locale=locale)
    return Moment(
        iso=instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        clock=local.strftime("%H:%M"),
        day=format_datetime(local, "EEE d MMM y", locale=locale),
        zone=_zone_name(zone, local),
        distance=distance,
        soon=timedelta(0) < away < SOON,
        past=away < timedelta(0),
    )


def given_moment(text: str, zone: str) -> datetime:
    """What a form's date and time mean on the clocks of `zone`.

    InvalidInput for anything else, and for times that do not exist there or come twice.
    """
    try:
        written = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput("That is no date and time.", "Choose both.") from None
    if written.tzinfo is not None:
        return written
    return resolve(f"{written:%Y-%m-%d %H:%M}", timezone=zone).instant


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _zone_name(name: str, local: datetime) -> str:
    offset = local.utcoffset() or timedelta(0)
    if name in ("UTC", "Etc/UTC"):
        return "UTC"
    city = name.rsplit("/", 1)[-1].replace("_", " ")
    minutes = int(offset.total_seconds()) // 60
    sign = "+" if minutes >= 0 else "−"
    hours, rest = divmod(abs(minutes), 60)
    away = f"{sign}{hours}:{rest:02d}" if rest else f"{sign}{hours}" if hours else ""
    return f"{city}, UTC{away}"

"""How a notice reads: a line for the log, a subject and a text for a mail, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from social_scheduler.alarms import Alarm, Notice

AT_MOST = 50
"""A mail names this many alarms and counts the rest."""


def clipped(text: str, limit: int = 200) -> str:
    """One line, not longer than that."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def moment(at: datetime) -> str:
    """A moment as alarms name it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def one_line(alarm: Alarm) -> str:
    """What is wrong, why, and what to do."""
    parts = (alarm.what, alarm.why, f"since {moment(alarm.since)}")
    told = " — ".join(part for part in parts if part)
    return clipped(f"{told}. {alarm.remedy}", 600)


def lines(notice: Notice) -> list[str]:
    """A notice for a log, one line each."""
    return [
        *(f"ALARM {one_line(alarm)}" for alarm in notice.new),
        *(clipped(f"over: {o.alarm.what} — {o.became}", 600) for o in notice.over),
    ]


def subject(notice: Notice) -> str:
    """A mail's subject."""
    if notice.new:
        more = f" (and {len(notice.new) - 1} more)" if len(notice.new) > 1 else ""
        told = f"ALARM: {notice.new[0].what}{more}"
    else:
        more = f" (and {len(notice.over) - 1} more)" if len(notice.over) > 1 else ""
        told = f"over: {notice.over[0].alarm.what}{more}"
    return clipped(f"[{notice.workspace}] {told}", 150)


def text(notice: Notice) -> str:
    """A mail's text."""
    return "\n".join(_paragraphs(notice)) + "\n"


def _paragraphs(notice: Notice) -> Iterator[str]:
    for alarm in notice.new[:AT_MOST]:
        yield f"ALARM: {alarm.what}"
        if alarm.why:
            yield f"  why:   {clipped(alarm.why, 400)}"
        yield f"  since: {moment(alarm.since)}"
        yield f"  do:    {alarm.remedy}"
        yield ""
    if (left := len(notice.new) - AT_MOST) > 0:
        yield f"and {left} more alarms: social-scheduler watch --once shows all.\n"
    for over in notice.over[:AT_MOST]:
        yield f"over: {over.alarm.what} — {over.became}"
    if (left := len(notice.over) - AT_MOST) > 0:
        yield f"and {left} more are over."
    if notice.over:
        yield ""
    for hold in notice.holds:
        yield f"A hold stands: {hold}"
    yield f"{notice.standing} alarm{'s' * (notice.standing != 1)} in all at {moment(notice.at)}."
    yield f"Workspace: {notice.workspace}"


def as_json(notice: Notice) -> dict[str, Any]:
    """A notice for programs."""
    return {
        "type": "watch.alarms",
        "timestamp": _stamp(notice.at),
        "data": {
            "workspace": notice.workspace,
            "new": [alarm_json(alarm) for alarm in notice.new],
            "over": [{**alarm_json(o.alarm), "became": o.became} for o in notice.over],
            "standing": notice.standing,
            "holds": list(notice.holds),
        },
    }


def alarm_json(alarm: Alarm) -> dict[str, Any]:
    """One alarm for programs."""
    return {
        "cause": alarm.cause,
        "what": alarm.what,
        "why": alarm.why,
        "do": alarm.remedy,
        "since": _stamp(alarm.since),
        "state": alarm.state,
        "post": alarm.post,
        "account": alarm.account,
    }


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

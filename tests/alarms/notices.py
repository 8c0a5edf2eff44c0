"""Alarms and notices that tests send."""

from __future__ import annotations

from datetime import UTC, datetime

from social_scheduler.alarms import Alarm, Notice, Over

NOON = datetime(2027, 1, 11, 12, 0, tzinfo=UTC)
KEY = b"thirty-two bytes, more or less.."

LATE = Alarm(
    cause="late/7/1",
    what="week/opening to x-en: was due 2027-01-11 11:57 UTC and is not published",
    why="the post is in review, not approved",
    remedy="Ask a reviewer now.",
    since=NOON,
    state="scheduled",
    post="week/opening",
    account="x-en",
    delivery=7,
)
DEAD = Alarm(
    cause="worker/worker/1",
    what="the worker worker is silent",
    why="last heard of at noon",
    remedy="Start it.",
    since=NOON,
    state="silent",
)


def notice(*new: Alarm, over: tuple[Over, ...] = (), name: str = "watch-1") -> Notice:
    """One check's news."""
    return Notice(
        id=name,
        at=NOON,
        workspace="LIVE newsroom",
        new=new,
        over=over,
        standing=len(new),
        holds=("dima holds everything: attack",),
    )

"""When the keys of accounts end, and what is queued for after that: what people are warned of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from social_scheduler.store.database import Transaction
from social_scheduler.store.watching import KeysEnd, keys_end

LEVELS = (14, 7, 1)
"""Days before the end at which people are warned, once each."""
AHEAD = timedelta(days=LEVELS[0])


@dataclass(frozen=True, slots=True)
class Ending:
    """An account whose keys end within two weeks, or before something that is queued for it."""

    account: str
    ends_at: datetime
    level: int | None
    """The last of LEVELS that has begun; 0: they have ended; None: more than two weeks are left."""
    beyond: int
    """How many queued posts are due after the end."""
    first_beyond: datetime | None


def level_of(ends_at: datetime, now: datetime) -> int | None:
    """How near an end is."""
    if ends_at <= now:
        return 0
    return min((d for d in LEVELS if ends_at - now <= timedelta(days=d)), default=None)


def endings(tx: Transaction, now: datetime) -> list[Ending]:
    """Every account that people are to be warned of, the soonest end first."""
    found = [_ending(one, now) for one in keys_end(tx)]
    return [one for one in found if one.level is not None or one.beyond]


def _ending(one: KeysEnd, now: datetime) -> Ending:
    return Ending(
        one.account, one.ends_at, level_of(one.ends_at, now), one.beyond, one.first_beyond
    )

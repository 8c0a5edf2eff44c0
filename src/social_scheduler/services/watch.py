"""What is wrong right now, and what of it is news: the watchdog's eyes and its judgement.

`look` reads the database and writes nothing; `judge` is a pure function of what was seen, the
moment and what was remembered. One cause is one alarm, until it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from social_scheduler.alarms import Alarm, Over
from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services import watch_causes as causes
from social_scheduler.services.hold import told
from social_scheduler.services.keys_end import endings
from social_scheduler.services.watch_causes import Facts, Late
from social_scheduler.store import gaps, reading, watching, workspace
from social_scheduler.store import holds as hold_store
from social_scheduler.store.database import Database, Transaction
from social_scheduler.store.tables import Hold
from social_scheduler.store.watching import LateDelivery

LATE = timedelta(minutes=2)
"""After this long past its due time a delivery is done, or somebody is woken."""
SOON = timedelta(minutes=15)
"""Something approved that is due within this needs a worker now."""
A_DAY = timedelta(hours=24)
"""Something approved that is due within this needs an account that may speak."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The database cannot be read: nothing is known, and that is an alarm."""

    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one check found: the news, and everything that stands."""

    new: tuple[Alarm, ...]
    over: tuple[Over, ...]
    standing: Mapping[str, Alarm]


def look(
    database: Database,
    clock: Callable[[], datetime],
    remembered: Mapping[str, Alarm],
    *,
    gained: timedelta = timedelta(),
) -> Facts:
    """Read everything that is judged, in one transaction that writes nothing.

    `gained` is how far this machine's clock jumped lately. SchedulerError: it cannot be read.
    """
    ids = [alarm.delivery for alarm in remembered.values() if alarm.delivery is not None]
    with database.read() as tx:
        before = clock()
        there = database.now(tx)
        now = clock()
        holds = hold_store.active(tx, now)
        waiting = reading.alarms(tx)
        found = workspace.find(tx)
        return Facts(
            now=now,
            kind=found.kind if found else "empty",
            holds=tuple(told(hold) for hold in holds),
            late=tuple(_late(tx, now, holds)),
            waiting=tuple(waiting),
            since=watching.since(tx, [line.id for line in waiting]),
            gaps=tuple(gaps.every(tx)),
            workers=tuple(watching.heartbeats(tx)),
            coming=watching.next_approved(tx, now, now + SOON),
            silenced=tuple(watching.suspended(tx, now, now + A_DAY)),
            endings=tuple(endings(tx, now)),
            database_ahead=None if there is None else there - (before + (now - before) / 2),
            gained=gained,
            states=watching.states(tx, ids),
        )


def _late(tx: Transaction, now: datetime, holds: list[Hold]) -> list[Late]:
    return [
        Late(one, tuple(told(hold) for hold in holds if _stops(hold, one)))
        for one in watching.late(tx, now - LATE)
    ]


def _stops(hold: Hold, one: LateDelivery) -> bool:
    return hold_store.matches(
        hold,
        campaign=one.campaign,
        key=one.key,
        account=one.account,
        language=one.language,
        kind=one.kind,
        tags=one.tags,
    )


def judge(facts: Facts | Unreadable, now: datetime, remembered: Mapping[str, Alarm]) -> Judgement:
    """What is new and what is over, given what stood before."""
    if isinstance(facts, Unreadable):
        # What stood stands: nobody can see that it ended.
        found = [causes.unreadable(facts.problem, facts.remedy, now)]
        kept = dict(remembered)
    else:
        found, kept = causes.all_of(facts), {}
    standing = kept | {alarm.cause: remembered.get(alarm.cause, alarm) for alarm in found}
    return Judgement(
        new=tuple(alarm for alarm in found if alarm.cause not in remembered),
        over=tuple(
            Over(alarm, _became(alarm, facts))
            for cause, alarm in remembered.items()
            if cause not in standing and not causes.goes_on(cause, standing)
        ),
        standing=standing,
    )


def _became(alarm: Alarm, facts: Facts | Unreadable) -> str:
    """How it ended, as far as can be seen."""
    if alarm.delivery is None or isinstance(facts, Unreadable):
        return "it is in order again"
    state = facts.states.get(alarm.delivery)
    if state is None:
        return "it is not in the database any more"
    if state.value == alarm.state and state is not DeliveryState.SCHEDULED:
        return "somebody has acknowledged it, or it is in order now"
    return {
        DeliveryState.SCHEDULED: "it is scheduled again",
        DeliveryState.PUBLISHED: "it is published",
        DeliveryState.CANCELLED: "it is cancelled and will not be sent",
        DeliveryState.REMOVED: "it was taken down",
    }.get(state, f"it is {state.value} now")


@dataclass(slots=True)
class StepGuard:
    """Notices when this machine's clock is set while the watchdog runs.

    The wall clock is compared with the monotonic one, which nobody can set. A jump is reported
    for ten minutes, and then the new time is taken for granted.
    """

    lasting: timedelta = timedelta(minutes=10)
    _base: tuple[datetime, float] | None = None
    _until: float | None = None

    def gained(self, wall: datetime, monotonic: float) -> timedelta:
        """How much more time the wall clock says went by than did."""
        if self._base is None or (self._until is not None and monotonic >= self._until):
            self._base, self._until = (wall, monotonic), None
        gained = (wall - self._base[0]) - timedelta(seconds=monotonic - self._base[1])
        if abs(gained) <= causes.CLOCK_OFF:
            self._until = None
        elif self._until is None:
            self._until = monotonic + self.lasting.total_seconds()
        return gained

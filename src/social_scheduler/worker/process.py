"""One publishing process: APScheduler is its clock and nothing more, the database what it obeys.

One `date` job is re-armed to the next due moment; a tick every second re-reads it, because
clocks jump and people approve. What is due is claimed a moment ahead and handed to the
pipeline, which says it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor as ClockExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from social_scheduler.app import FIRST_WORKER, Opened
from social_scheduler.errors import Conflict, DatabaseBusy, WorkspaceError
from social_scheduler.journal import Journal
from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services.claim import LEASE, Burst, is_anything_due
from social_scheduler.services.connect_ask import Asker, ask_waiting
from social_scheduler.services.context import Context
from social_scheduler.services.keys_renew import renew_due
from social_scheduler.services.past import Noted, note_past, require_same_past
from social_scheduler.services.prove import prove
from social_scheduler.services.publish import Publisher
from social_scheduler.services.reconcile import (
    look_for_lost,
    miss_lapsed,
    recover,
    recover_silent,
)
from social_scheduler.services.waiting import reasons_to_wait
from social_scheduler.store import due as due_store
from social_scheduler.store import publishing as store
from social_scheduler.store.due import Pulse
from social_scheduler.store.steps import By
from social_scheduler.worker.pipeline import Pipeline

log = logging.getLogger(__name__)

CLAIM_AHEAD = timedelta(seconds=1.5)
"""How long before it is due a delivery is taken; what is slow is done in this time."""
CLOCK_THREADS = 7
"""How many of the clock's jobs run at once: each kind once, so that none keeps another waiting."""

BEAT = 10
"""Seconds between two signs of life, well below a lease."""
PREPARE = 5
"""Seconds between two looks for pictures that may be handed over ahead."""
CONNECT = 2
"""Seconds between two looks for accounts that people are connecting."""
RENEW = 60
"""Seconds between two looks for keys that end soon."""

CLOCK_OFF = timedelta(seconds=5)
"""How far this machine's clock may be from the database's for it to publish."""

IDLE_AHEAD = timedelta(seconds=5)
"""`--until-idle` ends when nothing is due within this, and no film is waited for."""
LOOK_AHEAD = timedelta(minutes=1)
"""How long `--until-idle` waits for the next look for what is unconfirmed."""

TROUBLE = (
    DeliveryState.UNCONFIRMED,
    DeliveryState.FAILED,
    DeliveryState.PARTIAL,
    DeliveryState.LEASED,
    DeliveryState.SENDING,
)
"""States at the end of `--until-idle` that make it exit 3."""


@dataclass
class Worker:
    """One publishing process of one workspace, with a journal of its own."""

    opened: Opened
    told: Callable[[str], None] = lambda _: None
    probe: Callable[[str], None] = lambda _: None
    name: str = FIRST_WORKER
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _more: threading.Event = field(default_factory=threading.Event)
    """More is due than there was room for."""
    _look_now: threading.Event = field(default_factory=threading.Event)
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(CLOCK_THREADS))
    _failure: BaseException | None = None
    _ticked: bool = False
    _looked: bool = False
    _unasked: set[int] = field(default_factory=set)
    """Deliveries whose network could not be asked whether they are live."""
    _connected: bool = False
    _noted: Noted = field(default_factory=Noted)
    _told_waiting: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        tell = self.told

        def told(line: str) -> None:
            with contextlib.suppress(Exception):  # nobody listens any more; the post goes on
                tell(line)

        self.told = told
        settings = self.opened.settings
        context = self.opened.context
        journal = Journal(context.root / "journal" / f"{self.name}.jsonl")
        self.context: Context = replace(context, journal=journal)
        self.publisher = Publisher(
            self.context,
            self.name,
            probe=self.probe,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            told=self.told,
            burst=Burst(
                settings.burst_account_minute,
                settings.burst_account_hour,
                settings.burst_minute,
                settings.burst_hour,
            ),
            ends=self._stopping.is_set,
        )
        self.pipeline = Pipeline(
            self.publisher,
            self.context.now,
            settings.calls_at_once,
            self.told,
            self._fail,
            self._stopping,
        )

    def run(self, *, until_idle: bool = False) -> None:
        """Publish until told to stop, or until `idle`."""
        with ExitStack() as alone:
            self.start(alone)
            clock = self._clock()
            self.pipeline.start()
            clock.start()
            try:
                while not self._stopping.is_set():
                    if self._more.wait(0.1 if until_idle else 1.0):
                        self.pipeline.wait_for_room(1.0)
                        self._guarded(self._claim_more)
                    elif until_idle and self.idle():
                        break
            finally:
                self._end(clock)
        if self._failure is not None:
            raise self._failure

    def start(self, alone: ExitStack) -> None:
        """Check that this worker may publish, and settle what it left behind."""
        self.context.journal.require(self.context.uid)
        self.context.vault.require()
        alone.enter_context(self.context.journal.alone())
        alone.callback(self.context.journal.close)
        if not self.context.database.is_postgresql:
            alone.enter_context(only_worker(self.context))
        past = self.context.journal.read()
        require_same_past(self.context, past)
        recover(self.context, self._by(), past.outcomes, worker=self.name)
        self._noted = Noted.of(past)
        self._beat(started=True)

    def stop(self) -> None:
        """Finish the calls under way and end."""
        self._stopping.set()
        self._more.set()

    def _end(self, clock: BackgroundScheduler) -> None:
        self._stopping.set()
        # Not wait=True: APScheduler then waits for its jobs while it holds the lock
        # that a job needs to re-arm the clock.
        clock.shutdown(wait=False)
        for _ in range(CLOCK_THREADS):
            self._slots.acquire()
        self._slots.release(CLOCK_THREADS)  # a job that starts now sees that it is over
        self.pipeline.stop()
        with contextlib.suppress(WorkspaceError):  # else leases end, and recovery settles the rest
            self.publisher.unsent.give_back(self.pipeline.leftover())
            self.publisher.unsent.abandon(self.pipeline.unfinished(), "its worker stopped")
            if self._failure is None:
                self._noted = note_past(self.context, self._noted)
                self._beat(stopped=True)

    def tick(self) -> datetime | None:
        """Everything that is to be done now; answers when next. One at a time."""
        with self._turn:
            now = self.context.now()
            with self.context.database.read() as tx:
                pulse = due_store.pulse(tx)
                theirs = self.context.database.now(tx)
            if theirs is not None and abs(theirs - now) > CLOCK_OFF:
                self.told(
                    f"Nothing is done: this machine's clock says {now:%H:%M:%S} UTC, the "
                    f"database's {theirs:%H:%M:%S}. Set it right."
                )
                return None
            if pulse.change != self._noted.change:
                self._noted = note_past(self.context, self._noted)
            if _is_past(pulse.lease_ends, now):
                recover_silent(self.context, self._by())
            if _is_past(pulse.lapses, now):
                miss_lapsed(self.context, self._by())
            ahead = now + CLAIM_AHEAD
            if _is_past(pulse.ready, ahead):
                self._claim()
            if _is_past(pulse.ready, now):
                self._tell_waiting()
            if _is_past(pulse.look, now) or _is_past(pulse.proof, now):
                self._look_now.set()
            self._ticked = True
            return self._next(pulse, ahead)

    def _claim_more(self) -> None:
        """There is room again for what was left in the database."""
        with self._turn:
            self._claim()

    def _claim(self) -> None:
        self._more.clear()
        while not self._stopping.is_set():
            room = self.pipeline.room()
            if not room.deliveries:
                self._more.set()  # the rest is claimed as soon as there is room again
                return
            turns = self.publisher.claim_due(CLAIM_AHEAD, room)
            if not turns:
                return
            self.pipeline.add(turns)

    def _next(self, pulse: Pulse, ahead: datetime) -> datetime | None:
        """When something scheduled is next to be claimed."""
        if pulse.ready is None or pulse.ready > ahead:
            return pulse.ready
        with self.context.database.read() as tx:
            return due_store.next_ready(tx, ahead)

    def _tell_waiting(self) -> None:
        """Say, once, why something that is due is not even begun."""
        reasons = reasons_to_wait(self.context, self.context.now())
        for reason in reasons:
            if reason not in self._told_waiting:
                self.told(reason)
        self._told_waiting = frozenset(reasons)

    def look(self) -> None:
        """Look for what is unconfirmed, read back what is live."""
        if self._looked and not self._look_now.is_set():
            return
        with self._looking:
            self._look()

    def _connect(self) -> None:
        """Ask networks whose the keys are that people have given since."""
        settings = self.opened.settings
        asker = Asker(self.name, settings.connect_timeout, settings.read_timeout, self.told)
        ask_waiting(self.context, asker)
        self._connected = True

    def _look(self) -> None:
        self._look_now.clear()
        looked = look_for_lost(self.publisher, self._by())
        self._unasked -= {delivery for delivery, asked in looked.items() if asked}
        self._unasked |= {delivery for delivery, asked in looked.items() if not asked}
        while prove(self.publisher, self._by()) and not self._stopping.is_set():
            if not self.pipeline.is_empty:
                break  # what is due comes first; the next tick goes on
        self._looked = True

    def idle(self) -> bool:
        """Whether nothing is being sent, due or to be read back within five seconds.

        Two things are waited for longer: a film that its network works on when it is due, and
        the looks for what is unconfirmed, until it is found, a person has to decide, or its network
        cannot be asked.
        """
        # In turn with the tick: what it has claimed and not yet handed over is not idle.
        with self._turn:
            begun = self._ticked and self._looked and self._connected
            if not (begun and self.pipeline.is_empty):
                return False
        if self._look_now.is_set() or self._looking.locked():
            return False  # what is being read back is not to be read back, for the database
        now = self.context.now()
        soon = now + IDLE_AHEAD
        with self.context.database.read() as tx:
            pulse = due_store.pulse(tx)
            awaited = set(due_store.to_look_for(tx, now + LOOK_AHEAD)) - self._unasked
            if awaited or due_store.is_film_awaited(tx, now):
                return False
        if _is_past(pulse.proof, soon):
            return False
        return not (_is_past(pulse.ready, soon) and is_anything_due(self.context, IDLE_AHEAD))

    def _clock(self) -> BackgroundScheduler:
        # A look that takes longer than its interval is no news.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        clock = BackgroundScheduler(
            timezone="UTC",
            job_defaults=defaults,
            executors={"default": ClockExecutor(CLOCK_THREADS)},
        )
        now = self.context.now()
        for seconds, act in (
            (1, lambda: self._tick_and_arm(clock)),
            (1, self.look),
            (PREPARE, self.publisher.reach.prepare_ahead),
            (BEAT, self._beat),
            (CONNECT, self._connect),
            (RENEW, lambda: renew_due(self.publisher.reach)),
        ):
            clock.add_job(self._guarded, "interval", seconds=seconds, next_run_time=now, args=[act])
        return clock

    def _tick_and_arm(self, clock: BackgroundScheduler) -> None:
        at = self.tick()
        if at is None or self._stopping.is_set():
            return
        clock.add_job(
            self._guarded,
            "date",
            run_date=max(at - CLAIM_AHEAD, self.context.now()),
            id="next-due",
            replace_existing=True,
            args=[lambda: self._tick_and_arm(clock)],
        )

    def _guarded(self, act: Callable[[], object]) -> None:
        with self._slots:
            if not self._stopping.is_set():
                self._attempt(act)

    def _attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except DatabaseBusy as problem:
            self.told(f"Nothing is claimed until the database answers. {problem}")
        except Conflict:
            log.debug("somebody was quicker", exc_info=True)  # the next tick sees what is left
        except Exception as problem:
            # Fail closed: a worker that cannot read its database stops, and says so.
            log.exception("the worker stops")
            self._fail(problem)

    def _fail(self, problem: BaseException) -> None:
        self._failure = self._failure or problem
        self._stopping.set()  # nothing more begins; what was being sent is settled by recovery
        self._more.set()

    def _by(self) -> By:
        return By(self.name, self.context.now())

    def _beat(self, *, started: bool = False, stopped: bool = False) -> None:
        """A sign of life: what this worker has taken stays its own for another while."""
        self.context.database.require_schema()  # somebody may have upgraded it meanwhile
        with self.context.database.work() as tx:
            now = self.context.database.now(tx) or self.context.now()
            values: dict[str, object] = {
                "heartbeat_at": now,
                "stopped_at": now if stopped else None,
            }
            if started:
                values |= {"host": socket.gethostname(), "pid": os.getpid(), "started_at": now}
            if not store.keep_beat(tx, self.name, **values):
                raise WorkspaceError(
                    f"The journal of the worker {self.name} was declared lost: it publishes "
                    "nothing more.",
                    "Run social-scheduler reconcile, and enrol a worker with another name.",
                )
            taken = [(claim.delivery_id, claim.fence) for claim in self.pipeline.claims()]
            store.renew_leases(tx, self.name, taken, now + LEASE)


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


@contextmanager
def only_worker(context: Context) -> Iterator[None]:
    """One worker a SQLite database: a lock that ends with the process."""
    beside = Path(f"{context.database.url.database}.worker.lock")
    with beside.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError(
                "Another worker is publishing from this workspace.",
                "Stop it first; with SQLite there is one worker.",
            ) from None
        yield


def in_trouble(opened: Opened) -> dict[DeliveryState, int]:
    """How many deliveries wait for a person because of what came of a call."""
    with opened.context.database.read() as tx:
        counts = store.count_by_state(tx)
    return {state: counts[state] for state in TROUBLE if counts.get(state)}


def overdue(opened: Opened) -> int:
    """How many deliveries are due and were not sent, for a reason that the history tells."""
    with opened.context.database.read() as tx:
        return due_store.count_overdue(tx, opened.context.now())


def crash_at(point: str) -> Callable[[str], None]:
    """A probe that kills this process, for rehearsals: `intended`, or `intended:3` for the third."""
    name, _, count = point.partition(":")
    left = [int(count or 1)]

    def probe(moment: str) -> None:
        if moment == name:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return probe

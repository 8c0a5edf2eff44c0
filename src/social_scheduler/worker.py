"""The worker: APScheduler is its clock and nothing more; the database is what it obeys.

One `date` job is re-armed to the next due moment; a tick every second re-reads it, because
clocks jump and people approve. What is due is claimed and sent by a bounded pool, one
account after another in each, so that one account's trouble never delays another's.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor as ClockExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from social_scheduler.app import Opened
from social_scheduler.errors import WorkspaceError
from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services.context import Context
from social_scheduler.services.publish import Publisher
from social_scheduler.services.reach import Claim
from social_scheduler.services.reconcile import (
    look_for_lost,
    miss_lapsed,
    prove,
    recover,
    require_same_past,
)
from social_scheduler.services.waiting import reasons_to_wait
from social_scheduler.store import due as due_store
from social_scheduler.store import holds as hold_store
from social_scheduler.store import publishing as store
from social_scheduler.store.steps import By
from social_scheduler.store.tables import Worker as WorkerRow

log = logging.getLogger(__name__)

CLOCK_THREADS = 4
"""How many of the clock's jobs run at once; each kind of them only once."""

IDLE_AHEAD = timedelta(seconds=5)
"""`--until-idle` ends when nothing is due within this."""

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
    """One publishing process of one workspace."""

    opened: Opened
    told: Callable[[str], None] = lambda _: None
    probe: Callable[[str], None] = lambda _: None
    name: str = field(default_factory=lambda: f"worker-{secrets.token_hex(4)}")
    _busy: dict[int, list[Claim]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _accounts: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(CLOCK_THREADS))
    _failure: BaseException | None = None
    _ticked: bool = False
    _looked: bool = False
    _stops_noted: int | None = None
    _change_noted: int = -1
    _told_waiting: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        settings = self.opened.settings
        self.context = self.opened.context
        self.publisher = Publisher(
            self.context,
            self.name,
            probe=self.probe,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            told=self.told,
        )
        self.pool = ThreadPoolExecutor(settings.calls_at_once, "call")

    def run(self, *, until_idle: bool = False) -> None:
        """Publish until told to stop, or until nothing is due within five seconds."""
        with only_worker(self.context):
            self.start()
            clock = self._clock()
            clock.start()
            try:
                while not self._stopping.is_set():
                    woken = self._wake.wait(0.1 if until_idle else 1.0)
                    self._wake.clear()
                    if woken and not self._stopping.is_set():
                        # Something was just said: read it back now.
                        clock.modify_job("look", next_run_time=self.context.now())
                    if until_idle and self.idle():
                        break
            finally:
                self._stopping.set()
                # Not wait=True: APScheduler then waits for its jobs while it holds the lock
                # that a job needs to re-arm the clock.
                clock.shutdown(wait=False)
                for _ in range(CLOCK_THREADS):
                    self._slots.acquire()
                self._slots.release(CLOCK_THREADS)  # a job that starts now sees that it is over
                self.pool.shutdown(wait=True)
                if self._failure is not None:
                    raise self._failure
                self._beat(stopped=True)

    def start(self) -> None:
        """Check that this database may be published from, and settle what a dead worker left."""
        self.context.journal.require(self.context.uid)
        require_same_past(self.context)
        recover(self.context, self._by(), mine=lambda name: name == self.name)
        self._beat()

    def stop(self) -> None:
        """Finish the calls under way and end."""
        self._stopping.set()
        self._wake.set()

    def tick(self) -> None:
        """Everything that is due now. One at a time; calls themselves run in the pool."""
        with self._turn:
            miss_lapsed(self.context, self._by())
            self._note_stops()
            for claim in self.publisher.claim_due():
                self._hand_over(claim)
            self._tell_waiting()
            self._ticked = True

    def _tell_waiting(self) -> None:
        """Say, once, why something that is due is not even begun."""
        reasons = reasons_to_wait(self.context, self.context.now())
        for reason in reasons:
            if reason not in self._told_waiting:
                self.told(reason)
        self._told_waiting = frozenset(reasons)

    def _hand_over(self, claim: Claim) -> None:
        # One account speaks one post at a time, in the order they were due.
        with self._accounts:
            waiting = self._busy.get(claim.account_id)
            if waiting is not None:
                waiting.append(claim)
                return
            self._busy[claim.account_id] = [claim]
        self.pool.submit(self._speak, claim.account_id)

    def _speak(self, account_id: int) -> None:
        while True:
            with self._accounts:
                # A lease not begun when the worker stops is given back by the next one's recovery.
                if self._stopping.is_set() or not self._busy[account_id]:
                    del self._busy[account_id]
                    self._wake.set()
                    return
                claim = self._busy[account_id][0]
            try:
                self.publisher.send(claim)
            except Exception as problem:
                # The database or the disk failed: what was being sent is settled by recovery.
                log.exception("sending failed")
                self._fail(problem)
            finally:
                with self._accounts:
                    self._busy[account_id].pop(0)

    def look(self) -> None:
        """Prepare pictures, look for what is unconfirmed, read back what is live."""
        self.publisher.reach.prepare_ahead()
        look_for_lost(self.publisher, self._by())
        prove(self.publisher, self._by())
        self._looked = True

    def idle(self) -> bool:
        """Whether nothing is being sent, due, or to be looked at within five seconds."""
        # In turn with the tick: what it has claimed and not yet handed over is not idle.
        with self._turn, self._accounts:
            if self._busy or not (self._ticked and self._looked):
                return False
        now = self.context.now()
        soon = now + IDLE_AHEAD
        with self.context.database.read() as tx:
            holds = hold_store.active(tx, now)
            look = due_store.next_look(tx)
            waiting = any(due_store.due(tx, moment, holds, 1) for moment in (now, soon))
        return not waiting and (look is None or look > soon)

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
        clock.add_job(
            self._guarded,
            "interval",
            seconds=1,
            id="tick",
            next_run_time=now,
            args=[self._tick_and_arm, clock],
        )
        clock.add_job(
            self._guarded, "interval", seconds=1, id="look", next_run_time=now, args=[self.look]
        )
        clock.add_job(self._guarded, "interval", seconds=10, id="beat", args=[self._beat])
        return clock

    def _tick_and_arm(self, clock: BackgroundScheduler) -> None:
        self.tick()
        with self.context.database.read() as tx:
            due = due_store.next_due(tx)
        if due is not None and due > self.context.now():
            clock.add_job(
                self._guarded,
                "date",
                run_date=due,
                id="next-due",
                replace_existing=True,
                args=[self._tick_and_arm, clock],
            )

    def _guarded(self, act: Callable[..., None], *args: object) -> None:
        with self._slots:
            if not self._stopping.is_set():
                self._attempt(act, *args)

    def _attempt(self, act: Callable[..., None], *args: object) -> None:
        try:
            act(*args)
        except Exception as problem:
            if "database is locked" in str(problem):
                self.told("The database is busy; nothing is claimed until it answers.")
                return
            # Fail closed: a worker that cannot read its database stops, and says so.
            log.exception("the worker stops")
            self._fail(problem)

    def _fail(self, problem: Exception) -> None:
        self._failure = self._failure or problem
        self._stopping.set()  # nothing more begins; what was being sent is settled by recovery
        self._wake.set()

    def _by(self) -> By:
        return By(self.name, self.context.now())

    def _beat(self, *, stopped: bool = False) -> None:
        now = self.context.now()
        with self.context.database.write() as tx:
            known = next((w for w in store.workers(tx) if w.id == self.name), None)
            store.keep_worker(
                tx,
                WorkerRow(
                    id=self.name,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    started_at=known.started_at if known else now,
                    heartbeat_at=now,
                    stopped_at=now if stopped else None,
                ),
            )

    def _note_stops(self) -> None:
        """Repeat in the journal, outside the database, how far it has come and what was stopped."""
        if self._stops_noted is None:
            self._stops_noted = self.context.journal.last_stop()
        with self.context.database.read() as tx:
            change = store.last_change(tx)
            if change == self._change_noted:
                return
            stops = store.stops_since(tx, self._stops_noted)
            mark = store.mark_of(tx, change) or ""
        self.context.journal.seen(change=change, mark=mark)
        self._change_noted = change
        for row in stops:
            self.context.journal.stop(change=row.id, step=row.step, what=row.why or "")
            self._stops_noted = row.id


def in_trouble(opened: Opened) -> dict[DeliveryState, int]:
    """How many deliveries wait for a person because of what came of a call."""
    with opened.context.database.read() as tx:
        counts = store.count_by_state(tx)
    return {state: counts[state] for state in TROUBLE if counts.get(state)}


@contextmanager
def only_worker(context: Context) -> Iterator[None]:
    """One worker a database, on this machine: a lock that ends with the process."""
    database = context.database.url.database
    beside = Path(f"{database}.worker.lock") if database else context.root / "worker.lock"
    with beside.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError(
                "Another worker is publishing from this workspace.",
                "Stop it first; with SQLite there is one worker.",
            ) from None
        yield


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

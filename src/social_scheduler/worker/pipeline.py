"""The threads between claim and outcome, so that one account's trouble delays no other.

::

    claimed ──lanes──▶ ready ──beginner──▶ begun ──pool──▶ answered ──keeper──▶ kept
              (order)  (pool)  (≤ 20 a     (the calls)              (what has come in
                                commit)                              meanwhile, one commit)

While the database does not answer nothing begins; what was answered is in the journal, and is
written down as soon as it answers again.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from social_scheduler.errors import DatabaseBusy
from social_scheduler.journal import Outcome
from social_scheduler.services.calling import Begun, Ready
from social_scheduler.services.claim import Claim, Room, Turn
from social_scheduler.services.publish import INTENTS_AT_ONCE, Publisher
from social_scheduler.worker.lanes import Lanes, Waiting

log = logging.getLogger(__name__)

OUTCOMES_AT_ONCE = 200
LANES_A_HAND = 8
"""How many accounts a worker takes for each call that it can make at once: others get the rest."""
TURNS_A_HAND = 16
"""How many deliveries it takes for each: a claim costs less, the more it takes at once."""
PAUSE = 0.5
"""Seconds until a database that does not answer is asked again."""

Ended = tuple[Waiting, Begun, Outcome]


@dataclass
class Pipeline:
    """One worker's threads. `failed` is told of what no waiting can mend."""

    publisher: Publisher
    now: Callable[[], datetime]
    calls_at_once: int
    told: Callable[[str], None]
    failed: Callable[[BaseException], None]
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set by whoever ends the worker: from then on nothing begins."""
    _lanes: Lanes = field(default_factory=Lanes)
    _going_on: deque[tuple[Waiting, list[Ready]]] = field(default_factory=deque)
    _ended: queue.SimpleQueue[Ended | None] = field(default_factory=queue.SimpleQueue)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _free: int = 0

    def __post_init__(self) -> None:
        self._free = self.calls_at_once
        self._calls = ThreadPoolExecutor(self.calls_at_once, "call")
        self._readying = ThreadPoolExecutor(self.calls_at_once, "ready")
        self._beginner = threading.Thread(target=self._guard, args=[self._begin], name="beginner")
        self._keeper = threading.Thread(target=self._guard, args=[self._keep], name="keeper")

    def start(self) -> None:
        """Begin to take turns."""
        self._beginner.start()
        self._keeper.start()

    def stop(self) -> None:
        """Begin nothing more, finish the calls under way, and give the rest back."""
        self.stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._readying.shutdown(wait=True)
        if self._beginner.ident is not None:
            self._beginner.join()
        self._calls.shutdown(wait=True)
        self._ended.put(None)
        if self._keeper.ident is not None:
            self._keeper.join()

    def leftover(self) -> list[Turn]:
        """After `stop`: turns that were lined up and did not begin."""
        return self._lanes.not_begun()

    def add(self, turns: Sequence[Turn]) -> None:
        """Line up what was claimed."""
        with self._changed:
            lined_up = [self._lanes.line_up(turn) for turn in turns]
        for waiting in lined_up:
            if waiting.turn.pictures or not self._is_known(waiting.turn):
                self._readying.submit(self._guard, self._make_ready, waiting)
            else:
                self._make_ready(waiting)  # nothing to ask the network for
        with self._changed:
            self._changed.notify_all()

    def unfinished(self) -> list[Claim]:
        """After `stop`: threads of which the next part was not begun."""
        return [ready.claim for _, several in self._going_on for ready in several]

    def claims(self) -> list[Claim]:
        """What this worker has taken and not ended: the leases that are to be renewed."""
        with self._changed:
            return self._lanes.claims()

    def room(self) -> Room:
        """What else may be lined up: so much that no hand is idle, and the rest is left to others."""
        with self._changed:
            accounts = self._lanes.accounts()
            lanes = max(0, self.calls_at_once * LANES_A_HAND - len(accounts))
            turns = self.calls_at_once * TURNS_A_HAND - len(self._lanes.claims())
            return Room(max(0, turns), accounts, lanes)

    def wait_for_room(self, seconds: float) -> None:
        """Wait until half of what may be lined up is gone, or for so long."""
        few = self.calls_at_once * TURNS_A_HAND // 2
        with self._changed:
            self._changed.wait_for(
                lambda: self.stopping.is_set() or len(self._lanes.claims()) <= few, seconds
            )

    def settled(self) -> None:
        """Wait until nothing is waiting or being said."""
        with self._changed:
            self._changed.wait_for(lambda: not len(self._lanes) or self.stopping.is_set())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is waiting or being said."""
        with self._changed:
            return not len(self._lanes)

    def _is_known(self, turn: Turn) -> bool:
        knows = self.publisher.reach.knows
        return all(knows(c.account, c.platform, c.server, c.keys) for c in turn.claims)

    def _make_ready(self, waiting: Waiting) -> None:
        ready = None if self.stopping.is_set() else self._trying(waiting)
        with self._changed:
            if ready is not None:
                self._lanes.is_ready(waiting, ready)
            elif not self.stopping.is_set():
                self._lanes.end(waiting, waiting.turn.claims)
            self._changed.notify_all()

    def _trying(self, waiting: Waiting) -> list[Ready] | None:
        try:
            return self.publisher.make_ready(waiting.turn)
        except DatabaseBusy as problem:
            self.told(str(problem))
            return None  # its lease ends, and it is taken again

    def _begin(self) -> None:
        while True:
            with self._changed:
                batch = self._next()
                while not batch:
                    if self.stopping.is_set():
                        return
                    self._changed.wait(self._until_next())
                    batch = self._next()
            self._begin_batch(batch)

    def _next(self) -> list[tuple[Waiting, list[Ready]]]:
        """What begins now, at most as many as there are hands free to make the calls."""
        most = min(INTENTS_AT_ONCE, self._free)
        if self.stopping.is_set() or most <= 0:
            return []
        batch: list[tuple[Waiting, list[Ready]]] = []
        while self._going_on and len(batch) < most:
            batch.append(self._going_on.popleft())
        hands = self._free - len(batch)
        left = most - len(batch)
        for waiting in self._lanes.take(self.now(), left, hands, self.calls_at_once):
            batch.append((waiting, waiting.ready or []))
        self._free -= sum(len(ready) for _, ready in batch)
        return batch

    def _until_next(self) -> float:
        """Seconds; never long, for the wall clock may be set meanwhile."""
        at = self._lanes.earliest()
        if at is None or self._free <= 0:
            return 1.0
        return min(1.0, max(0.0, (at - self.now()).total_seconds()))

    def _begin_batch(self, batch: list[tuple[Waiting, list[Ready]]]) -> None:
        try:
            begun = self.publisher.begin([ready for _, ready in batch])
        except Exception as problem:
            self._abandon(batch, problem)
            if not isinstance(problem, DatabaseBusy):
                raise
            return
        by_delivery = {one.ready.claim.delivery_id: one for one in begun}
        blocked: list[tuple[Waiting, Claim]] = []
        for waiting, ready in batch:
            for one in ready:
                call = by_delivery.get(one.claim.delivery_id)
                if call is None:
                    blocked.append((waiting, one.claim))
                else:
                    self._calls.submit(self._guard, self._call, waiting, call)
        if blocked:
            self._over(blocked)

    def _abandon(self, batch: list[tuple[Waiting, list[Ready]]], problem: Exception) -> None:
        """No call was made, but the intents may have been kept: say that nothing was sent."""
        why = f"Nothing was sent: {problem}"
        self.told(why)
        claims = [(waiting, one.claim) for waiting, ready in batch for one in ready]
        while True:
            try:
                self.publisher.unsent.abandon([claim for _, claim in claims], why)
                break
            except DatabaseBusy:
                if self.stopping.wait(PAUSE):
                    break  # at the next start recovery settles it
        self._over(claims)

    def _over(self, claims: Sequence[tuple[Waiting, Claim]]) -> None:
        with self._changed:
            for waiting, claim in claims:
                self._lanes.end(waiting, (claim,))
            self._free += len(claims)
            self._changed.notify_all()

    def _call(self, waiting: Waiting, begun: Begun) -> None:
        self._ended.put((waiting, begun, self.publisher.caller.call(begun)))

    def _keep(self) -> None:
        ending = False
        while not ending:
            first = self._ended.get()
            batch = [] if first is None else [first]
            ending = first is None
            while not ending and len(batch) < OUTCOMES_AT_ONCE:
                try:
                    more = self._ended.get_nowait()
                except queue.Empty:
                    break
                ending = more is None
                if more is not None:
                    batch.append(more)
            if batch:
                # Whatever becomes of these, the answers that come after them are kept.
                self._guard(self._keep_batch, batch)

    def _keep_batch(self, batch: list[Ended]) -> None:
        outcomes = [(begun, outcome) for _, begun, outcome in batch]
        unkept = None
        try:
            self.publisher.keep(outcomes)
        except OSError as problem:
            unkept = problem  # the database is told all the same; then the worker ends
        going_on: set[int] = set()
        while True:
            try:
                going_on = {claim.delivery_id for claim in self.publisher.settle(outcomes)}
                break
            except DatabaseBusy as problem:
                self.told(f"What was answered is kept in the journal. {problem}")
                if self.stopping.wait(PAUSE):
                    break  # the next start reads the journal
        self._go_on([(w, b) for w, b, _ in batch if b.ready.claim.delivery_id in going_on])
        self._over(
            [(w, b.ready.claim) for w, b, _ in batch if b.ready.claim.delivery_id not in going_on]
        )
        if unkept is not None:
            raise unkept

    def _go_on(self, threads: Sequence[tuple[Waiting, Begun]]) -> None:
        """The next parts of threads: at once, when no picture is to be handed over first."""
        for waiting, begun in threads:
            if waiting.turn.pictures and not self.stopping.is_set():
                with contextlib.suppress(RuntimeError):  # it stopped this very moment
                    self._readying.submit(self._guard, self._ready_to_go_on, waiting, begun)
                    continue
            self._line_up_next(waiting, [begun.ready])

    def _ready_to_go_on(self, waiting: Waiting, begun: Begun) -> None:
        claim = begun.ready.claim
        ready = self._trying(Waiting(Turn((claim,), waiting.turn.at, pictures=True)))
        if ready is None:
            self._over([(waiting, claim)])
        else:
            self._line_up_next(waiting, ready)

    def _line_up_next(self, waiting: Waiting, ready: list[Ready]) -> None:
        with self._changed:
            self._free += len(ready)
            self._going_on.append((waiting, ready))
            self._changed.notify_all()

    def _guard(self, act: Callable[..., None], *arguments: object) -> None:
        try:
            act(*arguments)
        except BaseException as problem:
            # The database or the disk failed: what was being sent is settled by recovery.
            log.exception("the worker stops")
            self.failed(problem)

"""One check of the watchdog: look, judge, remember, tell; what is not taken is told again."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from social_scheduler.alarms import Bell, Bells, Notice
from social_scheduler.alarms.memory import Memory, Remembered, Untold
from social_scheduler.errors import SchedulerError
from social_scheduler.services.watch import Judgement, StepGuard, Unreadable, judge, look
from social_scheduler.services.watch_causes import Facts
from social_scheduler.store.database import Database

log = logging.getLogger(__name__)


class Opener(Protocol):
    """Opens the database anew, for reading."""

    def __call__(self) -> Database:
        """SchedulerError when it cannot."""


@dataclass
class Watch:
    """The watchdog of one workspace."""

    open_database: Opener
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    name: str
    """The workspace's folder, as people know it."""
    memory: Memory
    bells: Bells = ()
    told: Callable[[Notice], None] = lambda _: None
    troubled: Callable[[str], None] = lambda _: None
    """Is told what is wrong with the watchdog itself."""
    _remembered: Remembered | None = None
    _kept: Remembered | None = None
    """What the file says."""
    _steps: StepGuard = field(default_factory=StepGuard)

    def check(self, remembered: Remembered | None = None) -> tuple[Judgement, Facts | Unreadable]:
        """Look and judge, and do nothing about it."""
        before = remembered or Remembered()
        gained = self._steps.gained(self.clock(), self.monotonic())
        facts = self._look(before, gained)
        return judge(facts, self.clock(), before.standing), facts

    def round(self) -> Judgement:
        """One check: what is new is told, what is over too, and what was not taken once more."""
        before = self.from_before()
        judgement, facts = self.check(before)
        untold = list(before.untold)
        if judgement.new or judgement.over:
            notice = self.notice(judgement, facts)
            self.told(notice)
            if self.bells:
                untold.append(Untold(notice, tuple(c.name for c in self.bells)))
        # Remembered before it is told: after a crash in between it is told once more, not never.
        called = self._called(facts)
        self._keep(Remembered(judgement.standing, tuple(untold), called))
        self._keep(Remembered(judgement.standing, self._ring(untold), called))
        return judgement

    def notice(self, judgement: Judgement, facts: Facts | Unreadable) -> Notice:
        """What a check has to say."""
        return Notice(
            id=f"watch-{secrets.token_hex(12)}",
            at=self.clock(),
            workspace=self._called(facts),
            new=judgement.new,
            over=judgement.over,
            standing=len(judgement.standing),
            holds=facts.holds if isinstance(facts, Facts) else (),
        )

    def _called(self, facts: Facts | Unreadable) -> str:
        """Whether it is live or a rehearsal, as last seen, and where."""
        if isinstance(facts, Facts):
            return f"{facts.kind.upper()} {self.name}"
        return (self._remembered.workspace if self._remembered else "") or self.name

    def _look(self, before: Remembered, gained: timedelta) -> Facts | Unreadable:
        try:
            # Opened anew each time: a connection kept open reads on from a file that is gone.
            database = self.open_database()
            try:
                database.require_schema()
                return look(database, self.clock, before.standing, gained=gained)
            finally:
                database.close()
        except SchedulerError as problem:
            return Unreadable(problem.problem, problem.remedy)
        except Exception as problem:
            # Whatever it is, nothing was seen, and a watchdog that ends wakes nobody.
            log.exception("the check failed")
            return Unreadable(
                f"The check itself failed: {type(problem).__name__}.",
                "See what the watch wrote to standard error.",
            )

    def from_before(self) -> Remembered:
        """What is remembered: from the last check, or from before the restart."""
        if self._remembered is None:
            self._remembered, problem = self.memory.load()
            if problem:
                self.troubled(problem)
        return self._remembered

    def _keep(self, remembered: Remembered) -> None:
        self._remembered = remembered
        if remembered == self._kept:
            return
        try:
            self.memory.keep(remembered)
            self._kept = remembered
        except OSError as problem:
            self.troubled(
                f"{self.memory.path} cannot be written ({problem.strerror}): after a restart "
                "of the watch, alarms that stand are told once more."
            )

    def _ring(self, untold: list[Untold]) -> tuple[Untold, ...]:
        """Offer every bell what it has not taken, oldest first; answers what is left."""
        left = {one.notice.id: list(one.bells) for one in untold}
        for bell in self.bells:
            for one in untold:
                if bell.name not in left[one.notice.id]:
                    continue
                if problem := self._offer(bell, one.notice):
                    self.troubled(f"An alarm was not delivered by {bell.name}: {problem}")
                    break  # it is shut: the rest waits for the next check too
                left[one.notice.id].remove(bell.name)
        known = {bell.name for bell in self.bells}
        return tuple(
            Untold(one.notice, names)
            for one in untold
            if (names := tuple(n for n in left[one.notice.id] if n in known))
        )

    def _offer(self, bell: Bell, notice: Notice) -> str:
        try:
            return bell.ring(notice, self.clock())
        except Exception as problem:
            # One way out must not keep the watch from the others, nor from looking on.
            log.exception("%s failed", bell.name)
            return type(problem).__name__

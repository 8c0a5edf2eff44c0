"""What was taken and is not said now: given back, with the reason, missed, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from social_scheduler.errors import PlatformError, RateLimited, Refused, Unauthorized
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.services.claim import Claim, Turn
from social_scheduler.services.context import Context
from social_scheduler.services.last_look import Blocked, Cleared, Grounds
from social_scheduler.services.outcome import (
    FREE,
    apply_outcomes,
    give_up_if_late,
    miss,
    pause_after,
)
from social_scheduler.services.reach import Reach
from social_scheduler.store import looking
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked
from social_scheduler.store.steps import By, step_delivery

BLOCKED_FOR = timedelta(seconds=30)
NOT_HANDED_OVER = "its pictures are not at the network yet"
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Unsent:
    """Gives back what one worker has taken. Of nothing in here a call was made."""

    context: Context
    worker: str
    reach: Reach
    told: Callable[[str], None]

    def abandon(self, claims: Sequence[Claim], why: str) -> None:
        """No call was made after `begin` went wrong: whatever was kept of it, nothing was sent."""
        with self.context.database.work() as tx:
            by = By(self.worker, self.context.now())
            for claim in claims:
                looked = looking.look(tx, claim.delivery_id)
                if looked.delivery.attempt != claim.fence:
                    continue
                part = next((p for p in looked.parts if p.state is PartState.SENDING), None)
                if part is None:
                    self._release(tx, claim, looked, why, passing=True)
                else:
                    unsent = Outcome(
                        claim.delivery_id, claim.fence, part.number, "not_sent", evidence=why
                    )
                    apply_outcomes(tx, self.context, [unsent], by)

    def give_back(self, turns: Sequence[Turn]) -> None:
        """Leases that this worker will not use: others, or it itself later, take them again."""
        by = By(self.worker, self.context.now(), "its worker stops")
        with self.context.database.work() as tx:
            for claim in (claim for turn in turns for claim in turn.claims):
                step_delivery(
                    tx,
                    claim.delivery_id,
                    "release",
                    by,
                    fence=claim.fence,
                    attempt=claim.fence + 1,
                    **FREE,
                )

    def not_begun(self, claim: Claim, problem: PlatformError) -> None:
        """Trouble before the intent: nothing was sent, whatever it was."""
        by = By(self.worker, self.context.now(), problem.problem)
        with self.context.database.work() as tx:
            looked = looking.look(tx, claim.delivery_id)
            if isinstance(problem, Refused) and not looked.live:
                step_delivery(
                    tx,
                    claim.delivery_id,
                    "refuse",
                    by,
                    fence=claim.fence,
                    trouble=problem.problem,
                    **FREE,
                )
                self.told(f"{looked.reference} to {claim.account}: {problem}")
                return
            until = problem.until if isinstance(problem, RateLimited) else None
            passing = not isinstance(problem, Refused)
            self._release(tx, claim, looked, problem.problem, until=until, passing=passing)
        if isinstance(problem, Unauthorized):
            self.reach.suspend(looked, problem, claim.keys)

    def blocked(
        self,
        tx: Transaction,
        grounds: Grounds,
        found: Sequence[tuple[Claim, Cleared | Blocked]],
    ) -> None:
        """Give a turn back, with the reason. What a hold stopped is missed: people decide."""
        now = self.context.now()
        stopped = [(c, look) for c, look in found if isinstance(look, Blocked)]
        held = any(look.looked.held_by(grounds.holds) for _, look in stopped)
        for claim, look in found:
            if isinstance(look, Blocked):
                reason = str(look)
            else:
                reason = "released together with " + "; ".join(
                    f"{c.account}: {other}" for c, other in stopped
                )
            if held and look.looked.delivery.attempt == claim.fence:
                miss(tx, look.looked, reason, By(self.worker, now))
                self.told(f"{look.looked.reference} to {claim.account}: not sent — {reason}")
            else:
                rests = max(o.looked.account.limited_until or NEVER for _, o in stopped)
                passing = rests > now or all(o.reasons == (NOT_HANDED_OVER,) for _, o in stopped)
                self._release(tx, claim, look.looked, reason, until=rests, passing=passing)

    def release(self, claims: Sequence[Claim], reason: str, *, passing: bool = False) -> None:
        """Give leases back, with the reason."""
        if not claims:
            return
        with self.context.database.work() as tx:
            for claim in claims:
                looked = looking.look(tx, claim.delivery_id)
                self._release(tx, claim, looked, reason, passing=passing)

    def _release(
        self,
        tx: Transaction,
        claim: Claim,
        looked: Looked,
        reason: str,
        *,
        until: datetime | None = None,
        passing: bool = False,
    ) -> None:
        """Give the lease back, with the reason.

        A thread under way goes on later when the trouble is `passing`, else stops for a person.
        """
        now = self.context.now()
        by = By(self.worker, now, reason)
        tries = looked.delivery.tries
        again = max(until or now, now + (pause_after(tries) if passing else BLOCKED_FOR))
        later: dict[str, Any] = {
            "ready_at": again,
            "tries": tries + 1 if passing else tries,
            "trouble": reason,
            **FREE,
        }
        step = "release"
        if looked.delivery.state is DeliveryState.SENDING:
            step = "postpone" if passing else "stop"
        done = step_delivery(tx, claim.delivery_id, step, by, fence=claim.fence, **later)
        if done and passing:
            give_up_if_late(tx, looked, again, by)
        self.told(f"{looked.reference} to {claim.account}: not sent — {reason}")

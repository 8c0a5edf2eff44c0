"""From due to proved: claim, last look + intent, call, outcome.

Publishing has its own transactions, because each must be durable before the next act:

=========  ==========================================  ===============================
step       what is committed                           a crash afterwards means
=========  ==========================================  ===============================
prepare    remote ids of uploads                       prepare again
claim      leased, worker, lease end, fence            the lease ends → scheduled
intent     attempt row, `sending`; then the journal    it may be live
call       nothing                                     it may be live
outcome    the journal; then the database              the journal has it
proof      what reading back showed                    read again
=========  ==========================================  ===============================
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from social_scheduler.errors import (
    Conflict,
    NotSent,
    PlatformError,
    RateLimited,
    Refused,
    SchedulerError,
    Unauthorized,
    Unconfirmed,
)
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState
from social_scheduler.platforms import Call, Connection, Platform, Published, Upload
from social_scheduler.services.context import Context
from social_scheduler.services.last_look import Blocked
from social_scheduler.services.outcome import apply_outcome, give_up_if_late, pause_after
from social_scheduler.services.reach import Claim, Reach, stored_message
from social_scheduler.store import due as due_store
from social_scheduler.store import holds as hold_store
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.due import DueDelivery
from social_scheduler.store.publishing import Looked
from social_scheduler.store.steps import By, step_delivery, step_part

LEASE = timedelta(minutes=2)
INTENT_LASTS = 1.0
"""Seconds between intent and call after which the call is given up as certainly not made."""
BLOCKED_FOR = timedelta(seconds=30)

CRASH_POINTS = (
    "prepared",
    "claimed",
    "looked",
    "intended",
    "journalled",
    "answered",
    "outcome journalled",
    "outcome committed",
    "proved",
)
"""Named moments at which a rehearsal can kill the worker (`work --crash-at`)."""


@dataclass
class Publisher:
    """One worker's hands. `probe` is told each named moment; rehearsals use it to crash there."""

    context: Context
    worker: str
    probe: Callable[[str], None] = lambda _: None
    monotonic: Callable[[], float] = time.monotonic
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    told: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.reach = Reach(
            self.context,
            self.worker,
            self.probe,
            self.told,
            self.connect_timeout,
            self.read_timeout,
        )

    def claim_due(self, limit: int = 100) -> list[Claim]:
        """Lease what is due now. Each lease is one conditional update."""
        context, now = self.context, self.context.now()
        with context.database.read() as tx:
            found = due_store.due(tx, now, hold_store.active(tx, now), limit)
        if not found:
            return []
        with context.database.write() as tx:
            claims = [c for d in found if (c := self._claim(tx, d, now))]
        self.probe("claimed")
        return claims

    def _claim(self, tx: Transaction, found: DueDelivery, now: datetime) -> Claim | None:
        done = step_delivery(
            tx,
            found.id,
            "claim",
            By(self.worker, now),
            fence=found.attempt,
            attempt=found.attempt + 1,
            worker=self.worker,
            lease_until=now + LEASE,
        )
        return Claim(found.id, found.attempt + 1, found.account_id, found.account) if done else None

    def send(self, claim: Claim) -> None:
        """Send every part that has not been said, in order; stops at the first that is not live."""
        while self._send_next(claim):
            pass

    def _send_next(self, claim: Claim) -> bool:
        """One part. True when it is live and another one waits."""
        with contextlib.ExitStack() as files:
            ready = self._ready(claim, files)
            if ready is None:
                return False
            platform, connection, uploads, intact = ready
            try:
                call = self._intend(claim, connection, uploads, intact)
            except Conflict as problem:
                with self.context.database.read() as tx:
                    looked = store.look(tx, claim.delivery_id)
                self._block(claim, looked, str(problem))
                return False  # nothing of the intent was kept
            if call is None:
                return False
            result = self._call(platform, connection, call)
            self.probe("answered")
            return self._conclude(claim, call.call, result, call.about)

    def _ready(
        self, claim: Claim, files: contextlib.ExitStack
    ) -> tuple[Platform, Connection, Sequence[Upload], frozenset[str]] | None:
        """Everything that can go wrong before the intent: keys, identity, pictures."""
        with self.context.database.read() as tx:
            looked = store.look(tx, claim.delivery_id)
            message = stored_message(tx, looked)
        try:
            platform, connection = self.reach.network(looked)
            opened = self.reach.pictures(message, files)
            uploads = self.reach.uploads(claim, looked, message, platform, connection, opened)
        except PlatformError as problem:
            self._not_begun(claim, looked, problem)
            return None
        except SchedulerError as problem:
            self._block(claim, looked, str(problem))
            return None
        return platform, connection, uploads, frozenset(opened)

    def _intend(
        self,
        claim: Claim,
        connection: Connection,
        uploads: Sequence[Upload],
        intact: frozenset[str],
    ) -> _Intent | None:
        """The last look and the intent, in one transaction; then the journal."""
        written = self.monotonic()  # before the look: a stall of the commit counts too
        with self.context.database.write() as tx:
            found = self.reach.look(tx, claim, intact)
            part = found.looked.next_part
            if isinstance(found, Blocked) or part is None:
                self._release(tx, claim, found.looked, str(found))
                return None
            now = self.context.now()
            by = By(self.worker, now)
            if not self._begin(tx, claim, found.looked, by):
                return None
            if not step_part(tx, claim.delivery_id, part.number, "begin", by):
                # Raised, so that the delivery's own step is not kept without its part's.
                raise Conflict(f"Part {part.number} of delivery {claim.delivery_id} began already.")
            store.begin_attempt(
                tx,
                delivery_id=claim.delivery_id,
                number=claim.fence,
                part=part.number,
                worker=self.worker,
                revision=found.looked.delivery.revision,
                digest=part.digest,
                started_at=now,
            )
            change = store.last_change(tx)
            self.probe("looked")
        self.probe("intended")
        self.context.journal.intent(
            delivery=claim.delivery_id,
            attempt=claim.fence,
            part=part.number,
            digest=part.digest,
            change=change,
        )
        self.probe("journalled")
        before = [p for p in found.looked.parts if p.number < part.number]
        call = Call(
            message=found.message,
            number=part.number,
            key=part.digest,
            reply_to=before[-1].remote_id if before else None,
            uploads=uploads,
        )
        of = f" part {part.number}" if len(found.message.parts) > 1 else ""
        about = f"{found.looked.campaign}/{found.looked.post.key}{of} to {claim.account}"
        return _Intent(call, written, now, found.looked.delivery.not_after, about)

    def _begin(self, tx: Transaction, claim: Claim, looked: Looked, by: By) -> bool:
        if not looked.live or looked.delivery.state is DeliveryState.LEASED:
            return step_delivery(
                tx, claim.delivery_id, "begin", by, fence=claim.fence, trouble=None
            )
        # The next part of a thread under way: the same lease, for a while longer.
        return store.set_delivery(tx, claim.delivery_id, claim.fence, lease_until=by.at + LEASE)

    def _call(
        self, platform: Platform, connection: Connection, intent: _Intent
    ) -> Published | PlatformError:
        """The one call. Whatever a module did not foresee may be live."""
        now = self.context.now()
        # Both clocks: the monotonic one stands still while a machine sleeps.
        passed = max(self.monotonic() - intent.written, (now - intent.looked_at).total_seconds())
        if passed > INTENT_LASTS or now >= intent.not_after:
            return NotSent("The call was given up: too long since its intent was written.")
        try:
            return platform.publish(connection, intent.call)
        except (NotSent, RateLimited, Refused, Unauthorized, Unconfirmed) as problem:
            return problem
        except Exception as problem:  # noqa: BLE001  (see errors.py: unforeseen means unconfirmed)
            return Unconfirmed("Something unforeseen happened.", evidence=type(problem).__name__)

    def _conclude(
        self, claim: Claim, call: Call, result: Published | PlatformError, about: str
    ) -> bool:
        outcome = _as_outcome(claim, call, result)
        self.context.journal.outcome(outcome)
        self.probe("outcome journalled")
        with self.context.database.write() as tx:
            goes_on = apply_outcome(tx, self.context, outcome, By(self.worker, self.context.now()))
        self.probe("outcome committed")
        if isinstance(result, Unauthorized):
            self.reach.forget(claim.account)
        words = result.url if isinstance(result, Published) else str(result)
        self.told(f"{about}: {outcome.outcome.replace('_', ' ')} — {words}")
        return goes_on

    def _not_begun(self, claim: Claim, looked: Looked, problem: PlatformError) -> None:
        """Trouble before the intent: nothing was sent, whatever it was."""
        if isinstance(problem, Unauthorized):
            self.reach.suspend(looked, problem)
        by = By(self.worker, self.context.now(), problem.problem)
        with self.context.database.write() as tx:
            if isinstance(problem, Refused) and not looked.live:
                step_delivery(
                    tx, claim.delivery_id, "refuse", by, fence=claim.fence, trouble=problem.problem
                )
                self.told(f"{looked.campaign}/{looked.post.key} to {claim.account}: {problem}")
            else:
                until = problem.until if isinstance(problem, RateLimited) else None
                passing = not isinstance(problem, Refused)
                self._release(tx, claim, looked, problem.problem, until=until, passing=passing)

    def _block(self, claim: Claim, looked: Looked, reason: str) -> None:
        with self.context.database.write() as tx:
            self._release(tx, claim, looked, reason)

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
            "next_try_at": again,
            "tries": tries + 1 if passing else tries,
            "trouble": reason,
            "worker": None,
            "lease_until": None,
        }
        step = "release"
        if looked.delivery.state is DeliveryState.SENDING:
            step = "postpone" if passing else "stop"
        done = step_delivery(tx, claim.delivery_id, step, by, fence=claim.fence, **later)
        if done and passing:
            give_up_if_late(tx, looked, again, by)
        self.told(f"{looked.campaign}/{looked.post.key} to {claim.account}: not sent — {reason}")


@dataclass(frozen=True, slots=True)
class _Intent:
    call: Call
    written: float
    """By the monotonic clock."""
    looked_at: datetime
    not_after: datetime
    about: str
    """For people: which post, which part, where to."""


def _as_outcome(claim: Claim, call: Call, result: Published | PlatformError) -> Outcome:
    kind: Literal["published", "not_sent", "rate_limited", "refused", "unauthorized", "unconfirmed"]
    match result:
        case Published():
            return Outcome(
                claim.delivery_id,
                claim.fence,
                call.number,
                "published",
                remote_id=result.remote_id,
                url=result.url,
            )
        case RateLimited():
            kind = "rate_limited"
        case NotSent():
            kind = "not_sent"
        case Refused():
            kind = "refused"
        case Unauthorized():
            kind = "unauthorized"
        case _:
            kind = "unconfirmed"
    until = result.until.timestamp() if isinstance(result, RateLimited) else None
    evidence = f"{result.problem} {result.evidence}".strip()
    return Outcome(
        claim.delivery_id, claim.fence, call.number, kind, evidence=evidence, until=until
    )

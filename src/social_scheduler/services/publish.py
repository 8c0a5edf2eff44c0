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

Intents and outcomes of several deliveries share a commit: an intent's batch is small, for
after a crash each of it may be live; an outcome's is whatever has come in meanwhile.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from social_scheduler.errors import Conflict, DatabaseBusy, PlatformError, Refused, SchedulerError
from social_scheduler.journal import Intent, Outcome
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.platforms import Call, parts_said
from social_scheduler.services.calling import Begun, Caller, Ready
from social_scheduler.services.claim import ALL_THERE_IS, Burst, Claim, Room, Turn, take_due
from social_scheduler.services.context import Context
from social_scheduler.services.last_look import Blocked, Cleared, Grounds, last_look
from social_scheduler.services.outcome import Under, apply_outcomes
from social_scheduler.services.reach import Reach, stored_message
from social_scheduler.services.unsent import NOT_HANDED_OVER, Unsent
from social_scheduler.store import looking
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import By, DeliveryStep, PartStep, step_many

INTENTS_AT_ONCE = 20
"""How many intents share a commit (a larger group alone); after a crash each may be live."""
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
    burst: Burst = field(default_factory=Burst)
    ends: Callable[[], bool] = lambda: False
    """Whether the worker is ending: what takes long stops at the next occasion."""

    def __post_init__(self) -> None:
        self.reach = Reach(
            self.context,
            self.worker,
            self.probe,
            self.told,
            self.connect_timeout,
            self.read_timeout,
            self.ends,
        )
        self.caller = Caller(self.context, self.reach, self.probe, self.monotonic)
        self.unsent = Unsent(self.context, self.worker, self.reach, self.told)

    def claim_due(self, ahead: timedelta = timedelta(0), room: Room = ALL_THERE_IS) -> list[Turn]:
        """Lease what is due by now + `ahead`, as far as there is room."""
        turns = take_due(
            self.context, self.worker, ahead=ahead, room=room, burst=self.burst, told=self.told
        )
        if turns:
            self.probe("claimed")
        return turns

    def send(self, turn: Turn) -> None:
        """Send every part that has not been said, in order; stops at the first that is not live.

        The worker does the same in its threads (worker/pipeline.py), many turns at once.
        """
        while True:
            ready = self.make_ready(turn)
            begun = self.begin([ready]) if ready else []
            ended = [(one, self.caller.call(one)) for one in begun]
            going_on = self.conclude(ended) if ended else []
            if not going_on:
                return
            for claim in going_on[1:]:
                self.send(Turn((claim,), turn.at, turn.pictures))
            turn = Turn((going_on[0],), turn.at, turn.pictures)

    def make_ready(self, turn: Turn) -> list[Ready] | None:
        """Keys, identity, pictures, for every delivery of a turn; None when one is in trouble."""
        found: list[Ready] = []
        for claim in turn.claims:
            problem: SchedulerError | None = None
            try:
                found.append(self._make_ready(claim, turn.pictures))
            except DatabaseBusy:
                raise
            except PlatformError as trouble:
                problem = trouble
                self.unsent.not_begun(claim, trouble)
            except SchedulerError as trouble:
                problem = trouble
                self.unsent.release([claim], str(trouble))
            if problem is not None:
                others = [each for each in turn.claims if each != claim]
                why = f"released together with {claim.account}: {problem.problem}"
                self.unsent.release(others, why, passing=not isinstance(problem, Refused))
                return None
        return found

    def _make_ready(self, claim: Claim, pictures: bool) -> Ready:
        platform, connection, native_id = self.reach.network(
            claim.account, claim.platform, claim.server, claim.keys
        )
        if not pictures:
            return Ready(claim, platform, connection, native_id)
        with self.context.database.read() as tx:
            looked = looking.look(tx, claim.delivery_id)
            message = stored_message(tx, looked)
        with contextlib.ExitStack() as files:
            opened = self.reach.pictures(message, files)
            uploads = self.reach.uploads(
                claim, looked, message, platform, connection, native_id, opened
            )
            return Ready(claim, platform, connection, native_id, uploads, frozenset(opened))

    def begin(self, turns: Sequence[Sequence[Ready]]) -> list[Begun]:
        """The last look and the intents, in one transaction; then the journal.

        A turn of which one delivery is blocked does not begin. What is begun is to be called
        at once.
        """
        try:
            return self._begin(turns)
        except Conflict as problem:
            if len(turns) > 1:
                return [begun for turn in turns for begun in self.begin([turn])]
            self.unsent.release([ready.claim for ready in turns[0]], problem.problem)
            return []  # nothing of the intent was kept

    def _begin(self, turns: Sequence[Sequence[Ready]]) -> list[Begun]:
        written = self.monotonic()  # before the look: a stall of the commit counts too
        with self.context.database.work() as tx:
            now = self.context.now()
            ids = [ready.claim.delivery_id for turn in turns for ready in turn]
            grounds = Grounds.read(tx, ids, now)
            cleared: list[tuple[Ready, Cleared]] = []
            for turn in turns:
                looks = [_look(grounds, ready, now) for ready in turn]
                if all(isinstance(look, Cleared) and look.looked.next_part for look in looks):
                    cleared += [
                        (r, look)
                        for r, look in zip(turn, looks, strict=True)
                        if isinstance(look, Cleared)
                    ]
                else:
                    claims = [ready.claim for ready in turn]
                    self.unsent.blocked(tx, grounds, list(zip(claims, looks, strict=True)))
            if not cleared:
                return []
            intents = self._write_intents(tx, cleared, now, grounds.change)
            self.probe("looked")
        self.probe("intended")
        self.context.journal.begin(intents)
        self.probe("journalled")
        return [self._begun(r, look, written, now) for r, look in cleared]

    def _write_intents(
        self,
        tx: Transaction,
        cleared: Sequence[tuple[Ready, Cleared]],
        now: datetime,
        change: int,
    ) -> list[Intent]:
        by = By(self.worker, now)
        first, parts, attempts, intents = [], [], [], []
        spaced: set[int] = set()
        for ready, look in cleared:
            delivery, part = look.looked.delivery, look.looked.next_part
            if part is None or part.state is not PartState.WAITING:
                raise Conflict(f"{look.looked.reference} to {ready.claim.account} began already.")
            if delivery.state is DeliveryState.LEASED:
                step = DeliveryStep(
                    delivery.id,
                    delivery.post_id,
                    delivery.state,
                    ready.claim.fence,
                    {"trouble": None},
                )
                first.append(step)
            if look.looked.account.spacing:
                spaced.add(look.looked.account.id)
            parts.append(PartStep(delivery.id, part.number, part.state, {}))
            call = {
                "delivery_id": delivery.id,
                "number": ready.claim.fence,
                "part": part.number,
                "worker": self.worker,
                "revision": delivery.revision,
                "digest": part.digest,
                "started_at": now,
            }
            attempts.append(call)
            intents.append(
                Intent(
                    delivery=delivery.id,
                    attempt=ready.claim.fence,
                    part=part.number,
                    digest=part.digest,
                    change=change,
                    post=look.looked.reference,
                    account=ready.claim.account,
                    at=now.timestamp(),
                )
            )
        step_many(tx, by, ("begin", first), ("begin", parts), also=[store.intents(attempts)])
        if spaced:
            store.keep_spoken(tx, spaced, now)
        return intents

    def _begun(self, ready: Ready, look: Cleared, written: float, now: datetime) -> Begun:
        looked, part = look.looked, look.looked.next_part
        if part is None:
            raise Conflict("There is no part left.")
        before = [p for p in looked.parts if p.number < part.number]
        call = Call(
            message=look.message,
            number=part.number,
            key=part.digest,
            reply_to=before[-1].remote_id if before else None,
            uploads=ready.uploads,
            due_at=looked.delivery.due_at,
        )
        of = f" part {part.number}" if len(look.message.parts) > 1 else ""
        about = f"{looked.reference}{of} to {ready.claim.account}"
        under = Under(looked.delivery.post_id, len(looked.parts), ready.claim.keys)
        return Begun(ready, call, written, now, looked.delivery.not_after, under, about)

    def conclude(self, ended: Sequence[tuple[Begun, Outcome]]) -> list[Claim]:
        """Keep what came of calls: the journal, then the database. Answers what goes on."""
        self.keep(ended)
        return self.settle(ended)

    def keep(self, ended: Sequence[tuple[Begun, Outcome]]) -> None:
        """The outcomes into the journal: from here on no crash loses them."""
        self.context.journal.end([outcome for _, outcome in ended])
        self.probe("outcome journalled")

    def settle(self, ended: Sequence[tuple[Begun, Outcome]]) -> list[Claim]:
        """The outcomes into the database; may be repeated. Answers what goes on."""
        outcomes = [outcome for _, outcome in ended]
        under_way = {o.delivery: begun.under for begun, o in ended}
        try:
            with self.context.database.work() as tx:
                by = By(self.worker, self.context.now())
                goes_on = apply_outcomes(tx, self.context, outcomes, by, under_way)
        except Conflict:
            # Something changed hands meanwhile: each by itself, as it stands now.
            return [claim for one in ended for claim in self._settle_as_it_stands(*one)]
        self.probe("outcome committed")
        for begun, outcome in ended:
            if outcome.outcome == "unauthorized":
                self.reach.forget(begun.ready.claim.account)
            words = outcome.url or outcome.evidence or ""
            self.told(f"{begun.about}: {outcome.outcome.replace('_', ' ')} — {words}")
        return [b.ready.claim for (b, _), on in zip(ended, goes_on, strict=True) if on]

    def _settle_as_it_stands(self, begun: Begun, outcome: Outcome) -> list[Claim]:
        for again in (True, True, False):
            try:
                with self.context.database.work() as tx:
                    by = By(self.worker, self.context.now())
                    (goes_on,) = apply_outcomes(tx, self.context, [outcome], by)
            except Conflict:
                if not again:
                    raise
            else:
                return [begun.ready.claim] if goes_on else []
        return []


def _look(grounds: Grounds, ready: Ready, now: datetime) -> Cleared | Blocked:
    """The last look, at exactly what the call would use."""
    found = last_look(
        grounds,
        ready.claim.delivery_id,
        fence=ready.claim.fence,
        now=now,
        server=ready.connection.base_url,
        native_id=ready.native_id,
        intact=ready.intact,
    )
    part = found.looked.next_part
    if isinstance(found, Blocked) or part is None or ready.platform.sends_files:
        return found
    numbers = parts_said(ready.platform, found.message, part.number)
    wanted = [m.sha256 for number in numbers for m in found.message.attached(number)]
    if wanted != [u.sha256 for u in ready.uploads if u.expires_at > now]:
        return Blocked(found.looked, (NOT_HANDED_OVER,))
    return found

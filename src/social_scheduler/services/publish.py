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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from social_scheduler.errors import (
    Conflict,
    DatabaseBusy,
    NotSent,
    PlatformError,
    RateLimited,
    Refused,
    SchedulerError,
    Unauthorized,
    Unconfirmed,
)
from social_scheduler.journal import Intent, Outcome
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.platforms import (
    Call,
    Connection,
    Platform,
    Published,
    Upload,
    may_still_go_out,
    parts_said,
)
from social_scheduler.services.claim import ALL_THERE_IS, Burst, Claim, Room, Turn, take_due
from social_scheduler.services.context import Context
from social_scheduler.services.last_look import Blocked, Cleared, Grounds, last_look
from social_scheduler.services.outcome import (
    FREE,
    Under,
    apply_outcomes,
    give_up_if_late,
    miss,
    pause_after,
)
from social_scheduler.services.reach import Reach, stored_message
from social_scheduler.store import looking
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked
from social_scheduler.store.steps import (
    By,
    DeliveryStep,
    PartStep,
    step_delivery,
    step_many,
)

INTENT_LASTS = 1.0
"""Seconds between intent and call after which the call is given up as certainly not made."""
INTENTS_AT_ONCE = 20
"""How many intents share a commit (a larger group alone); after a crash each may be live."""
BLOCKED_FOR = timedelta(seconds=30)
NOT_HANDED_OVER = "its pictures are not at the network yet"
NEVER = datetime.min.replace(tzinfo=UTC)

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


@dataclass(frozen=True, slots=True)
class Ready:
    """A claim of which everything that can go wrong before the intent went well."""

    claim: Claim
    platform: Platform
    connection: Connection
    native_id: str
    """Whom the network says these very keys belong to."""
    uploads: Sequence[Upload] = ()
    intact: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Begun:
    """One call whose intent is durable, and which is to be made at once or not at all."""

    ready: Ready
    call: Call
    written: float
    """By the monotonic clock, before the last look."""
    looked_at: datetime
    not_after: datetime
    under: Under
    about: str
    """For people: which post, which part, where to."""


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
            ended = [(one, self.call(one)) for one in begun]
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
                self._not_begun(claim, trouble)
            except SchedulerError as trouble:
                problem = trouble
                self._give_back([claim], str(trouble))
            if problem is not None:
                others = [each for each in turn.claims if each != claim]
                why = f"released together with {claim.account}: {problem.problem}"
                self._give_back(others, why, passing=not isinstance(problem, Refused))
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
            self._give_back([ready.claim for ready in turns[0]], problem.problem)
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
                    self._blocked(tx, grounds, turn, looks)
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

    def call(self, begun: Begun) -> Outcome:
        """The one call. Whatever a module did not foresee may be live."""
        platform, call = begun.ready.platform, begun.call
        result: Published | PlatformError
        with contextlib.ExitStack() as files:
            try:
                if platform.sends_files:
                    call = self.reach.with_files(call, files)
                if not self._is_in_time(begun.written, begun.looked_at, begun.not_after):
                    raise NotSent("The call was given up: too long since its intent was written.")
            except NotSent as problem:
                return _as_outcome(begun.ready, call, problem)
            try:
                with self.in_time(begun.written, begun.looked_at, begun.not_after):
                    result = platform.publish(begun.ready.connection, call)
            except (NotSent, RateLimited, Refused, Unauthorized, Unconfirmed) as problem:
                result = problem
            except Exception as problem:  # noqa: BLE001  (see errors.py: unforeseen means unconfirmed)
                result = Unconfirmed(
                    "Something unforeseen happened.", evidence=type(problem).__name__
                )
        self.probe("answered")
        return _as_outcome(begun.ready, call, result)

    @contextlib.contextmanager
    def in_time(self, written: float, looked_at: datetime, not_after: datetime) -> Iterator[None]:
        """What is published inside leaves within a second of its last look, or not at all.

        A module may ask its network something first, and that may take long.
        """
        check = may_still_go_out.set(lambda: self._is_in_time(written, looked_at, not_after))
        try:
            yield
        finally:
            may_still_go_out.reset(check)

    def _is_in_time(self, written: float, looked_at: datetime, not_after: datetime) -> bool:
        now = self.context.now()
        # Both clocks: the monotonic one stands still while a machine sleeps.
        passed = max(self.monotonic() - written, (now - looked_at).total_seconds())
        return passed <= INTENT_LASTS and now < not_after

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

    def _not_begun(self, claim: Claim, problem: PlatformError) -> None:
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

    def _blocked(
        self,
        tx: Transaction,
        grounds: Grounds,
        turn: Sequence[Ready],
        looks: Sequence[Cleared | Blocked],
    ) -> None:
        """Give a turn back, with the reason. What a hold stopped is missed: people decide."""
        now = self.context.now()
        found = [(r.claim, look) for r, look in zip(turn, looks, strict=True)]
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

    def _give_back(self, claims: Sequence[Claim], reason: str, *, passing: bool = False) -> None:
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


def _as_outcome(ready: Ready, call: Call, result: Published | PlatformError) -> Outcome:
    claim = ready.claim
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
                rest=tuple((p.remote_id, p.url) for p in result.rest),
                differs=tuple(result.seen.differences(ready.platform.as_seen(call)))
                if result.seen
                else None,
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

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
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Literal

from social_scheduler.errors import (
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
from social_scheduler.media.store import MediaChanged
from social_scheduler.message import Attachment, Message
from social_scheduler.platforms import Call, Connection, Platform, Published, Upload
from social_scheduler.services.accounts import allowed_server
from social_scheduler.services.context import Context
from social_scheduler.services.last_look import Blocked, Cleared, last_look
from social_scheduler.services.outcome import apply_outcome, give_up_if_late, pause_after
from social_scheduler.store import holds as hold_store
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.publishing import DueDelivery, Looked
from social_scheduler.store.review import messages_of
from social_scheduler.store.steps import By, remember, step_delivery, step_part
from social_scheduler.store.tables import Upload as UploadRow

LEASE = timedelta(minutes=2)
INTENT_LASTS = 1.0
"""Seconds between intent and call after which the call is given up as certainly not made."""
PREPARE_AHEAD = timedelta(minutes=30)
PREPARE_AGAIN = timedelta(minutes=1)
"""After trouble; networks count the calls that hand over pictures too."""
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


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker has leased; `fence` is its attempt number."""

    delivery_id: int
    fence: int
    account_id: int
    account: str


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
    _identities: dict[str, tuple[Connection, str]] = field(default_factory=dict)
    """By account: whom its keys belong to, as the network said, and the keys it was asked with."""
    _unprepared: dict[int, datetime] = field(default_factory=dict)
    """Deliveries whose pictures could not be handed over ahead, and when to try again."""

    def claim_due(self, limit: int = 100) -> list[Claim]:
        """Lease what is due now. Each lease is one conditional update."""
        context, now = self.context, self.context.now()
        with context.database.read() as tx:
            found = store.due(tx, now, hold_store.active(tx, now), limit)
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
            call = self._intend(claim, connection, uploads, intact)
            if call is None:
                return False
            result = self._call(platform, connection, call.call, call.written)
            self.probe("answered")
            return self._conclude(claim, call.call, result)

    def _ready(
        self, claim: Claim, files: contextlib.ExitStack
    ) -> tuple[Platform, Connection, Sequence[Upload], frozenset[str]] | None:
        """Everything that can go wrong before the intent: keys, identity, pictures."""
        with self.context.database.read() as tx:
            looked = store.look(tx, claim.delivery_id)
            message = _stored_message(tx, looked)
        try:
            platform, connection = self._reach(looked)
            opened = self._open(message, files)
            uploads = self._uploads(claim, looked, message, platform, connection, opened)
        except PlatformError as problem:
            self._not_begun(claim, looked, problem)
            return None
        except SchedulerError as problem:
            self._block(claim, looked, str(problem))
            return None
        return platform, connection, uploads, frozenset(opened)

    def connection(self, looked: Looked) -> Connection:
        """How to reach an account; refused outside of where this workspace may send."""
        account = looked.account
        return Connection(
            base_url=allowed_server(self.context, account.platform, account.server),
            keys=self.context.vault.get(account.name),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )

    def _open(self, message: Message | None, files: contextlib.ExitStack) -> dict[str, BinaryIO]:
        """The pictures, hashed from the open files that are then uploaded."""
        opened: dict[str, BinaryIO] = {}
        for item in message.media if message else []:
            with contextlib.suppress(MediaChanged, FileNotFoundError):
                opened[item.sha256] = files.enter_context(
                    self.context.media.verified_open(item.sha256)
                )
        return opened

    def _uploads(
        self,
        claim: Claim,
        looked: Looked,
        message: Message | None,
        platform: Platform,
        connection: Connection,
        opened: dict[str, BinaryIO],
    ) -> list[Upload]:
        """The next part's pictures at the network, uploading what is missing: approved ones only."""
        part = looked.next_part
        if message is None or part is None or part.number > len(message.parts):
            return []
        wanted = [m for m in message.parts[part.number - 1].media if m.sha256 in opened]
        if not wanted:
            return []
        with self.context.database.read() as tx:
            if isinstance(self._look(tx, claim, set(opened)), Blocked):
                return []  # the intent's own last look says why
        return self._upload_missing(
            claim.delivery_id, part.number, wanted, platform, connection, opened
        )

    def _upload_missing(
        self,
        delivery_id: int,
        part: int,
        wanted: Sequence[Attachment],
        platform: Platform,
        connection: Connection,
        opened: dict[str, BinaryIO],
    ) -> list[Upload]:
        soon = self.context.now() + timedelta(minutes=1)
        with self.context.database.read() as tx:
            held = {
                u.sha256: Upload(u.sha256, u.remote_id, u.expires_at)
                for u in store.uploads_of(tx, delivery_id, soon)
                if u.part == part
            }
        for item in wanted:
            if item.sha256 not in held:
                held[item.sha256] = platform.upload(connection, item, opened[item.sha256])
                self._keep_upload(delivery_id, part, held[item.sha256])
        self.probe("prepared")
        return [held[m.sha256] for m in wanted]

    def prepare_ahead(self, limit: int = 20) -> None:
        """Upload the pictures of what is due within half an hour; approved content only."""
        now = self.context.now()
        self._unprepared = {d: again for d, again in self._unprepared.items() if again > now}
        with self.context.database.read() as tx:
            ids = store.to_prepare(tx, now, now + PREPARE_AHEAD, limit + len(self._unprepared))
        for delivery_id in ids:
            if delivery_id in self._unprepared:
                continue
            with contextlib.ExitStack() as files:
                self._prepare(delivery_id, files)

    def _prepare(self, delivery_id: int, files: contextlib.ExitStack) -> None:
        with self.context.database.read() as tx:
            looked = store.look(tx, delivery_id)
            message = _stored_message(tx, looked)
        claim = Claim(delivery_id, looked.delivery.attempt, looked.account.id, looked.account.name)
        try:
            platform, connection = self._reach(looked)
            opened = self._open(message, files)
            with self.context.database.read() as tx:
                found = self._look(tx, claim, set(opened), early=True)
            if isinstance(found, Blocked):
                return
            for number, part in enumerate(found.message.parts, start=1):
                self._upload_missing(delivery_id, number, part.media, platform, connection, opened)
        except Unauthorized as problem:
            self._suspend(looked, problem)
        except SchedulerError as problem:
            # Nothing is lost: the pictures are uploaded when the post is due.
            self._unprepared[delivery_id] = self.context.now() + PREPARE_AGAIN
            self.told(f"{looked.account.name}: pictures not prepared yet — {problem}")

    def _reach(self, looked: Looked) -> tuple[Platform, Connection]:
        """The network and how to reach it, having asked once whose keys these are."""
        platform = self.context.platforms[looked.account.platform]
        connection = self.connection(looked)
        name = looked.account.name
        asked = self._identities.get(name)
        if asked is None or asked[0] != connection:  # other keys may be another account's
            native_id = platform.identify(connection).native_id
            self._identities[name] = (connection, native_id)
        return platform, connection

    def _suspend(self, looked: Looked, problem: Unauthorized) -> None:
        by = By(self.worker, self.context.now(), problem.problem)
        with self.context.database.write() as tx:
            store.suspend_account(tx, looked.account.id, problem.problem)
            remember(tx, by, "suspend_account", delivery_id=looked.delivery.id)
        self.told(f"{looked.account.name}: suspended — {problem}")

    def _keep_upload(self, delivery_id: int, part: int, upload: Upload) -> None:
        with self.context.database.write() as tx:
            store.keep_upload(
                tx,
                UploadRow(
                    delivery_id=delivery_id,
                    part=part,
                    sha256=upload.sha256,
                    remote_id=upload.remote_id,
                    expires_at=upload.expires_at,
                ),
            )

    def _look(
        self,
        tx: Transaction,
        claim: Claim,
        intact: set[str] | frozenset[str],
        *,
        early: bool = False,
    ) -> Cleared | Blocked:
        account = store.look(tx, claim.delivery_id).account
        asked = self._identities.get(claim.account)
        return last_look(
            tx,
            claim.delivery_id,
            fence=claim.fence,
            now=self.context.now(),
            server=allowed_server(self.context, account.platform, account.server),
            native_id=asked[1] if asked else None,
            intact=intact,
            early=early,
        )

    def _intend(
        self,
        claim: Claim,
        connection: Connection,
        uploads: Sequence[Upload],
        intact: frozenset[str],
    ) -> _Intent | None:
        """The last look and the intent, in one transaction; then the journal."""
        with self.context.database.write() as tx:
            found = self._look(tx, claim, intact)
            part = found.looked.next_part
            if isinstance(found, Blocked) or part is None:
                self._release(tx, claim, found.looked, str(found))
                return None
            now = self.context.now()
            by = By(self.worker, now)
            if not (
                self._begin(tx, claim, found.looked, by)
                and step_part(tx, claim.delivery_id, part.number, "begin", by)
            ):
                return None
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
        written = self.monotonic()
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
        return _Intent(call, written)

    def _begin(self, tx: Transaction, claim: Claim, looked: Looked, by: By) -> bool:
        if looked.delivery.state is DeliveryState.LEASED:
            return step_delivery(
                tx, claim.delivery_id, "begin", by, fence=claim.fence, trouble=None
            )
        # The next part of a thread under way: the same lease, for a while longer.
        return store.set_delivery(tx, claim.delivery_id, claim.fence, lease_until=by.at + LEASE)

    def _call(
        self, platform: Platform, connection: Connection, call: Call, written: float
    ) -> Published | PlatformError:
        """The one call. Whatever a module did not foresee may be live."""
        if self.monotonic() - written > INTENT_LASTS:
            return NotSent("The call was given up: too long since its intent was written.")
        try:
            return platform.publish(connection, call)
        except (NotSent, RateLimited, Refused, Unauthorized, Unconfirmed) as problem:
            return problem
        except Exception as problem:  # noqa: BLE001  (see errors.py: unforeseen means unconfirmed)
            return Unconfirmed("Something unforeseen happened.", evidence=type(problem).__name__)

    def _conclude(self, claim: Claim, call: Call, result: Published | PlatformError) -> bool:
        outcome = _as_outcome(claim, call, result)
        self.context.journal.outcome(outcome)
        self.probe("outcome journalled")
        with self.context.database.write() as tx:
            goes_on = apply_outcome(tx, self.context, outcome, By(self.worker, self.context.now()))
        self.probe("outcome committed")
        if isinstance(result, Unauthorized):
            self._identities.pop(claim.account, None)
        words = result.url if isinstance(result, Published) else str(result)
        self.told(f"{claim.account}: {outcome.outcome} — {words}")
        return goes_on

    def _not_begun(self, claim: Claim, looked: Looked, problem: PlatformError) -> None:
        """Trouble before the intent: nothing was sent, whatever it was."""
        if isinstance(problem, Unauthorized):
            self._suspend(looked, problem)
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


def _stored_message(tx: Transaction, looked: Looked) -> Message | None:
    """The message as stored; the last look judges whether it is the approved one."""
    delivery = looked.delivery
    for row in messages_of(tx, delivery.post_id, delivery.revision):
        if row.account_id == delivery.account_id:
            with contextlib.suppress(ValueError):
                return Message.from_canonical(row.body)
    return None


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

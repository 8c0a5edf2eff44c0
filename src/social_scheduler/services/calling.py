"""The one call of a delivery whose intent is durable: made at once or not at all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from social_scheduler.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Refused,
    Unauthorized,
    Unconfirmed,
)
from social_scheduler.journal import Outcome
from social_scheduler.platforms import (
    Call,
    Connection,
    Platform,
    Published,
    Upload,
    may_still_go_out,
)
from social_scheduler.services.claim import Claim
from social_scheduler.services.context import Context
from social_scheduler.services.outcome import Under
from social_scheduler.services.reach import Reach

INTENT_LASTS = 1.0
"""Seconds between intent and call after which the call is given up as certainly not made."""


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


@dataclass(frozen=True)
class Caller:
    """Makes calls, and says of each what came of it."""

    context: Context
    reach: Reach
    probe: Callable[[str], None] = lambda _: None
    monotonic: Callable[[], float] = time.monotonic

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

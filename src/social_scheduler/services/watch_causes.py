"""Every cause the watchdog knows, each in words that a duty officer acts on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from social_scheduler.alarms import Alarm
from social_scheduler.alarms.words import clipped, moment
from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.services.keys_end import Ending
from social_scheduler.store.reading import DeliveryLine
from social_scheduler.store.tables import AccountState, Gap, Verdict
from social_scheduler.store.watching import Coming, Heartbeat, LateDelivery, Silenced

SILENT = timedelta(seconds=60)
"""A worker not heard of for longer than this may be dead."""
CLOCK_OFF = timedelta(seconds=5)

KEYS = "keys"
"""What the cause of keys that end begins with: keys/account/level."""
START = "Start it: social-scheduler work."
READ_BACK = {
    Verdict.DIFFERS: "live, but it reads otherwise than approved",
    Verdict.GONE: "published, and gone from the network",
    Verdict.NOT_READABLE: "published, but the network does not show it",
}
IN_WORDS = {
    DeliveryState.UNCONFIRMED: "not confirmed: it may be live or not",
    DeliveryState.PARTIAL: "partly live: the rest of it cannot go on",
    DeliveryState.FAILED: "failed: the network refused it",
    DeliveryState.MISSED: "missed: its window closed before it was sent",
}


@dataclass(frozen=True, slots=True)
class Late:
    """A late delivery, and the holds that stop it, in words."""

    delivery: LateDelivery
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one look at the database showed."""

    now: datetime
    kind: str
    """`rehearsal` or `live`."""
    holds: tuple[str, ...]
    late: tuple[Late, ...]
    waiting: tuple[DeliveryLine, ...]
    """What waits for a person to settle it."""
    since: Mapping[int, datetime]
    gaps: tuple[Gap, ...]
    """Calls that a journal knows and the database, put back from a backup, does not."""
    workers: tuple[Heartbeat, ...]
    coming: Coming | None
    silenced: tuple[Silenced, ...]
    endings: tuple[Ending, ...]
    """Accounts whose keys end soon, or before something queued."""
    database_ahead: timedelta | None
    """How far the database's clock is ahead of this machine's; None where it has none."""
    gained: timedelta
    """How far this machine's clock jumped ahead (or back) lately."""
    states: Mapping[int, DeliveryState]
    """Where the deliveries stand that were alarmed about before."""

    @property
    def beating(self) -> datetime:
        """Now, by the clock that heartbeats are written with."""
        return self.now + (self.database_ahead or timedelta())

    @property
    def publishing(self) -> bool:
        """Whether a worker was heard of just now."""
        return any(self.beating - one.heard_at <= SILENT for one in self.workers)


def all_of(facts: Facts) -> list[Alarm]:
    """Everything that is wrong, the most urgent first."""
    return [
        *(_waiting(line, facts) for line in facts.waiting),
        *(_gap(one) for one in facts.gaps),
        *(_late(one, facts) for one in facts.late),
        *_workers(facts),
        *_clocks(facts),
        *(_silenced(one, facts.now) for one in facts.silenced),
        *(alarm for one in facts.endings for alarm in _ending(one, facts)),
    ]


def goes_on(cause: str, standing: Collection[str]) -> bool:
    """Whether a trouble is not over but nearer: keys that end in two weeks end in one."""
    kind, _, rest = cause.partition("/")
    stem = f"{kind}/{rest.rpartition('/')[0]}/"
    return kind == KEYS and any(other.startswith(stem) for other in standing)


def unreadable(problem: str, remedy: str, now: datetime) -> Alarm:
    """The database cannot be read."""
    return Alarm(
        cause="database",
        what="the database cannot be read: nobody knows what is being published",
        why=clipped(problem),
        remedy=remedy or "Look at the database and at the workers.",
        since=now,
        state="unreadable",
    )


def _waiting(line: DeliveryLine, facts: Facts) -> Alarm:
    if line.state is DeliveryState.PUBLISHED and line.verdict is not None:
        name, told = line.verdict.value, READ_BACK.get(line.verdict, line.verdict.value)
        why = f"different: {', '.join(line.fields)}" if line.fields else ""
        remedy = (
            "Look at it on the network; if it is wrong, hold the account and take it down: "
            f"social-scheduler settle remove {line.reference} {line.account} --reason …"
        )
    else:
        name, told = line.state.value, IN_WORDS[line.state]
        # A miss is told in our words; what a network answered may repeat the post.
        missed = line.state is DeliveryState.MISSED
        why = clipped(line.trouble or "") if missed else ""
        remedy = "Decide: social-scheduler settle list. Why: social-scheduler history "
        remedy += f"{line.reference}."
    return Alarm(
        cause=f"{name}/{line.id}/{line.attempt}",
        what=f"{line.reference} to {line.account}: {told}",
        why=why,
        remedy=remedy,
        since=facts.since.get(line.id, line.live_at or line.due_at),
        state=line.state.value,
        post=line.reference,
        account=line.account,
        delivery=line.id,
    )


def _gap(gap: Gap) -> Alarm:
    return Alarm(
        cause=f"gap/{gap.id}",
        what=f"{gap.post} to {gap.account}: the database was put back and does not know of a call",
        why=f"the journal of {gap.worker} does; the same words wait until somebody decides",
        remedy="Decide: social-scheduler settle list.",
        since=gap.found_at,
        state="gap",
        post=gap.post,
        account=gap.account,
    )


def _late(late: Late, facts: Facts) -> Alarm:
    one = late.delivery
    due = max(one.due_at, one.not_before)
    why, remedy = _in_the_way(late, facts)
    if one.state is not DeliveryState.SENDING:
        closes = "closed" if one.not_after <= facts.now else "closes"
        why += f"; its window {closes} at {moment(one.not_after)}"
    what = f"{one.reference} to {one.account}: was due {moment(due)} and is not published"
    return Alarm(
        cause=f"late/{one.id}/{int(due.timestamp())}",
        what=what,
        why=why,
        remedy=remedy,
        since=due,
        state=one.state.value,
        post=one.reference,
        account=one.account,
        delivery=one.id,
    )


def _in_the_way(late: Late, facts: Facts) -> tuple[str, str]:
    """Why it is not published, and what to do."""
    one = late.delivery
    if one.state is not DeliveryState.SCHEDULED:
        doing = "is sending it" if one.state is DeliveryState.SENDING else "has taken it"
        return f"{one.worker or 'a worker'} {doing} and has not finished", (
            "See that the worker runs; when it was killed, start it again: it settles this first."
        )
    if one.post is not PostState.APPROVED:
        state = one.post.value.replace("_", " ")
        return f"the post is {state}, not approved", (
            f"Ask a reviewer now: social-scheduler review approve {one.reference}; "
            "or let it be missed."
        )
    if late.holds:
        return f"a hold stands: {clipped('; '.join(late.holds))}", (
            "If it should go out, release it: social-scheduler hold list."
        )
    if one.account_state is not AccountState.CONNECTED:
        return f"the account {one.account} is suspended", _reconnect(one.account)
    limit = max((at for at in (one.limited_until, one.next_at) if at), default=None)
    if limit is not None and limit > facts.now:
        return f"the network takes nothing before {moment(limit)}", (
            "A worker tries again by itself inside the window; after it a person decides."
        )
    if not facts.publishing:
        return "no worker is publishing", START
    return "it is approved and nothing is in its way", "Look at what the worker says."


def _workers(facts: Facts) -> Iterator[Alarm]:
    for one in facts.workers:
        if facts.beating - one.heard_at > SILENT:
            yield Alarm(
                cause=f"worker/{one.worker}/{int(one.started_at.timestamp())}",
                what=f"the worker {one.worker} on {one.host} is silent",
                why=f"last heard of at {moment(one.heard_at)}",
                remedy="See that it runs, and that it reaches the database; else start it again.",
                since=one.heard_at,
                state="silent",
            )
    if facts.coming is not None and not facts.publishing:
        coming = facts.coming
        yield Alarm(
            cause="no-worker",
            what="no worker is publishing, and something approved is due",
            why=f"{coming.reference} to {coming.account} is due {moment(coming.due_at)}",
            remedy=START,
            since=facts.now,
            state="none",
        )


def _clocks(facts: Facts) -> Iterator[Alarm]:
    ahead = facts.database_ahead
    if ahead is not None and abs(ahead) > CLOCK_OFF:
        yield _clock("database", f"the database's clock is {_apart(ahead)} this machine's", facts)
    if abs(facts.gained) > CLOCK_OFF:
        seconds = abs(facts.gained).total_seconds()
        side = "forward" if facts.gained > timedelta() else "back"
        told = f"this machine's was set {side} by {seconds:.0f} s, or the machine slept"
        yield _clock("jump", told, facts)
    for one in facts.workers:
        if (early := one.heard_at - facts.beating) > CLOCK_OFF:
            told = f"the worker {one.worker}'s clock is {_apart(early)} this machine's"
            yield _clock(f"worker/{one.worker}", told, facts)


def _clock(whose: str, told: str, facts: Facts) -> Alarm:
    return Alarm(
        cause=f"clock/{whose}",
        what=f"a clock is wrong: {told}",
        why="due times and signatures depend on it; posts may go out early or be missed",
        remedy="Hold everything if posts are due, then see to the time service (NTP).",
        since=facts.now,
        state="off",
    )


def _apart(by: timedelta) -> str:
    side = "ahead of" if by > timedelta() else "behind"
    return f"{abs(by).total_seconds():.0f} s {side}"


def _silenced(one: Silenced, now: datetime) -> Alarm:
    many = f"{one.posts} approved post{'s' * (one.posts != 1)}"
    return Alarm(
        cause=f"suspended/{one.account}",
        what=f"the account {one.account} is suspended and has {many} to say within a day",
        why=f"the first is due {moment(one.first_due)}",
        remedy=_reconnect(one.account),
        since=now,
        state=AccountState.SUSPENDED.value,
        account=one.account,
    )


def _ending(one: Ending, facts: Facts) -> Iterator[Alarm]:
    if one.level is not None:
        ended = one.level == 0
        days = (one.ends_at - facts.now).days
        left = "less than a day" if days < 1 else f"{days} day{'s' * (days != 1)}"
        what = (
            f"the keys of {one.account} have ended: nothing can be said through it"
            if ended
            else f"the keys of {one.account} end in {left}"
        )
        yield Alarm(
            cause=f"{KEYS}/{one.account}/{one.level}",
            what=what,
            why=f"{'ended' if ended else 'they end'} {moment(one.ends_at)}, says the network",
            remedy=_reconnect(one.account),
            since=one.ends_at if ended else facts.now,
            state="ended" if ended else "ending",
            account=one.account,
        )
    if one.beyond and one.first_beyond is not None:
        many = f"{one.beyond} queued post{'s are' if one.beyond != 1 else ' is'}"
        yield Alarm(
            cause=f"beyond/{one.account}",
            what=f"{many} due after the keys of {one.account} end",
            why=f"they end {moment(one.ends_at)}; the first is due {moment(one.first_beyond)}",
            remedy=_reconnect(one.account),
            since=facts.now,
            state="ending",
            account=one.account,
        )


def _reconnect(account: str) -> str:
    return f"Connect it again: social-scheduler accounts connect {account}."

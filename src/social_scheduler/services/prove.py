"""Proof: what is live is read back, and compared with what was approved, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from social_scheduler.errors import NotSent, SchedulerError
from social_scheduler.lifecycle import PartState
from social_scheduler.message import Message
from social_scheduler.platforms import Call, Platform, Seen
from social_scheduler.services.asking import ask
from social_scheduler.services.context import Context
from social_scheduler.services.publish import Publisher
from social_scheduler.store import proofs as store
from social_scheduler.store.looking import Looked, look_at
from social_scheduler.store.proofs import Taken
from social_scheduler.store.review import Wording, wordings
from social_scheduler.store.steps import By
from social_scheduler.store.tables import Verdict

AT_ONCE = 20
"""How many parts are read back before what was seen is written down, in one commit."""
TAKEN_FOR = timedelta(minutes=5)
"""How long nobody else reads back what this worker has taken to."""

PROOF_PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))
"""A network shows a new post everywhere only after a while; after the last one people are told."""


@dataclass(frozen=True, slots=True)
class Read:
    """What reading one part back showed."""

    taken: Taken
    verdict: Verdict
    fields: list[str]
    seen: dict[str, Any] | None


def prove(publisher: Publisher, by: By) -> bool:
    """Read back a few of what is due to be; whether more of it may wait."""
    context = publisher.context
    with context.database.work() as tx:
        waiting = store.take(tx, by.at, by.at + TAKEN_FOR, AT_ONCE)
        if not waiting:
            return False
        found = look_at(tx, {one.delivery_id for one in waiting})
        words = wordings(tx, {(d.delivery.post_id, d.delivery.revision) for d in found.values()})
    reads, over = [], []
    for one in waiting:
        looked = found[one.delivery_id]
        call = call_of(
            looked, words.get((looked.delivery.post_id, looked.delivery.revision)), one.part
        )
        live = looked.parts[one.part - 1]
        platform = publisher.context.platforms[looked.account.platform]
        nothing = live.state is not PartState.LIVE or not platform.reads_back
        if call is None or nothing or live.remote_id is None:
            over.append(one)
        else:
            reads.append(_read(publisher, looked, call, live.remote_id, one))
        if publisher.ends():
            break
    _keep(context, reads, over, by)
    publisher.probe("proved")
    return len(waiting) == AT_ONCE


def call_of(looked: Looked, wording: Wording | None, number: int) -> Call | None:
    """The call that part `number` was, or would be."""
    mine = looked.delivery.account_id
    for row in wording.messages if wording else ():
        if row.account_id == mine:
            before = [p for p in looked.parts if p.number < number]
            return Call(
                message=Message.from_canonical(row.body),
                number=number,
                key=looked.parts[number - 1].digest,
                reply_to=before[-1].remote_id if before else None,
                uploads=(),
                due_at=looked.delivery.due_at,
            )
    return None


def _read(publisher: Publisher, looked: Looked, call: Call, remote_id: str, one: Taken) -> Read:
    platform: Platform = publisher.context.platforms[looked.account.platform]
    try:
        seen = ask(platform.read_back, publisher.reach.connection_of(looked), remote_id)
    except NotSent:
        return Read(one, Verdict.NOT_READABLE, [], None)
    except SchedulerError as problem:
        return Read(one, Verdict.NOT_READABLE, [problem.problem], None)
    return _compared(one, seen, platform.as_seen(call))


def _compared(one: Taken, seen: Seen | None, expected: Seen) -> Read:
    if seen is None:
        return Read(one, Verdict.GONE, [], None)
    fields = seen.differences(expected)
    shown: dict[str, Any] = {name: getattr(seen, name) for name in seen.__slots__}
    return Read(one, Verdict.DIFFERS if fields else Verdict.EQUAL, fields, shown)


def _keep(context: Context, reads: Sequence[Read], over: Sequence[Taken], by: By) -> None:
    rows = []
    for read in reads:
        looks = read.taken.looks + 1
        settled = read.verdict is Verdict.EQUAL or looks > len(PROOF_PAUSES)
        rows.append(
            (
                read.taken,
                {
                    "verdict": read.verdict,
                    "fields": read.fields,
                    "seen": read.seen,
                    "looks": looks,
                    "checked_at": by.at,
                    "next_look_at": None if settled else by.at + PROOF_PAUSES[looks - 1],
                },
            )
        )
    told = [
        (read.taken, f"{read.verdict.value} {', '.join(read.fields)}".strip())
        for read in reads
        if read.verdict is not read.taken.verdict
    ]
    with context.database.work() as tx:
        store.keep(tx, rows, told, by)
        store.no_more(tx, over)

"""Makes a lost call again, where the network makes one post of a call and its repetition.

The delivery stays *unconfirmed* all the while: the first call may be live, whatever comes of the
second. So nothing that people do meanwhile is told that nothing was sent.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from social_scheduler.errors import SchedulerError
from social_scheduler.platforms import (
    HONOURS_KEYS,
    Call,
    Published,
    RecoveryKind,
    Upload,
    parts_said,
)
from social_scheduler.services.last_look import Cleared, Grounds, last_look
from social_scheduler.services.publish import Publisher
from social_scheduler.store import accounts as account_store
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked
from social_scheduler.store.steps import By, remember
from social_scheduler.store.tables import Attempt


def repeat(
    publisher: Publisher, looked: Looked, call: Call, first: Attempt, by: By
) -> Published | None:
    """The post, if it is live now; None where the call may not be made again, or told nothing.

    `first` is the earliest call of the part that may have gone through. Whatever would stop a
    first call stops this one: a hold, a window that has closed, words that are not approved.
    """
    reach, account = publisher.reach, looked.account
    try:
        platform, connection, native_id = reach.network(
            account.name, account.platform, account.server, account.keys_version
        )
    except SchedulerError:
        return None
    written = publisher.monotonic()
    with contextlib.ExitStack() as files:
        intact = set(reach.pictures(call.message, files))
    with publisher.context.database.work() as tx:
        now = publisher.context.now()
        if not _same_post(tx, publisher, looked, first, now.timestamp()):
            return None
        found = last_look(
            Grounds.read(tx, [looked.delivery.id], now),
            looked.delivery.id,
            fence=looked.delivery.attempt,
            now=now,
            server=connection.base_url,
            native_id=native_id,
            intact=intact,
            unclear=True,
        )
        uploads = _uploads(tx, publisher, looked, call)
        if not isinstance(found, Cleared) or uploads is None:
            return None
        why = by.because("not there; the same call again, of which the network makes one post")
        remember(tx, why, "repeat", delivery_id=looked.delivery.id, part=call.number)
    with publisher.caller.in_time(written, now, looked.delivery.not_after):
        try:
            return platform.publish(connection, replace(call, uploads=uploads))
        except Exception:  # noqa: BLE001 - it stays unconfirmed, and a person decides
            return None


def _same_post(
    tx: Transaction, publisher: Publisher, looked: Looked, first: Attempt, now: float
) -> bool:
    """Whether the same call again cannot make a second post, as far as time tells."""
    recovery = publisher.context.platforms[looked.account.platform].recovery
    if recovery.kind not in (RecoveryKind.DETERMINISTIC, RecoveryKind.KEYED):
        return False
    if first.started_at < looked.delivery.due_at:
        return False  # it was due at another time then: the network would be told another key
    if now - first.started_at.timestamp() >= recovery.keyed_for:
        return False
    honoured = account_store.told(tx, looked.account.id).get(HONOURS_KEYS)
    return recovery.kind is RecoveryKind.DETERMINISTIC or bool(honoured)


def _uploads(
    tx: Transaction, publisher: Publisher, looked: Looked, call: Call
) -> list[Upload] | None:
    """What the network holds for the call; None when something is missing."""
    platform = publisher.context.platforms[looked.account.platform]
    held = {
        (u.part, u.sha256): Upload(u.sha256, u.remote_id, u.expires_at)
        for u in store.uploads_of(tx, looked.delivery.id, publisher.context.now())
        if u.ready
    }
    wanted = [
        held.get((number, item.sha256))
        for number in parts_said(platform, call.message, call.number)
        for item in call.message.attached(number)
    ]
    return [u for u in wanted if u] if all(wanted) else None

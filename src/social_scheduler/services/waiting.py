"""Why something that is due is not even begun: so that a worker never keeps silent about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from social_scheduler.lifecycle import PostState
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.store import holds as hold_store
from social_scheduler.store.due import WaitingDelivery, waiting
from social_scheduler.store.tables import AccountState, Hold


def reasons_to_wait(context: Context, now: datetime) -> list[str]:
    """One line for each delivery whose window is open and that no worker may claim."""
    with context.database.read() as tx:
        holds = hold_store.active(tx, now)
        found = waiting(tx, now)
    return [
        f"{one.due.reference} to {one.due.account}: due, but not sent — {why}"
        for one in found
        if (why := _in_the_way(one, holds))
    ]


def _in_the_way(one: WaitingDelivery, holds: Sequence[Hold]) -> str:
    """The first thing that keeps it from being claimed; empty when it is about to be."""
    if one.post is not PostState.APPROVED:
        return f"the post is {one.post.value.replace('_', ' ')}, not approved"
    if one.account is not AccountState.CONNECTED:
        return f"the account is suspended: {one.trouble}"
    hold = one.due.held_by(holds)
    return told(hold) if hold else ""

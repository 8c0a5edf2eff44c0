"""Take down what is live: the last part first, each written down as it goes.

Runs where the keys are (the command line on the worker's machine), never in the web process.
Interrupted, it is simply run again: a part that is gone already is fine.
"""

from __future__ import annotations

from social_scheduler.errors import Conflict, InvalidInput
from social_scheduler.lifecycle import DeliveryState, PartState
from social_scheduler.platforms import Connection
from social_scheduler.services.accounts import allowed_server
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.context import Context
from social_scheduler.services.keys import Owner
from social_scheduler.services.settle import find_delivery
from social_scheduler.store.steps import step_delivery, step_part


def remove(context: Context, actor: Actor, reference: str, account: str, reason: str) -> int:
    """Remove a delivery from its network; answers how many parts were taken down."""
    actor.require(Right.SETTLE)
    if not reason.strip():
        raise InvalidInput("Taking something down needs a reason.", "Colleagues will read it.")
    with context.database.read() as tx:
        looked = find_delivery(tx, reference, account)
    if looked.delivery.state not in (DeliveryState.PUBLISHED, DeliveryState.PARTIAL):
        raise Conflict(
            f"{reference} to {account} is {looked.delivery.state.value}; nothing to take down.",
            "See social-scheduler published.",
        )
    platform = context.platforms[looked.account.platform]
    owner = Owner(account, looked.account.platform, looked.account.server)
    version, keys = context.vault.newest(owner)
    connection = Connection(
        base_url=allowed_server(context, owner.platform, owner.server),
        keys=keys,
        renewed=context.vault.keeper(owner, version),
    )
    live = [p for p in reversed(looked.parts) if p.state is PartState.LIVE]
    for part in live:
        if part.remote_id is not None:
            platform.remove(connection, part.remote_id)
        with context.database.write() as tx:
            by = actor.by(context.now(), reason.strip())
            step_part(tx, looked.delivery.id, part.number, "remove", by)
    with context.database.write() as tx:
        by = actor.by(context.now(), reason.strip())
        if not step_delivery(tx, looked.delivery.id, "remove", by, fence=looked.delivery.attempt):
            raise Conflict(
                f"{reference} to {account} was changed while it was taken down.",
                "Look at social-scheduler review show, and take it down again.",
            )
    return len(live)

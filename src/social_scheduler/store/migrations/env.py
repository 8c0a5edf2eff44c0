"""Runs the migrations on the connection that `Database.upgrade` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from social_scheduler.store.tables import Base, Instant


def _plain(kind: str, item: Any, autogen: object) -> str | Literal[False]:
    # A migration must stay what it was when tables.py moves on, so it names no type of ours.
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=_plain,
)
with context.begin_transaction():
    context.run_migrations()

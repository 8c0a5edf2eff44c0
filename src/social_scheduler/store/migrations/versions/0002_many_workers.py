"""many workers, and backups put back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCOPES = ("everything", "campaign", "post", "account", "language", "tag", "kind")


def upgrade() -> None:
    """many workers, and backups put back"""
    op.add_column("workspace", sa.Column("restored_to", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("spacing", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("account", sa.Column("spoke_at", sa.BigInteger(), nullable=True))
    _deliveries()
    op.create_index("ix_attempt_started_at", "attempt", ["started_at"])
    op.drop_index("ix_proof_next_look_at", "proof")
    _partial("ix_proof_next_look_at", "next_look_at", "next_look_at IS NOT NULL", table="proof")
    _partial("ix_proof_wrong", "delivery_id", "verdict != 'equal'", table="proof")
    op.add_column("revision", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    _hold_scopes()
    _workers()
    _gaps()


def _deliveries() -> None:
    """A moment when it may be taken; releases together; indexes that do not grow with the queue."""
    op.add_column(
        "delivery", sa.Column("ready_at", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column(
        "delivery",
        sa.Column("together", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute("UPDATE delivery SET ready_at = coalesce(next_try_at, not_before)")
    revision = sa.table(
        "revision", sa.column("post_id"), sa.column("number"), sa.column("release", sa.String)
    )
    delivery = sa.table(
        "delivery",
        sa.column("post_id"),
        sa.column("revision"),
        sa.column("together", sa.Boolean),
    )
    together = sa.exists().where(
        revision.c.post_id == delivery.c.post_id,
        revision.c.number == delivery.c.revision,
        revision.c.release == "together",
    )
    op.execute(delivery.update().where(together).values(together=True))
    op.drop_index("ix_delivery_due", "delivery")
    op.drop_index("ix_delivery_state", "delivery")
    op.drop_column("delivery", "next_try_at")
    taken = "state IN ('leased', 'sending')"
    _partial("ix_delivery_ready", "ready_at", "state = 'scheduled'")
    _partial("ix_delivery_window", "not_after", "state = 'scheduled'")
    _partial("ix_delivery_lease", "lease_until", taken)
    _partial("ix_delivery_taken", "account_id", taken)
    _partial("ix_delivery_look", "next_look_at", "state = 'unconfirmed'")
    inbox = "state IN ('failed', 'missed', 'partial', 'unconfirmed')"
    _partial("ix_delivery_inbox", "due_at", inbox)


def _partial(name: str, column: str, condition: str, *, table: str = "delivery") -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def _hold_scopes() -> None:
    """A hold may name one post."""
    allowed = ", ".join(f"'{scope}'" for scope in SCOPES)
    if op.get_bind().dialect.name != "sqlite":  # where the copy of the table leaves it out
        op.drop_constraint(op.f("ck_hold_holdscope"), "hold", type_="check")
    with op.batch_alter_table("hold") as batch:
        batch.create_check_constraint(op.f("ck_hold_holdscope"), f"scope IN ({allowed})")


def _workers() -> None:
    """Every worker has a journal; those of before had the one of the workspace."""
    for name, kind, default in (
        ("journal", sa.String(), ""),
        ("enrolled_at", sa.BigInteger(), "0"),
        ("reconciled_at", sa.BigInteger(), None),
        ("lost_at", sa.BigInteger(), None),
    ):
        op.add_column(
            "worker", sa.Column(name, kind, nullable=default is None, server_default=default)
        )
    op.execute("DELETE FROM worker")  # one row a run until now; they enrol when they start


def _gaps() -> None:
    op.create_table(
        "gap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("post", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap")),
        sa.UniqueConstraint(
            "worker",
            "delivery",
            "attempt",
            "part",
            "digest",
            name=op.f("uq_gap_worker_delivery_attempt_part_digest"),
        ),
    )
    op.create_index(op.f("ix_gap_digest"), "gap", ["digest"])

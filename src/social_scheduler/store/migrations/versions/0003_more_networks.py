"""more networks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """more networks"""
    op.add_column(
        "upload", sa.Column("ready", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("account", sa.Column("told", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("account", sa.Column("scopes", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("account", sa.Column("ends_at", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("asked_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "account", sa.Column("keys_version", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("account", sa.Column("renewing_until", sa.BigInteger(), nullable=True))
    op.create_table(
        "sealing_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sealing_key_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealing_key")),
    )
    op.create_table(
        "secret",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_secret")),
    )
    op.create_table(
        "network_app",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("public", sa.JSON(), nullable=False),
        sa.Column("kept_by", sa.String(), nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "server", name=op.f("pk_network_app")),
    )
    _connecting()


def _connecting() -> None:
    op.create_table(
        "connecting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("entry", sa.JSON(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "begun",
                "waiting",
                "asking",
                "connected",
                "failed",
                name="connectingstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("state_digest", sa.String(), nullable=True),
        sa.Column("redirect_url", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=True),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ours", sa.LargeBinary(), nullable=True),
        sa.Column("theirs", sa.LargeBinary(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("remedy", sa.String(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connecting")),
        sa.UniqueConstraint("state_digest", name=op.f("uq_connecting_state_digest")),
    )
    with op.batch_alter_table("connecting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_connecting_state"), ["state"], unique=False)

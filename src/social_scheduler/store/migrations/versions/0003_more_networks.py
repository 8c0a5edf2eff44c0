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

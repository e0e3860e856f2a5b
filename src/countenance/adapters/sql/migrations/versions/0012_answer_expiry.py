"""Kept answers whose time was over: their destruction."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "answer_expiry",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("expiry_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", models.UtcDateTime(), nullable=False),
        sa.Column("before", models.UtcDateTime(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_answer_expiry")),
        sa.UniqueConstraint("expiry_id", name=op.f("uq_answer_expiry_expiry_id")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("answer_expiry")

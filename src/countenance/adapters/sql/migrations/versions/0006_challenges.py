"""Challenges: what has to come back once, and soon."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "challenge",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("lookup", sa.LargeBinary(32), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("expires_at", models.UtcDateTime(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_challenge")),
        sa.UniqueConstraint("lookup", name=op.f("uq_challenge_lookup")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("challenge")

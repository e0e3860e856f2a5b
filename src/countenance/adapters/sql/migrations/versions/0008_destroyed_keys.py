"""Destroyed keys are on record too."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "destroyed_key",
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("noted_at", models.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_destroyed_key")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("destroyed_key")

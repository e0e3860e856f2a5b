"""Requests of people who may be enrolled."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "rights_request",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("received_on", sa.String(length=10), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("closed_on", sa.String(length=10), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rights_request")),
        sa.UniqueConstraint("request_id", name=op.f("uq_rights_request_request_id")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("rights_request")

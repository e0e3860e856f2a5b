"""Requests for approval."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "approval",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_at", models.UtcDateTime(), nullable=False),
        sa.Column("until", models.UtcDateTime(), nullable=True),
        sa.Column("search_id", sa.String(length=36), nullable=True),
        sa.Column("due_at", models.UtcDateTime(), nullable=True),
        sa.Column("decided_at", models.UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("quarantined_at", models.UtcDateTime(), nullable=True),
        sa.Column("deleted_at", models.UtcDateTime(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_approval")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_approval_approval_id")),
        sa.UniqueConstraint("search_id", name=op.f("uq_approval_search_id")),
    )
    op.create_index(op.f("ix_approval_org_id"), "approval", ["org_id"])
    op.create_index(op.f("ix_approval_user_id_request_hash"), "approval", ["user_id", "request_hash"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("approval")

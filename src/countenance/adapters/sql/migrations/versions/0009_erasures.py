"""Erasures of subjects, photographs and faces, and which photographs must not be taken in again."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "erasure",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("erasure_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=36), nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("started_at", models.UtcDateTime(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_erasure_source_source")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_erasure")),
        sa.UniqueConstraint("erasure_id", name=op.f("uq_erasure_erasure_id")),
        sa.UniqueConstraint("target", name=op.f("uq_erasure_target")),
    )
    op.create_index(op.f("ix_erasure_source"), "erasure", ["source"])
    op.create_table(
        "erased_photograph",
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("content_print", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_erased_photograph_source_source")),
        sa.PrimaryKeyConstraint("source", "content_print", name=op.f("pk_erased_photograph")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("erased_photograph")
    op.drop_table("erasure")

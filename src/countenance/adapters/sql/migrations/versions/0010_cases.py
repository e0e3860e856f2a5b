"""Cases, and the searches that were permitted under them."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "case_record",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("organisation", models.RowNumber, nullable=False),
        sa.Column("reference_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_at", models.UtcDateTime(), nullable=False),
        sa.Column("closed_at", models.UtcDateTime(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.number"], name=op.f("fk_case_record_organisation_organisation")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_case_record")),
        sa.UniqueConstraint("case_id", name=op.f("uq_case_record_case_id")),
        sa.UniqueConstraint("organisation", "reference_key", name=op.f("uq_case_record_organisation_reference_key")),
    )
    op.create_table(
        "search_use",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("search_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("case_number", models.RowNumber, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", models.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_number"], ["case_record.number"], name=op.f("fk_search_use_case_number_case_record")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search_use")),
        sa.UniqueConstraint("search_id", name=op.f("uq_search_use_search_id")),
    )
    op.create_index(op.f("ix_search_use_user_id_day"), "search_use", ["user_id", "day"])
    op.create_index(op.f("ix_search_use_org_id_day"), "search_use", ["org_id", "day"])
    op.create_index(op.f("ix_search_use_case_number"), "search_use", ["case_number"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("search_use")
    op.drop_table("case_record")

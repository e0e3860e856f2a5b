"""Destruction: its records, and which searches had returned what."""

import json

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables, and list the candidates of kept answers."""
    op.create_table(
        "destruction",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("destruction_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("started_at", models.UtcDateTime(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_destruction_source_source")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_destruction")),
        sa.UniqueConstraint("destruction_id", name=op.f("uq_destruction_destruction_id")),
        sa.UniqueConstraint("source", name=op.f("uq_destruction_source")),
    )
    op.create_table(
        "search_candidate",
        sa.Column("search", models.RowNumber, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("forgotten_at", models.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["search"], ["search.number"], name=op.f("fk_search_candidate_search_search")),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_search_candidate_source_source")),
        sa.PrimaryKeyConstraint("search", "rank", name=op.f("pk_search_candidate")),
    )
    op.create_index(op.f("ix_search_candidate_source"), "search_candidate", ["source"])
    op.create_index(op.f("ix_search_candidate_subject_id"), "search_candidate", ["subject_id"])
    _list_candidates()


def _list_candidates() -> None:
    """List whom the answers returned that are kept already."""
    connection = op.get_bind()
    sources = {row.name: row.number for row in connection.execute(sa.text("SELECT name, number FROM source"))}
    columns = ("search", "rank", "source", "subject_id")
    candidates = sa.table("search_candidate", *map(sa.column, columns))
    for number, kept in connection.execute(sa.text("SELECT number, answer FROM search")).all():
        answer = json.loads(kept) if isinstance(kept, str) else kept
        for one in answer.get("candidates", ()):
            row = (number, one["rank"], sources[one["source"]], one["subject"]["id"])
            connection.execute(candidates.insert().values(dict(zip(columns, row, strict=True))))


def downgrade() -> None:
    """Drop them."""
    op.drop_table("search_candidate")
    op.drop_table("destruction")

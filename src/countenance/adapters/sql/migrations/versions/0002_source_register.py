"""The source register: terms, changes, releases, provenance."""

import json

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0002"
down_revision = "0001"

MOVED = ("owner", "legal_basis", "document_sha256")
"""Columns of a source that move into its entry."""


def upgrade() -> None:
    """Move what is personal into entries, and make the register's tables."""
    op.add_column("source", sa.Column("entry", sa.LargeBinary(), nullable=False, server_default=""))
    _fill_entries()
    for name in MOVED:
        op.drop_column("source", name)
    _make_tables()


def _fill_entries() -> None:
    """Write the entry of each source that is on record; it was registered without limits of its own."""
    source = sa.table("source", sa.column("number"), sa.column("entry", sa.LargeBinary()), *map(sa.column, MOVED))
    connection = op.get_bind()
    for number, *moved in connection.execute(sa.select(source.c.number, *(source.c[name] for name in MOVED))).all():
        facts = dict(zip(MOVED, moved, strict=True)) | {
            "contact": "",
            "sectors": ["any"],
            "purposes": ["any"],
            "excluded": [],
            "releases_required": False,
        }
        entry = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode("ascii")
        connection.execute(source.update().where(source.c.number == number).values(entry=entry))


def _make_tables() -> None:
    op.create_table(
        "source_change",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("at", models.UtcDateTime(), nullable=False),
        sa.Column("after", sa.String(length=20), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_source_change_source_source")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_source_change")),
    )
    op.create_index(op.f("ix_source_change_source"), "source_change", ["source"])
    op.create_table(
        "model_release",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("release_id", sa.String(length=36), nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("registered_at", models.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", models.UtcDateTime(), nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_model_release_source_source")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_model_release")),
        sa.UniqueConstraint("release_id", name=op.f("uq_model_release_release_id")),
    )
    op.create_index(op.f("ix_model_release_source"), "model_release", ["source"])
    op.create_table(
        "provenance",
        sa.Column("image", models.RowNumber, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["image"], ["image.number"], name=op.f("fk_provenance_image_image")),
        sa.PrimaryKeyConstraint("image", name=op.f("pk_provenance")),
    )


def downgrade() -> None:
    """Put the columns back, empty: what an entry says can't be read once it is sealed."""
    for table in ("provenance", "model_release", "source_change"):
        op.drop_table(table)
    for name, length in zip(MOVED, (200, 20, 64), strict=True):
        op.add_column("source", sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
    op.drop_column("source", "entry")

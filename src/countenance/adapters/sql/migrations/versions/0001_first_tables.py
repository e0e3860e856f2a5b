"""First tables: gallery, sources, subjects, images, faces, templates, searches."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and the gallery's one row."""
    op.create_table(
        "gallery",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("pack_digest", sa.String(length=64), nullable=True),
        sa.CheckConstraint("number = 1", name=op.f("ck_gallery_single")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_gallery")),
    )
    op.create_table(
        "search",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("search_id", sa.String(length=36), nullable=False),
        sa.Column("searched_at", models.UtcDateTime(), nullable=False),
        sa.Column("answer", models.Document, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search")),
        sa.UniqueConstraint("search_id", name=op.f("uq_search_search_id")),
    )
    op.create_table(
        "source",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("source_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("legal_basis", sa.String(length=20), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("registered_at", models.UtcDateTime(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("subjects", sa.BigInteger(), nullable=False),
        sa.Column("templates", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
        sa.UniqueConstraint("source_id", name=op.f("uq_source_source_id")),
    )
    op.create_table(
        "image",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=1000), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("enrolled_at", models.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_image_source_source")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_image")),
        sa.UniqueConstraint("image_id", name=op.f("uq_image_image_id")),
        sa.UniqueConstraint("source", "sha256", name=op.f("uq_image_source_sha256")),
    )
    op.create_table(
        "subject",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("label", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_subject_source_source")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_subject")),
        sa.UniqueConstraint("source", "label", name=op.f("uq_subject_source_label")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_subject_subject_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "face",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("face_id", sa.String(length=36), nullable=False),
        sa.Column("image", models.RowNumber, nullable=False),
        sa.Column("subject", models.RowNumber, nullable=True),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("facts", models.Document, nullable=False),
        sa.ForeignKeyConstraint(["image"], ["image.number"], name=op.f("fk_face_image_image")),
        sa.ForeignKeyConstraint(["subject"], ["subject.number"], name=op.f("fk_face_subject_subject")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_face")),
        sa.UniqueConstraint("face_id", name=op.f("uq_face_face_id")),
        sa.UniqueConstraint("image", "ordinal", name=op.f("uq_face_image_ordinal")),
    )
    op.create_index(op.f("ix_face_subject"), "face", ["subject"])

    op.create_table(
        "template",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("face", models.RowNumber, nullable=False),
        sa.Column("source", models.RowNumber, nullable=False),
        sa.Column("subject", models.RowNumber, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["face"], ["face.number"], name=op.f("fk_template_face_face")),
        sa.ForeignKeyConstraint(["source"], ["source.number"], name=op.f("fk_template_source_source")),
        sa.ForeignKeyConstraint(["subject"], ["subject.number"], name=op.f("fk_template_subject_subject")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_template")),
        sa.UniqueConstraint("face", name=op.f("uq_template_face")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_template_subject"), "template", ["subject"])
    op.create_index(op.f("ix_template_source"), "template", ["source"])
    op.execute("INSERT INTO gallery (number, revision) VALUES (1, 0)")


def downgrade() -> None:
    """Drop them all."""
    op.drop_table("template")
    op.drop_table("face")
    op.drop_table("subject")
    op.drop_table("image")
    op.drop_table("source")
    op.drop_table("search")
    op.drop_table("gallery")

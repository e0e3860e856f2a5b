"""The tables. One set of models and migrations for SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

RowNumber = BigInteger().with_variant(Integer, "sqlite")
Document = JSON().with_variant(JSONB(), "postgresql")
"""What answers were kept in before they were sealed; the first migration makes it."""

NAMED = "label_print IS NOT NULL"
"""Photographs that nobody is enrolled from, and whose label is known: few."""


class UtcDateTime(TypeDecorator[datetime]):
    """A time with its zone: naive ones are refused going in, UTC comes out (SQLite forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give the zone back."""
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The root of the models, with names for every constraint so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class GalleryRow(Base):
    """The gallery as a whole: one row, which every change updates, so that changes wait for each other."""

    __tablename__ = "gallery"
    __table_args__ = (CheckConstraint("number = 1", name="single"),)

    number: Mapped[int] = mapped_column(Integer, primary_key=True, default=1)
    revision: Mapped[int] = mapped_column(BigInteger)
    pack_digest: Mapped[str | None] = mapped_column(String(64))


class SourceRow(Base):
    """A collection that somebody handed over; what it is called and who gave it stands in the sealed entry.

    It carries sealed counts of what is enrolled, kept in the same transaction: a search must not count a million rows.
    """

    __tablename__ = "source"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    source_id: Mapped[str] = mapped_column(String(36), unique=True)
    name_print: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    state: Mapped[str] = mapped_column(String(20))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    counts: Mapped[bytes] = mapped_column(LargeBinary, default=b"", server_default="")
    entry: Mapped[bytes] = mapped_column(LargeBinary, server_default="")


class SubjectRow(Base):
    """An enrolled person; unnamed where the label is null. The label is sealed, and looked up by its fingerprint."""

    __tablename__ = "subject"
    __table_args__ = (UniqueConstraint("source", "label_print"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(36), unique=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"))
    label: Mapped[bytes | None] = mapped_column(LargeBinary)
    label_print: Mapped[bytes | None] = mapped_column(LargeBinary)


class ImageRow(Base):
    """A photograph, known by its content's fingerprint; the bytes are in the object store, the entry is sealed.

    One that nobody is enrolled from carries the fingerprint of the label that the source gave it, so that it goes with
    the subject of that label; the others go with their faces' subjects.
    """

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("source", "content_print"),
        Index(None, "source", "label_print", sqlite_where=text(NAMED), postgresql_where=text(NAMED)),
    )

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    image_id: Mapped[str] = mapped_column(String(36), unique=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"))
    content_print: Mapped[bytes] = mapped_column(LargeBinary)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    outcome: Mapped[str] = mapped_column(String(20))
    label_print: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)

    source_row: Mapped[SourceRow] = relationship()


class FaceRow(Base):
    """A face of a photograph, enrolled or refused; where and how good it is stands in the sealed entry."""

    __tablename__ = "face"
    __table_args__ = (UniqueConstraint("image", "ordinal"), Index(None, "subject"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    face_id: Mapped[str] = mapped_column(String(36), unique=True)
    image: Mapped[int] = mapped_column(ForeignKey("image.number"))
    subject: Mapped[int | None] = mapped_column(ForeignKey("subject.number"))
    ordinal: Mapped[int] = mapped_column(Integer)
    entry: Mapped[bytes] = mapped_column(LargeBinary)


class TemplateRow(Base):
    """A face's template: float32, little-endian, unit norm, sealed. Row numbers are never used again."""

    __tablename__ = "template"
    __table_args__ = (Index(None, "subject"), Index(None, "source"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    face: Mapped[int] = mapped_column(ForeignKey("face.number"), unique=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"))
    subject: Mapped[int] = mapped_column(ForeignKey("subject.number"))
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class SearchRow(Base):
    """A search and its answer, as it was given, sealed; its candidates stand apart."""

    __tablename__ = "search"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    search_id: Mapped[str] = mapped_column(String(36), unique=True)
    searched_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary)

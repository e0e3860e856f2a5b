"""The tables of destruction: what was destroyed, and which searches had returned what."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber, UtcDateTime
from countenance.gallery.destruction import DestructionKind


class CertifiedRow(Base):
    """Something that is destroyed: under way until it has its certificate. What it was stands in the sealed entry."""

    __abstract__ = True

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary)


class DestructionRow(CertifiedRow):
    """The destruction of a source."""

    __tablename__ = "destruction"

    destruction_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[int] = mapped_column(ForeignKey("source.number"), unique=True)

    target: ClassVar[None] = None


class ErasureRow(CertifiedRow):
    """The erasure of a subject, a photograph or a face."""

    __tablename__ = "erasure"

    destruction_id: Mapped[str] = mapped_column("erasure_id", String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(36), unique=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"), index=True)


class ErasedPhotographRow(Base):
    """A photograph that was erased, by its content's fingerprint under its source's key: it is not taken in again."""

    __tablename__ = "erased_photograph"

    source: Mapped[int] = mapped_column(ForeignKey("source.number"), primary_key=True)
    content_print: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


class AnswerExpiryRow(CertifiedRow):
    """The destruction of kept answers whose time was over."""

    __tablename__ = "answer_expiry"

    destruction_id: Mapped[str] = mapped_column("expiry_id", String(36), unique=True)
    before: Mapped[datetime] = mapped_column(UtcDateTime)

    kind: ClassVar[str] = DestructionKind.ANSWERS_EXPIRED.value
    source: ClassVar[None] = None
    target: ClassVar[None] = None


class SearchCandidateRow(Base):
    """One candidate of a kept answer, by rank: who it is is sealed under the key of the source, and goes with it."""

    __tablename__ = "search_candidate"

    search: Mapped[int] = mapped_column(ForeignKey("search.number"), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer, primary_key=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"), index=True)
    subject_id: Mapped[str] = mapped_column(String(36), index=True)
    forgotten_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entry: Mapped[bytes | None] = mapped_column(LargeBinary)

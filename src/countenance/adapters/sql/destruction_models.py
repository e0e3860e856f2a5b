"""The tables of destruction: what was destroyed, and which searches had returned what."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber, UtcDateTime


class DestructionRow(Base):
    """A destruction: under way until it has its certificate."""

    __tablename__ = "destruction"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    destruction_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[int] = mapped_column(ForeignKey("source.number"), unique=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary)


class ErasureRow(Base):
    """An erasure of a subject, a photograph or a face: under way until it has its certificate."""

    __tablename__ = "erasure"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    erasure_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(36), unique=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary)


class ErasedPhotographRow(Base):
    """A photograph that was erased, by its content's fingerprint under its source's key: it is not taken in again."""

    __tablename__ = "erased_photograph"

    source: Mapped[int] = mapped_column(ForeignKey("source.number"), primary_key=True)
    content_print: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


class AnswerExpiryRow(Base):
    """The destruction of kept answers whose time was over: under way until it has its certificate."""

    __tablename__ = "answer_expiry"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    expiry_id: Mapped[str] = mapped_column(String(36), unique=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    before: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary)


class SearchCandidateRow(Base):
    """One candidate of a kept answer, by rank: who it is is sealed under the key of the source, and goes with it."""

    __tablename__ = "search_candidate"

    search: Mapped[int] = mapped_column(ForeignKey("search.number"), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer, primary_key=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"), index=True)
    subject_id: Mapped[str] = mapped_column(String(36), index=True)
    forgotten_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entry: Mapped[bytes | None] = mapped_column(LargeBinary)

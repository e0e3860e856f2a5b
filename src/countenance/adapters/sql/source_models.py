"""The tables of the source register: changes, releases, what manifests say of photographs."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber, UtcDateTime


class SourceChangeRow(Base):
    """One change of a source's state; the entry says from what, who and why."""

    __tablename__ = "source_change"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    after: Mapped[str] = mapped_column(String(20))
    entry: Mapped[bytes] = mapped_column(LargeBinary)


class ReleaseRow(Base):
    """One person's own consent; the entry says whose, and with which document.

    `label_print` is the fingerprint that the subject of the same label is looked up by; `ends_on` is `YYYY-MM-DD`.
    """

    __tablename__ = "model_release"
    __table_args__ = (Index(None, "source", "label_print"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    release_id: Mapped[str] = mapped_column(String(36), unique=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.number"))
    label_print: Mapped[bytes] = mapped_column(LargeBinary(32))
    ends_on: Mapped[str | None] = mapped_column(String(10))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary)


class ProvenanceRow(Base):
    """What the source's manifest says of one photograph."""

    __tablename__ = "provenance"

    image: Mapped[int] = mapped_column(ForeignKey("image.number"), primary_key=True)
    entry: Mapped[bytes] = mapped_column(LargeBinary)

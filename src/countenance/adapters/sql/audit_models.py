"""The audit log's tables. Triggers refuse every change but appending: see the migration that makes them."""

from sqlalchemy import BigInteger, CheckConstraint, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber


class AuditEntryRow(Base):
    """One entry: the exact bytes that were hashed, sealed."""

    __tablename__ = "audit_entry"

    idx: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    body: Mapped[bytes] = mapped_column(LargeBinary)


class AuditNodeRow(Base):
    """The hash of one complete subtree of the log; about two for each entry."""

    __tablename__ = "audit_node"

    level: Mapped[int] = mapped_column(Integer, primary_key=True)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditHeadRow(Base):
    """The log's newest state: one row, which every writer locks first."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("number = 1", name="single"),)

    number: Mapped[int] = mapped_column(Integer, primary_key=True, default=1)
    size: Mapped[int] = mapped_column(BigInteger)
    peaks: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)


class AuditCheckpointRow(Base):
    """A signed checkpoint that was published, cosigned by a witness, or hands over to another key."""

    __tablename__ = "audit_checkpoint"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    note: Mapped[str] = mapped_column(Text)

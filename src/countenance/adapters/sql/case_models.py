"""The tables of cases and of searches that were permitted."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber, UtcDateTime


class CaseRow(Base):
    """A case of an organisation. `reference_key` is its reference's fingerprint; what is personal is sealed.

    Of one that was forgotten, `sealed` is empty, and `reference_key` its id; `state` is `forgotten` once nothing is
    left to do.
    """

    __tablename__ = "case_record"
    __table_args__ = (UniqueConstraint("organisation", "reference_key"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    case_id: Mapped[str] = mapped_column(String(36), unique=True)
    organisation: Mapped[int] = mapped_column(ForeignKey("organisation.number"))
    reference_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    state: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SearchUseRow(Base):
    """One search that was permitted: what quotas count, and whose its answer is.

    Whoever made it stands here by id. `day` is the day in UTC, `YYYY-MM-DD`.
    """

    __tablename__ = "search_use"
    __table_args__ = (
        Index(None, "user_id", "day"),
        Index(None, "org_id", "day"),
        Index(None, "case_number"),
    )

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    search_id: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[str] = mapped_column(String(36))
    org_id: Mapped[str] = mapped_column(String(36))
    case_number: Mapped[int] = mapped_column(ForeignKey("case_record.number"))
    day: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

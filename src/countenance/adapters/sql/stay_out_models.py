"""The table of people who asked not to be enrolled."""

from datetime import datetime

from sqlalchemy import Float, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber, UtcDateTime


class StayOutRow(Base):
    """One entry: a template, sealed under a key of the entry's own. Nothing else refers to it, and it to nothing.

    `ends_on`, the last day, is `YYYY-MM-DD`; `threshold` is the cosine from which a face is taken for this person; an
    entry without `since` is not in force yet.
    """

    __tablename__ = "stay_out"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    entry_id: Mapped[str] = mapped_column(String(36), unique=True)
    pack_digest: Mapped[str] = mapped_column(String(64))
    ends_on: Mapped[str] = mapped_column(String(10))
    threshold: Mapped[float] = mapped_column(Float)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    vector: Mapped[bytes] = mapped_column(LargeBinary)

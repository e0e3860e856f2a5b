"""The table of rights requests."""

from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber


class RightsRequestRow(Base):
    """One request; whose it is and all that was said stands in the sealed entry. Days are `YYYY-MM-DD`.

    One that was forgotten has an empty entry.
    """

    __tablename__ = "rights_request"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    request_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    received_on: Mapped[str] = mapped_column(String(10))
    due_on: Mapped[str] = mapped_column(String(10))
    closed_on: Mapped[str | None] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    entry: Mapped[bytes] = mapped_column(LargeBinary)

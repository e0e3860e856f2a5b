"""The tables of organisations and people. What is personal, an organisation's sector and place too, is sealed."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.models import Base, RowNumber, UtcDateTime


class OrganisationRow(Base):
    """An organisation. `name_key` is its name's fingerprint: unique, and says nothing."""

    __tablename__ = "organisation"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), unique=True)
    name_key: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    state: Mapped[str] = mapped_column(String(20))
    applied_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class AccountRow(Base):
    """A person of an organisation. `login_key` is the fingerprint of what they sign in with."""

    __tablename__ = "account"
    __table_args__ = (Index(None, "organisation"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), unique=True)
    organisation: Mapped[int] = mapped_column(ForeignKey("organisation.number"))
    login_key: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    state: Mapped[str] = mapped_column(String(20))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class AccessChangeRow(Base):
    """One thing that was done to an organisation or a person. Rows are only ever added."""

    __tablename__ = "access_change"
    __table_args__ = (Index(None, "organisation"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    change_id: Mapped[str] = mapped_column(String(36), unique=True)
    organisation: Mapped[int] = mapped_column(ForeignKey("organisation.number"))
    account: Mapped[int | None] = mapped_column(ForeignKey("account.number"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(36))
    action: Mapped[str] = mapped_column(String(20))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class CredentialRow(Base):
    """Something that a person proves with who they are: a password, a second factor, a key, a one-time code.

    `lookup` finds those that are found by what was sent: a hash of it. `counter` only rises: the last time step of a
    TOTP code, the signature counter of a passkey.
    """

    __tablename__ = "credential"
    __table_args__ = (Index(None, "account"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    credential_id: Mapped[str] = mapped_column(String(36), unique=True)
    account: Mapped[int] = mapped_column(ForeignKey("account.number"))
    kind: Mapped[str] = mapped_column(String(20))
    lookup: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    counter: Mapped[int] = mapped_column(BigInteger, default=0)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SessionRow(Base):
    """A session of the web page, known by a hash of what the browser holds."""

    __tablename__ = "session"
    __table_args__ = (Index(None, "account"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    session_id: Mapped[str] = mapped_column(String(36), unique=True)
    lookup: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account: Mapped[int] = mapped_column(ForeignKey("account.number"))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SignInFailureRow(Base):
    """A sign-in that failed, in a bucket that says nothing of whose it was."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index(None, "bucket", "at"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    bucket: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ChallengeRow(Base):
    """Something that has to come back once, and soon: a passkey's challenge, the state of a sign-in elsewhere."""

    __tablename__ = "challenge"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    lookup: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    purpose: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)

"""Credentials, sessions, failures and challenges in SQL, each in a transaction that somebody else commits."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from countenance.access.credentials import Credential, CredentialKind, PageSession
from countenance.adapters.sql.access_models import (
    AccountRow,
    ChallengeRow,
    CredentialRow,
    SessionRow,
    SignInFailureRow,
)
from countenance.core.errors import ConflictError
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

CREDENTIAL = "credential.sealed"
SESSION = "session.sealed"
CHALLENGE = "challenge.sealed"


class SqlCredentials:
    """Implements `Credentials`."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Work in a transaction."""
        self._session = session
        self._keyring = keyring

    def of(self, user_id: str, *kinds: CredentialKind) -> tuple[Credential, ...]:
        """See the port."""
        wanted = AccountRow.user_id == user_id
        return self._chosen(wanted & CredentialRow.kind.in_([kind.value for kind in kinds]) if kinds else wanted)

    def found(self, kind: CredentialKind, lookup: bytes) -> Credential | None:
        """See the port."""
        wanted = (CredentialRow.lookup == lookup) & (CredentialRow.kind == kind.value)
        return next(iter(self._chosen(wanted)), None)

    def add(self, credential: Credential, *, lookup: bytes | None = None) -> None:
        """See the port."""
        if lookup is not None and self._chosen(CredentialRow.lookup == lookup):
            raise ConflictError("that is somebody's already", code="credential-exists", hint="use another")
        facts = dict(credential.facts)
        self._session.add(
            CredentialRow(
                credential_id=credential.credential_id,
                account=_account(self._session, credential.user_id),
                kind=credential.kind.value,
                lookup=lookup,
                made_at=credential.made_at,
                expires_at=credential.expires_at,
                used_at=credential.used_at,
                counter=credential.counter,
                sealed=seal_document(self._keyring, HOME, facts, record=credential.credential_id, column=CREDENTIAL),
            )
        )
        self._session.flush()

    def used(self, credential_id: str, *, at: datetime, counter: int | None = None) -> bool:
        """See the port."""
        chosen = update(CredentialRow).where(CredentialRow.credential_id == credential_id).values(used_at=at)
        if counter is not None:
            chosen = chosen.where(CredentialRow.counter < counter).values(counter=counter)
        done = self._session.execute(chosen)
        return isinstance(done, CursorResult) and done.rowcount == 1

    def drop(self, credential_ids: Collection[str]) -> None:
        """See the port."""
        self._session.execute(delete(CredentialRow).where(CredentialRow.credential_id.in_(credential_ids)))

    def _chosen(self, wanted: ColumnElement[bool]) -> tuple[Credential, ...]:
        """Return those that a condition finds."""
        chosen = (
            select(CredentialRow, AccountRow.user_id)
            .join(AccountRow, CredentialRow.account == AccountRow.number)
            .where(wanted)
            .order_by(CredentialRow.number)
        )
        return tuple(
            Credential(
                credential_id=row.credential_id,
                user_id=user_id,
                kind=CredentialKind(row.kind),
                made_at=row.made_at,
                expires_at=row.expires_at,
                used_at=row.used_at,
                counter=row.counter,
                facts=open_document(self._keyring, HOME, row.sealed, record=row.credential_id, column=CREDENTIAL),
            )
            for row, user_id in self._session.execute(chosen).all()
        )


class SqlSessions:
    """Implements `Sessions`."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Work in a transaction."""
        self._session = session
        self._keyring = keyring

    def of(self, user_id: str) -> tuple[PageSession, ...]:
        """See the port."""
        return self._chosen(AccountRow.user_id == user_id)

    def found(self, lookup: bytes) -> PageSession | None:
        """See the port."""
        return next(iter(self._chosen(SessionRow.lookup == lookup)), None)

    def begin(self, session: PageSession, *, lookup: bytes) -> None:
        """See the port."""
        facts = {"setting_up": session.setting_up, "browser": session.browser}
        self._session.add(
            SessionRow(
                session_id=session.session_id,
                lookup=lookup,
                account=_account(self._session, session.user_id),
                began_at=session.began_at,
                used_at=session.used_at,
                sealed=seal_document(self._keyring, HOME, facts, record=session.session_id, column=SESSION),
            )
        )
        self._session.flush()

    def used(self, session_id: str, *, at: datetime) -> None:
        """See the port."""
        self._session.execute(update(SessionRow).where(SessionRow.session_id == session_id).values(used_at=at))

    def end(self, session_ids: Collection[str]) -> None:
        """See the port."""
        self._session.execute(delete(SessionRow).where(SessionRow.session_id.in_(session_ids)))

    def end_older(self, *, began: datetime, used: datetime) -> None:
        """See the port."""
        ended = delete(SessionRow).where((SessionRow.began_at < began) | (SessionRow.used_at < used))
        self._session.execute(ended.execution_options(synchronize_session=False))

    def _chosen(self, wanted: ColumnElement[bool]) -> tuple[PageSession, ...]:
        """Return those that a condition finds."""
        chosen = (
            select(SessionRow, AccountRow.user_id)
            .join(AccountRow, SessionRow.account == AccountRow.number)
            .where(wanted)
            .order_by(SessionRow.number)
        )
        return tuple(
            PageSession(
                session_id=row.session_id,
                user_id=user_id,
                began_at=row.began_at,
                used_at=row.used_at,
                **open_document(self._keyring, HOME, row.sealed, record=row.session_id, column=SESSION),
            )
            for row, user_id in self._session.execute(chosen).all()
        )


class SqlFailures:
    """Implements `Failures`."""

    def __init__(self, session: Session) -> None:
        """Work in a transaction."""
        self._session = session

    def count(self, bucket: bytes, *, since: datetime) -> int:
        """See the port."""
        counted = select(func.count()).where(SignInFailureRow.bucket == bucket, SignInFailureRow.at > since)
        return self._session.scalar(counted) or 0

    def add(self, bucket: bytes, *, at: datetime, keep_since: datetime) -> None:
        """See the port."""
        self._session.execute(delete(SignInFailureRow).where(SignInFailureRow.at < keep_since))
        self._session.add(SignInFailureRow(bucket=bucket, at=at))

    def forget(self, bucket: bytes) -> None:
        """See the port."""
        self._session.execute(delete(SignInFailureRow).where(SignInFailureRow.bucket == bucket))


class SqlChallenges:
    """Implements `Challenges`."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Work in a transaction."""
        self._session = session
        self._keyring = keyring

    def put(self, lookup: bytes, *, purpose: str, expires_at: datetime, facts: Mapping[str, Any]) -> None:
        """See the port."""
        sealed = seal_document(self._keyring, HOME, dict(facts), record=lookup.hex(), column=CHALLENGE)
        self._session.add(ChallengeRow(lookup=lookup, purpose=purpose, expires_at=expires_at, sealed=sealed))

    def take(self, lookup: bytes, *, purpose: str, at: datetime) -> Mapping[str, Any] | None:
        """See the port."""
        row = self._session.scalar(select(ChallengeRow).where(ChallengeRow.lookup == lookup))
        self._session.execute(
            delete(ChallengeRow).where((ChallengeRow.lookup == lookup) | (ChallengeRow.expires_at < at))
        )
        if row is None or row.purpose != purpose or row.expires_at <= at:
            return None
        facts: Mapping[str, Any] = open_document(self._keyring, HOME, row.sealed, record=lookup.hex(), column=CHALLENGE)
        return facts


def _account(session: Session, user_id: str) -> int:
    """Return the number of a person's row."""
    return session.scalars(select(AccountRow.number).where(AccountRow.user_id == user_id)).one()

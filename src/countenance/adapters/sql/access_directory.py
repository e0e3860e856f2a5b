"""The directory of organisations and people in SQL, behind access's port."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Engine, delete, select
from sqlalchemy.orm import Session

from countenance.access.entries import changes_made
from countenance.access.model import Change, Organisation, User
from countenance.access.ports import DirectoryChange, DirectoryView
from countenance.adapters.sql.access_models import (
    AccessChangeRow,
    AccountRow,
    CredentialRow,
    OrganisationRow,
    SessionRow,
)
from countenance.adapters.sql.access_rows import (
    change_of,
    login_key,
    name_key,
    organisation_of,
    sealed_organisation,
    sealed_reason,
    sealed_user,
    user_of,
)
from countenance.adapters.sql.access_secrets import SqlChallenges, SqlCredentials, SqlFailures, SqlSessions
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, transaction
from countenance.audit.model import Entry
from countenance.core.errors import ConflictError, NotFoundError
from countenance.core.ids import new_id
from countenance.keys.ports import Keyring
from countenance.policy.model import HOUSE

MAX_PARAMETERS = 500
"""Most values in one IN list; older builds of SQLite allow 999 parameters a statement."""


class SqlDirectory:
    """Implements `Directory` over one database. Thread-safe: each transaction has its own session."""

    def __init__(self, engine: Engine, keyring: Keyring, audit: SqlAuditLog) -> None:
        """Keep the engine; the schema must be up to date (`database.upgrade`)."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._keyring = keyring
        self._audit = audit

    @contextmanager
    def reading(self) -> Iterator[DirectoryView]:
        """See the port."""
        with transaction(self._engine) as session:
            yield SqlDirectoryChange(session, self._keyring)

    @contextmanager
    def changing(self) -> Iterator[DirectoryChange]:
        """See the port."""
        with transaction(self._writer) as session:
            change = SqlDirectoryChange(session, self._keyring)
            yield change
            # Last, since writers wait for each other from there on.
            entries = [*changes_made(change.recorded), *change.noted]
            if entries:
                self._audit.append(session, *entries)


class SqlDirectoryChange:
    """Implements `DirectoryView` and `DirectoryChange` in one transaction."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Work in a session that somebody else commits.

        Attributes:
            recorded: What was done so far, for the audit log.
            noted: What stands there alone.
        """
        self.recorded: list[Change] = []
        self.noted: list[Entry] = []
        self._session = session
        self._keyring = keyring

    @property
    def credentials(self) -> SqlCredentials:
        """See the port."""
        return SqlCredentials(self._session, self._keyring)

    @property
    def sessions(self) -> SqlSessions:
        """See the port."""
        return SqlSessions(self._session, self._keyring)

    @property
    def failures(self) -> SqlFailures:
        """See the port."""
        return SqlFailures(self._session)

    @property
    def challenges(self) -> SqlChallenges:
        """See the port."""
        return SqlChallenges(self._session, self._keyring)

    def login_key(self, login: str) -> bytes:
        """See the port."""
        return login_key(self._keyring, login)

    def organisation(self, org_id: str) -> Organisation:
        """See the port."""
        return organisation_of(self._keyring, self._organisation_row(org_id))

    def organisation_named(self, name: str) -> Organisation:
        """See the port."""
        wanted = (OrganisationRow.name_key == name_key(self._keyring, name)) | (OrganisationRow.org_id == name)
        row = self._session.scalar(select(OrganisationRow).where(wanted))
        if row is None:
            raise _organisation_unknown()
        return organisation_of(self._keyring, row)

    def organisations(self) -> tuple[Organisation, ...]:
        """See the port."""
        rows = self._session.scalars(select(OrganisationRow).where(OrganisationRow.org_id != HOUSE))
        found = (organisation_of(self._keyring, row) for row in rows)
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.org_id)))

    def user(self, user_id: str) -> User:
        """See the port."""
        return self._user_where(AccountRow.user_id == user_id)

    def user_named(self, login: str) -> User:
        """See the port."""
        by_login = AccountRow.login_key == login_key(self._keyring, login)
        return self._user_where(by_login | (AccountRow.user_id == login))

    def users(self, org_id: str | None = None) -> tuple[User, ...]:
        """See the port."""
        chosen = select(AccountRow, OrganisationRow.org_id).join(
            OrganisationRow, AccountRow.organisation == OrganisationRow.number
        )
        if org_id is not None:
            chosen = chosen.where(OrganisationRow.org_id == org_id)
        found = (user_of(self._keyring, row, owner) for row, owner in self._session.execute(chosen).all())
        return tuple(sorted(found, key=lambda one: one.login))

    def changes(self, org_id: str) -> tuple[Change, ...]:
        """See the port."""
        chosen = (
            select(AccessChangeRow, AccountRow.user_id)
            .join(OrganisationRow, AccessChangeRow.organisation == OrganisationRow.number)
            .outerjoin(AccountRow, AccessChangeRow.account == AccountRow.number)
            .where(OrganisationRow.org_id == org_id)
            .order_by(AccessChangeRow.number)
        )
        return tuple(
            change_of(self._keyring, row, org_id, user_id) for row, user_id in self._session.execute(chosen).all()
        )

    def add_organisation(self, organisation: Organisation) -> None:
        """See the port."""
        key = name_key(self._keyring, organisation.name)
        if self._session.scalar(select(OrganisationRow.number).where(OrganisationRow.name_key == key)) is not None:
            raise ConflictError(
                f"there is an organisation {organisation.name!r} already",
                code="organisation-exists",
                hint="see `countenance org list`",
            )
        self._session.add(
            OrganisationRow(
                org_id=organisation.org_id,
                name_key=key,
                state=organisation.state.value,
                applied_at=organisation.applied_at,
                sealed=sealed_organisation(self._keyring, organisation),
            )
        )
        self._session.flush()

    def put_organisation(self, organisation: Organisation) -> None:
        """See the port."""
        row = self._organisation_row(organisation.org_id)
        row.state = organisation.state.value
        row.sealed = sealed_organisation(self._keyring, organisation)

    def add_user(self, user: User) -> None:
        """See the port."""
        key = login_key(self._keyring, user.login)
        if self._session.scalar(select(AccountRow.number).where(AccountRow.login_key == key)) is not None:
            raise ConflictError(
                f"somebody signs in as {user.login!r} already", code="user-exists", hint="choose another login"
            )
        self._session.add(
            AccountRow(
                user_id=user.user_id,
                organisation=self._organisation_row(user.org_id).number,
                login_key=key,
                state=user.state.value,
                added_at=user.added_at,
                sealed=sealed_user(self._keyring, user),
            )
        )
        self._session.flush()

    def put_user(self, user: User) -> None:
        """See the port."""
        row = self._session.scalars(select(AccountRow).where(AccountRow.user_id == user.user_id)).one()
        row.state = user.state.value
        row.sealed = sealed_user(self._keyring, user)

    def record(self, changes: Iterable[Change]) -> None:
        """See the port."""
        for change in changes:
            self.recorded.append(change)
            change_id = new_id()
            self._session.add(
                AccessChangeRow(
                    change_id=change_id,
                    organisation=self._organisation_row(change.org_id).number,
                    account=None if change.user_id is None else self._account_number(change.user_id),
                    at=change.at,
                    by=change.by,
                    action=change.action.value,
                    sealed=sealed_reason(self._keyring, change_id, change),
                )
            )
        self._session.flush()

    def note(self, entries: Iterable[Entry]) -> None:
        """See the port."""
        self.noted += entries

    def end_access(self, user_ids: Collection[str], *, for_good: bool) -> None:
        """See the port."""
        ended: tuple[type[SessionRow | CredentialRow], ...] = (SessionRow, CredentialRow) if for_good else (SessionRow,)
        people = list(user_ids)
        for start in range(0, len(people), MAX_PARAMETERS):
            some = people[start : start + MAX_PARAMETERS]
            accounts = select(AccountRow.number).where(AccountRow.user_id.in_(some))
            for table in ended:
                gone = delete(table).where(table.account.in_(accounts))
                self._session.execute(gone.execution_options(synchronize_session=False))

    def _organisation_row(self, org_id: str) -> OrganisationRow:
        """Return an organisation's row."""
        row = self._session.scalar(select(OrganisationRow).where(OrganisationRow.org_id == org_id))
        if row is None:
            raise _organisation_unknown()
        return row

    def _account_number(self, user_id: str) -> int:
        """Return the number of a person's row."""
        return self._session.scalars(select(AccountRow.number).where(AccountRow.user_id == user_id)).one()

    def _user_where(self, wanted: ColumnElement[bool]) -> User:
        """Return the one person that a condition finds."""
        chosen = select(AccountRow, OrganisationRow.org_id).join(
            OrganisationRow, AccountRow.organisation == OrganisationRow.number
        )
        found = self._session.execute(chosen.where(wanted)).one_or_none()
        if found is None:
            raise NotFoundError("there is no such person", code="user-unknown", hint="see `countenance user list`")
        row, org_id = found
        return user_of(self._keyring, row, org_id)


def _organisation_unknown() -> NotFoundError:
    return NotFoundError(
        "there is no such organisation", code="organisation-unknown", hint="see `countenance org list`"
    )

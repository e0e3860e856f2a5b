"""Requests for approval in SQL, behind their port."""

from datetime import datetime

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from countenance.access.model import UserState
from countenance.adapters.sql.access_directory import SqlDirectoryChange
from countenance.adapters.sql.approval_models import ApprovalRow
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, transaction
from countenance.adapters.sql.destruction_models import SearchCandidateRow
from countenance.adapters.sql.models import SearchRow
from countenance.audit.model import Entry
from countenance.core.errors import ConflictError, NotFoundError
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import org_scope
from countenance.keys.ports import Keyring
from countenance.policy.model import SYSTEM, Channel, OrganisationState
from countenance.policy.request import Approval
from countenance.search.approval import ApprovalRequest, ApprovalState, swept

COLUMN = "approval.sealed"
WORDS = ("case", "case_id", "purpose", "offence", "kind", "reason", "signature")
PLAIN = ("approval_id", "org_id", "user_id", "request_hash", "asked_at", "until", "search_id", "due_at", "decided_at")
TIMES = ("decided_by", "quarantined_at", "deleted_at")


class SqlApprovals:
    """Implements `ApprovalRegister` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, keyring: Keyring, audit: SqlAuditLog) -> None:
        """Keep the engine, the keyring, and the log in the same database; the schema must be up to date."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._keyring = keyring
        self._audit = audit

    def approvals(self, org_id: str) -> tuple[ApprovalRequest, ...]:
        """See the port."""
        chosen = select(ApprovalRow).where(ApprovalRow.org_id == org_id).order_by(ApprovalRow.number.desc())
        with transaction(self._engine) as session:
            return tuple(approval_of(self._keyring, row) for row in session.scalars(chosen))

    def approval(self, org_id: str, approval_id: str) -> ApprovalRequest:
        """See the port."""
        chosen = select(ApprovalRow).where(ApprovalRow.org_id == org_id, ApprovalRow.approval_id == approval_id)
        with transaction(self._engine) as session:
            row = session.scalar(chosen)
            if row is None:
                raise NotFoundError(
                    "there is no such request", code="approval-unknown", hint="see `countenance approval list`"
                )
            return approval_of(self._keyring, row)

    def of_search(self, search_id: str) -> ApprovalRequest | None:
        """See the port."""
        with transaction(self._engine) as session:
            row = session.scalar(select(ApprovalRow).where(ApprovalRow.search_id == search_id))
            return None if row is None else approval_of(self._keyring, row)

    def decide(self, decided: ApprovalRequest, entry: Entry) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            chosen = select(ApprovalRow).where(ApprovalRow.approval_id == decided.approval_id)
            row = session.scalars(chosen).one()
            if row.state != ApprovalState.WAITING.value:
                raise ConflictError(
                    f"it is {row.state} already", code="approval-decided", hint="see `countenance approval list`"
                )
            write(self._keyring, row, decided)
            if decided.state is ApprovalState.REFUSED and decided.search_id is not None:
                forget_answer(session, decided.search_id)
                row.deleted_at = decided.decided_at
            self._audit.append(session, entry)

    def sweep(self, at: datetime, *, deletes_before: datetime) -> tuple[ApprovalRequest, ...]:
        """See the port."""
        overdue = select(ApprovalRow).where(
            ApprovalRow.state == ApprovalState.WAITING.value,
            ApprovalRow.due_at <= at,
            ApprovalRow.deleted_at.is_(None),
        )
        with transaction(self._engine) as session:
            # Looked at first without the write lock: opening a gallery must not wait for an enrolment.
            if session.scalar(overdue.with_only_columns(func.count())) == 0:
                return ()
        with transaction(self._writer) as session:
            changed = [row for row in session.scalars(overdue) if _swept(session, row, at, deletes_before)]
            found = tuple(approval_of(self._keyring, row) for row in changed)
            if found:
                self._audit.append(session, *(swept(one, actor=SYSTEM) for one in found))
        return found


def _swept(session: Session, row: ApprovalRow, at: datetime, deletes_before: datetime) -> bool:
    """Put an answer out of sight, or delete it; returns whether there was anything to do."""
    if row.due_at is not None and row.due_at <= deletes_before and row.search_id is not None:
        forget_answer(session, row.search_id)
        row.quarantined_at, row.deleted_at = row.quarantined_at or at, at
        return True
    if row.quarantined_at is None:
        row.quarantined_at = at
        return True
    return False


def forget_answer(session: Session, search_id: str) -> bool:
    """Delete a kept answer; that the search was made stays on record. Returns whether there was one."""
    number = session.scalar(select(SearchRow.number).where(SearchRow.search_id == search_id))
    if number is not None:
        session.execute(delete(SearchCandidateRow).where(SearchCandidateRow.search == number))
        session.execute(delete(SearchRow).where(SearchRow.number == number))
    return number is not None


def add_approval(session: Session, keyring: Keyring, asked: ApprovalRequest) -> str:
    """Keep a request; one that waits for the same search is that request. Returns its id."""
    same = select(ApprovalRow.approval_id).where(
        ApprovalRow.user_id == asked.user_id,
        ApprovalRow.request_hash == asked.request_hash,
        ApprovalRow.state == ApprovalState.WAITING.value,
        ApprovalRow.due_at.is_(None),
    )
    known = None if asked.emergency else session.scalar(same)
    if known is not None:
        return known
    row = ApprovalRow(approval_id=asked.approval_id)
    write(keyring, row, asked)
    session.add(row)
    return asked.approval_id


def granted(session: Session, keyring: Keyring, user_id: str, request_hash: str) -> tuple[str, Approval] | None:
    """Return the newest approval of a request that was given and not used, with whoever gave it as they stand now."""
    chosen = select(ApprovalRow).where(
        ApprovalRow.user_id == user_id,
        ApprovalRow.request_hash == request_hash,
        ApprovalRow.state == ApprovalState.GRANTED.value,
    )
    row = session.scalars(chosen.order_by(ApprovalRow.number.desc())).first()
    if row is None or row.until is None or row.decided_by is None:
        return None
    people = SqlDirectoryChange(session, keyring)
    user = people.user(row.decided_by)
    organisation = people.organisation(user.org_id)
    if user.state is not UserState.ACTIVE or organisation.state is not OrganisationState.ACTIVE:
        return None
    approver = user.acting(organisation, channel=Channel.PAGE)
    return row.approval_id, Approval(approver=approver, request_hash=row.request_hash, until=row.until)


def use_approval(session: Session, approval_id: str, search_id: str) -> None:
    """Note that an approval was used for a search: it counts once."""
    row = session.scalars(select(ApprovalRow).where(ApprovalRow.approval_id == approval_id)).one()
    row.state, row.search_id = ApprovalState.USED.value, search_id


def give_back(session: Session, search_id: str) -> None:
    """Undo for a search that was not answered: its approval may be used again, its emergency was none."""
    row = session.scalar(select(ApprovalRow).where(ApprovalRow.search_id == search_id))
    if row is None:
        return
    if row.due_at is not None:
        session.delete(row)
    else:
        row.state, row.search_id = ApprovalState.GRANTED.value, None


def write(keyring: Keyring, row: ApprovalRow, one: ApprovalRequest) -> None:
    """Write a request into its row."""
    for name in (*PLAIN, *TIMES):
        setattr(row, name, getattr(one, name))
    row.state = one.state.value
    words = {name: getattr(one, name) for name in WORDS}
    row.sealed = seal_document(keyring, org_scope(one.org_id), words, record=one.approval_id, column=COLUMN)


def approval_of(keyring: Keyring, row: ApprovalRow) -> ApprovalRequest:
    """Return a request."""
    words = open_document(keyring, org_scope(row.org_id), row.sealed, record=row.approval_id, column=COLUMN)
    plain = {name: getattr(row, name) for name in (*PLAIN, *TIMES)}
    return ApprovalRequest(state=ApprovalState(row.state), **plain, **words)

"""Cases in SQL, behind their port, and the ledger of searches that were permitted under them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, Engine, ScalarSelect, Select, bindparam, delete, func, insert, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.access_models import OrganisationRow
from countenance.adapters.sql.approval_models import ApprovalRow
from countenance.adapters.sql.approvals import add_approval, give_back, granted, use_approval
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.case_ends import closed_before, forget_rows, note_forgotten
from countenance.adapters.sql.case_models import CaseRow, SearchUseRow
from countenance.adapters.sql.database import WRITER, require_empty_log, transaction
from countenance.adapters.sql.models import GalleryRow
from countenance.adapters.sql.tombstones import note_destroyed
from countenance.audit.model import Acting, Entry
from countenance.cases.entries import case_closed, case_forgotten, case_opened
from countenance.cases.model import NO_CASE, Authorisation, Case, CaseState
from countenance.core.errors import ConflictError, NotFoundError
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import case_scope, org_scope
from countenance.keys.ports import Keyring
from countenance.policy.model import Actor
from countenance.policy.pack import Quota
from countenance.policy.request import QuotaFacts, Use
from countenance.search.approval import ApprovalRequest, ApprovalState
from countenance.search.permission import Reservation, Standing

COLUMN = "case.sealed"


def _counted(*wanted: ColumnElement[bool]) -> ScalarSelect[int]:
    """Count rows of one table, as a part of a larger statement."""
    return select(func.count()).where(*wanted).scalar_subquery()


_OF_PERSON = (ApprovalRow.user_id == bindparam("user"),)

COUNTS = select(
    select(GalleryRow.revision).scalar_subquery().label("revision"),
    _counted(SearchUseRow.user_id == bindparam("user"), SearchUseRow.day == bindparam("day")).label("person"),
    _counted(SearchUseRow.org_id == bindparam("org"), SearchUseRow.day == bindparam("day")).label("organisation"),
    _counted(SearchUseRow.case_number == bindparam("case")).label("under_case"),
    _counted(
        *_OF_PERSON, ApprovalRow.state == ApprovalState.WAITING.value, ApprovalRow.due_at <= bindparam("at")
    ).label("overdue"),
    _counted(
        *_OF_PERSON,
        ApprovalRow.request_hash == bindparam("request"),
        ApprovalRow.state == ApprovalState.GRANTED.value,
    ).label("granted"),
)
"""All that is counted for a decision, in one statement that is made once."""

USE = insert(SearchUseRow).values(
    case_number=select(CaseRow.number).where(CaseRow.case_id == bindparam("case")).scalar_subquery()
)
"""Counts a permitted search."""


class SqlCases:
    """Implements `CaseRegister` and `SearchLedger` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, keyring: Keyring, audit: SqlAuditLog) -> None:
        """Keep the engine, the keyring, and the log in the same database; the schema must be up to date."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._keyring = keyring
        self._audit = audit

    def add(self, case: Case, *, actor: Acting) -> None:
        """See the port."""
        key = reference_key(self._keyring, case.org_id, case.reference)
        with transaction(self._writer) as session:
            organisation = session.scalars(
                select(OrganisationRow.number).where(OrganisationRow.org_id == case.org_id)
            ).one()
            if session.scalar(_of(case.org_id, CaseRow.reference_key == key)) is not None:
                raise ConflictError(
                    f"there is a case {case.reference!r} already",
                    code="case-exists",
                    hint="see `countenance case list`; a case that was closed is not opened again",
                )
            session.add(
                CaseRow(
                    case_id=case.case_id,
                    organisation=organisation,
                    reference_key=key,
                    state=case.state.value,
                    opened_at=case.opened_at,
                    closed_at=case.closed_at,
                    sealed=_sealed(self._keyring, case),
                )
            )
            self._audit.append(session, case_opened(case, actor=actor))

    def close(self, case: Case, *, actor: Acting) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            row = session.scalars(_of(case.org_id, CaseRow.case_id == case.case_id)).one()
            if row.state != CaseState.OPEN.value:
                raise ConflictError(
                    "the case is closed already", code="case-closed", hint="see `countenance case show`"
                )
            row.state, row.closed_at = case.state.value, case.closed_at
            row.sealed = _sealed(self._keyring, case)
            self._audit.append(session, case_closed(case, actor=actor))

    def case(self, org_id: str, name: str) -> Case:
        """See the port."""
        with transaction(self._engine) as session:
            row = _found(session, self._keyring, org_id, name)
            if row is None:
                raise NotFoundError(
                    "your organisation has no such case", code="case-unknown", hint="see `countenance case list`"
                )
            return _case_of(self._keyring, row, org_id)

    def cases(self, org_id: str) -> tuple[Case, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            rows = session.scalars(_of(org_id).order_by(CaseRow.number.desc()))
            return tuple(_case_of(self._keyring, row, org_id) for row in rows)

    def closed(self, before: date) -> tuple[str, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            return closed_before(session, before)

    def forget(self, case_id: str, *, actor: Acting) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            answers = forget_rows(session, self._keyring, case_id)
            note_destroyed(session, case_scope(case_id))
            if answers is not None:
                self._audit.append(session, case_forgotten(case_id, answers=answers, actor=actor))
        self._keyring.destroy(case_scope(case_id), reason="case over")
        # Answers are not sealed under that key, which an opening destroys too: its end does not say that all is done.
        require_empty_log(self._engine)
        with transaction(self._writer) as session:
            note_forgotten(session, case_id)

    @contextmanager
    def deciding(self) -> Iterator[Reservation]:
        """See the port."""
        with transaction(self._writer) as session:
            yield SqlReservation(session, self._keyring, self._audit)

    def release(self, search_id: str) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            give_back(session, search_id)
            session.execute(delete(SearchUseRow).where(SearchUseRow.search_id == search_id))

    def owner(self, search_id: str) -> str | None:
        """See the port."""
        with transaction(self._engine) as session:
            return session.scalar(select(SearchUseRow.org_id).where(SearchUseRow.search_id == search_id))


class SqlReservation:
    """Implements `Reservation` in one transaction."""

    def __init__(self, session: Session, keyring: Keyring, audit: SqlAuditLog) -> None:
        """Work in a session that somebody else commits."""
        self._session = session
        self._keyring = keyring
        self._audit = audit

    def standing(self, actor: Actor, case: str, *, request_hash: str, quota: Quota, at: datetime) -> Standing:
        """See the port."""
        row = _found(self._session, self._keyring, actor.org_id, case)
        asked = {"user": actor.user_id, "org": actor.org_id, "day": day_of(at), "at": at, "request": request_hash}
        counts = self._session.execute(COUNTS, {**asked, "case": 0 if row is None else row.number}).one()
        opened = None if row is None else _case_of(self._keyring, row, actor.org_id)
        approval = None
        if counts.granted:
            approval = granted(self._session, self._keyring, actor.user_id, request_hash)
        return Standing(
            revision=counts.revision,
            approval_id=None if approval is None else approval[0],
            approval=None if approval is None else approval[1],
            overdue=counts.overdue,
            case_id=None if opened is None else opened.case_id,
            case=NO_CASE if opened is None else opened.facts,
            quota=QuotaFacts(
                person=Use(used=counts.person, limit=quota.person_day),
                case=Use(used=counts.under_case, limit=quota.case),
                organisation=Use(used=counts.organisation, limit=quota.organisation_day),
            ),
        )

    def ask(self, asked: ApprovalRequest) -> str:
        """See the port."""
        return add_approval(self._session, self._keyring, asked)

    def reserve(
        self, search_id: str, *, actor: Actor, case_id: str, at: datetime, approval_id: str | None = None
    ) -> None:
        """See the port."""
        if approval_id is not None:
            use_approval(self._session, approval_id, search_id)
        use = {"search_id": search_id, "user_id": actor.user_id, "org_id": actor.org_id, "day": day_of(at), "at": at}
        self._session.execute(USE, {**use, "case": case_id})

    def refuse(self, entry: Entry) -> None:
        """See the port."""
        self._audit.append(self._session, entry)


def day_of(at: datetime) -> str:
    """Return the day, in UTC, that a search counts for."""
    return at.astimezone(UTC).date().isoformat()


def reference_key(keyring: Keyring, org_id: str, reference: str) -> bytes:
    """Return the fingerprint of a reference within its organisation, whatever the case of its letters."""
    return keyring.fingerprint(org_scope(org_id), reference.casefold().encode(), column="case.reference")


def _found(session: Session, keyring: Keyring, org_id: str, name: str) -> CaseRow | None:
    """Return the row of an organisation's case by reference or id."""
    key = reference_key(keyring, org_id, name.strip())
    return session.scalar(_of(org_id, (CaseRow.reference_key == key) | (CaseRow.case_id == name)))


def _of(org_id: str, *wanted: ColumnElement[bool]) -> Select[CaseRow]:
    """Choose an organisation's cases that were not forgotten."""
    return (
        select(CaseRow)
        .join(OrganisationRow, CaseRow.organisation == OrganisationRow.number)
        .where(OrganisationRow.org_id == org_id, CaseRow.sealed != b"", *wanted)
    )


def _sealed(keyring: Keyring, case: Case) -> bytes:
    """Seal what a case's row does not say in the clear, under the case's own key."""
    authorisation = case.authorisation
    facts = {
        "reference": case.reference,
        "opened_by": case.opened_by,
        "closed_by": case.closed_by,
        "authorised_by": None if authorisation is None else authorisation.by,
        "authorisation_sha256": None if authorisation is None else authorisation.document_sha256,
    }
    return seal_document(keyring, case_scope(case.case_id), facts, record=case.case_id, column=COLUMN)


def _case_of(keyring: Keyring, row: CaseRow, org_id: str) -> Case:
    """Return a case."""
    facts = open_document(keyring, case_scope(row.case_id), row.sealed, record=row.case_id, column=COLUMN)
    by = facts["authorised_by"]
    return Case(
        case_id=row.case_id,
        org_id=org_id,
        reference=facts["reference"],
        state=CaseState(row.state),
        opened_at=row.opened_at,
        opened_by=facts["opened_by"],
        authorisation=None if by is None else Authorisation(by=by, document_sha256=facts["authorisation_sha256"]),
        closed_at=row.closed_at,
        closed_by=facts["closed_by"],
    )

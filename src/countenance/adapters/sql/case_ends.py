"""The end of closed cases: what is personal of them goes, with the answers and approvals of their searches."""

from datetime import UTC, date, datetime, time

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from countenance.adapters.sql.access_models import OrganisationRow
from countenance.adapters.sql.approval_models import ApprovalRow
from countenance.adapters.sql.approvals import approval_of, forget_answer
from countenance.adapters.sql.case_models import CaseRow, SearchUseRow
from countenance.keys.ports import Keyring

FORGOTTEN = "forgotten"
"""The state of a row with whose case nothing is left to do."""


def closed_before(session: Session, before: date) -> tuple[str, ...]:
    """Return the ids of cases that were closed before a day, and are still there or half forgotten."""
    midnight = datetime.combine(before, time.min, tzinfo=UTC)
    ended = (CaseRow.closed_at < midnight, CaseRow.state != FORGOTTEN)
    return tuple(session.scalars(select(CaseRow.case_id).where(*ended).order_by(CaseRow.number)))


def forget_rows(session: Session, keyring: Keyring, case_id: str) -> int | None:
    """Empty a case's row, delete its searches' answers and approvals.

    Returns:
        How many answers went; None where nothing was left to do.
    """
    row = session.scalars(select(CaseRow).where(CaseRow.case_id == case_id)).one()
    if not row.sealed:
        return None
    searches = session.scalars(select(SearchUseRow.search_id).where(SearchUseRow.case_number == row.number)).all()
    answers = sum(forget_answer(session, search_id) for search_id in searches)
    org_id = session.scalars(select(OrganisationRow.org_id).where(OrganisationRow.number == row.organisation)).one()
    for approval in session.scalars(select(ApprovalRow).where(ApprovalRow.org_id == org_id)).all():
        if approval_of(keyring, approval).case_id == case_id:
            session.delete(approval)
    # Its reference may be used again, and its fingerprint would tell whoever guesses it.
    row.sealed, row.reference_key = b"", row.case_id.encode()
    return answers


def note_forgotten(session: Session, case_id: str) -> None:
    """Write down that nothing is left to do with a case: `closed_before` does not name it any more."""
    session.execute(update(CaseRow).where(CaseRow.case_id == case_id).values(state=FORGOTTEN))

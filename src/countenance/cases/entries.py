"""What the audit log says of cases: ids; references are left out."""

from countenance.audit.model import Acting, Entry, Outcome
from countenance.cases.model import Case


def case_opened(case: Case, *, actor: Acting) -> Entry:
    """Say that a case was opened."""
    facts = {
        "case": case.case_id,
        "authorisation_sha256": None if case.authorisation is None else case.authorisation.document_sha256,
    }
    return Entry(action="case-open", outcome=Outcome.DONE, actor=actor, facts=facts)


def case_forgotten(case_id: str, *, answers: int, actor: Acting) -> Entry:
    """Say that what was personal of a case is gone, with so many answers of its searches."""
    return Entry(
        action="case-forgotten", outcome=Outcome.DONE, actor=actor, facts={"case": case_id, "answers": answers}
    )


def case_closed(case: Case, *, actor: Acting) -> Entry:
    """Say that a case was closed."""
    return Entry(action="case-close", outcome=Outcome.DONE, actor=actor, facts={"case": case.case_id})

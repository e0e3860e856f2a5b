"""A case as plain JSON types."""

from typing import Any

from countenance.cases.model import Case


def case_json(case: Case) -> dict[str, Any]:
    """Return a case."""
    authorisation = case.authorisation
    return {
        "case_id": case.case_id,
        "reference": case.reference,
        "state": case.state.value,
        "opened_at": case.opened_at.isoformat(),
        "opened_by": case.opened_by,
        "authorised_by": None if authorisation is None else authorisation.by,
        "authorisation_sha256": None if authorisation is None else authorisation.document_sha256,
        "closed_at": None if case.closed_at is None else case.closed_at.isoformat(),
        "closed_by": case.closed_by,
    }

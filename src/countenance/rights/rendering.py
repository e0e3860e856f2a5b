"""A request as plain JSON types."""

from datetime import date
from typing import Any

from countenance.gallery.stay_out import StayOutEntry
from countenance.rights.model import RightsRequest


def request_line(request: RightsRequest, *, today: date) -> dict[str, Any]:
    """Return what a list says of a request: nothing personal."""
    return {
        "request_id": request.request_id,
        "kind": request.kind.value,
        "state": request.state.value,
        "received_on": request.received_on.isoformat(),
        "due_on": request.due_on.isoformat(),
        "overdue": request.overdue(today),
    }


def stay_out_json(entry: StayOutEntry) -> dict[str, Any]:
    """Return an entry of somebody who is refused at enrolment: nothing of whose it is."""
    return {
        "entry_id": entry.entry_id,
        "ends_on": entry.ends_on.isoformat(),
        "since": entry.since and entry.since.isoformat(),
        "threshold": entry.threshold,
    }


def request_json(request: RightsRequest, *, today: date) -> dict[str, Any]:
    """Return a request with all that is on record of it."""
    decision, consent = request.decision, request.consent
    return {
        **request_line(request, today=today),
        "name": request.name,
        "contact": request.contact,
        "steps": [
            {"at": one.at.isoformat(), "by": one.by, "state": one.state.value, "words": one.words}
            for one in request.steps
        ],
        "found": [{"subject_id": one.subject_id, "source": one.source, "score": one.score} for one in request.found],
        "left_out": request.left_out,
        "decision": decision
        and {
            "granted": decision.granted,
            "reason": decision.reason,
            "subjects": list(decision.subjects),
            "tells_searches": decision.tells_searches,
            "by": decision.by,
            "at": decision.at.isoformat(),
        },
        "holdings": [
            {
                "subject_id": one.subject_id,
                "source": one.source,
                "owner": one.owner,
                "legal_basis": one.legal_basis,
                "last_day": one.last_day and one.last_day.isoformat(),
                "photographs": one.photographs,
                "templates": one.templates,
                "searches": [{"at": at.isoformat(), "search_id": search_id} for at, search_id in one.searches],
            }
            for one in request.holdings
        ],
        "certificates": list(request.certificates),
        "consent": consent
        and {
            "entry_id": consent.entry_id,
            "ends_on": consent.ends_on.isoformat(),
            "document_sha256": consent.document_sha256,
        },
    }

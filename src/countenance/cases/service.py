"""Opening and closing cases, each within one's own organisation."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from countenance.cases.model import Authorisation, Case, CaseState
from countenance.cases.ports import CaseRegister
from countenance.core.errors import InvalidInputError
from countenance.core.ids import new_id
from countenance.policy.model import Actor

LONGEST_REFERENCE = 200
"""Characters, as many as a search's case may have."""


def checked_reference(text: str) -> str:
    """Return a reference without the spaces around it.

    Raises:
        InvalidInputError: code `case-invalid`.
    """
    reference = text.strip()
    if not reference or len(reference) > LONGEST_REFERENCE or not reference.isprintable():
        raise InvalidInputError(
            f"a case has a reference of 1 to {LONGEST_REFERENCE} printable characters",
            code="case-invalid",
            hint="e.g. 2026-0417",
        )
    return reference


def open_case(
    register: CaseRegister,
    put: Callable[[str, bytes], None],
    reference: str,
    *,
    authorised_by: str,
    document: bytes,
    actor: Actor,
    at: datetime,
) -> Case:
    """Open a case of the actor's own organisation.

    Args:
        register: Where it is kept.
        put: Keeps a document, by key.
        reference: What the organisation calls it.
        authorised_by: Whose authorisation is on record with it; empty where there is none.
        document: That authorisation's document; empty where there is none.
        actor: Who opens it.
        at: When.

    Raises:
        InvalidInputError: codes `case-invalid`, `authorisation-incomplete`; nothing was written.
        ConflictError: code `case-exists`.
    """
    named = checked_reference(reference)
    by = authorised_by.strip()
    if bool(by) != bool(document) or len(by) > LONGEST_REFERENCE or not (by.isprintable() or not by):
        raise InvalidInputError(
            "an authorisation is whose it is, and its document",
            code="authorisation-incomplete",
            hint="give both, or neither; up to 200 printable characters say whose it is",
        )
    digest = hashlib.sha256(document).hexdigest()
    case = Case(
        case_id=new_id(),
        org_id=actor.org_id,
        reference=named,
        state=CaseState.OPEN,
        opened_at=at,
        opened_by=actor.user_id,
        authorisation=Authorisation(by=by, document_sha256=digest) if by else None,
    )
    if by:
        # First, so that no authorisation is on record without its document.
        put(f"cases/{case.case_id}/{digest}", document)
    register.add(case, actor=actor)
    return case


def close_case(register: CaseRegister, name: str, *, actor: Actor, at: datetime) -> Case:
    """Close a case of the actor's own organisation; nothing is searched under it from then on.

    Raises:
        NotFoundError: code `case-unknown`.
        ConflictError: code `case-closed`.
    """
    found = register.case(actor.org_id, name)
    closed = replace(found, state=CaseState.CLOSED, closed_at=at, closed_by=actor.user_id)
    register.close(closed, actor=actor)
    return closed

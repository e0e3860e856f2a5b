"""A case of an organisation, under which its people search."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countenance.policy.request import CaseFacts


class CaseState(StrEnum):
    """Whether there may be searches under it."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """That a court or an administrative authority allowed what is done under a case.

    Attributes:
        by: Whose it is, in words, e.g. `District Court, order 12 of 2026`.
        document_sha256: Hex digest of the document, which is kept.
    """

    by: str
    document_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case.

    Attributes:
        reference: What the organisation calls it; unique within it.
        opened_by: A user id.
        closed_by: A user id; None while it is open.
    """

    case_id: str
    org_id: str
    reference: str
    state: CaseState
    opened_at: datetime
    opened_by: str
    authorisation: Authorisation | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None

    @property
    def facts(self) -> CaseFacts:
        """What rules decide on."""
        return CaseFacts(open=self.state is CaseState.OPEN, authorised=self.authorisation is not None)


NO_CASE = CaseFacts(open=False, authorised=False)
"""The facts of a case that there is not, or that is another organisation's."""

"""The API's answers of the rights desk, for its OpenAPI document."""

from datetime import date

from pydantic import Field

from countenance.api.models import Answer, Digest, Identifier
from countenance.rights.model import RequestKind, RequestState


class RequestLine(Answer):
    """A request, without whose it is."""

    request_id: Identifier
    kind: RequestKind
    state: RequestState
    received_on: date
    due_on: date = Field(description="A month after it was received.")
    overdue: bool


class RequestList(Answer):
    """Requests, the one that is due first before the others."""

    requests: list[RequestLine]


class RequestStep(Answer):
    """One thing that was done with a request."""

    at: str = Field(description="RFC 3339, UTC.")
    by: Identifier
    state: RequestState
    words: str


class FoundEntry(Answer):
    """Somebody who looks like the requester: a candidate, never an identification."""

    subject_id: Identifier
    source: str
    score: float = Field(description="Cosine similarity to the photograph that was handed over.")


class DecisionEntry(Answer):
    """What was decided."""

    granted: bool
    reason: str
    subjects: list[Identifier] = Field(description="Subjects who are the requester.")
    tells_searches: bool = Field(description="Whether the letter names searches that returned them.")
    by: Identifier
    at: str = Field(description="RFC 3339, UTC.")


class HoldingSearch(Answer):
    """A search that returned the requester."""

    at: str = Field(description="RFC 3339, UTC.")
    search_id: Identifier


class HoldingEntry(Answer):
    """What is, or was, on record of one subject."""

    subject_id: Identifier
    source: str
    owner: str
    legal_basis: str
    last_day: date | None = Field(description="Last day that the source may be kept; null while its clock stands.")
    photographs: int
    templates: int
    searches: list[HoldingSearch]


class ConsentEntry(Answer):
    """That somebody consented to an entry by which they are refused at enrolment."""

    entry_id: Identifier
    ends_on: date = Field(description="The entry's last day.")
    document_sha256: Digest


class StayOutEntry(Answer):
    """An entry by which somebody is refused at enrolment, without whose it is."""

    entry_id: Identifier
    ends_on: date = Field(description="Last day that it is in force.")
    since: str | None = Field(description="When it came into force, RFC 3339, UTC; null before it was released.")
    threshold: float = Field(description="Cosine from which a face is taken for this person's.")


class StayOutEntries(Answer):
    """All entries, oldest first."""

    entries: list[StayOutEntry]


class RequestEntry(RequestLine):
    """A request with all that is on record of it."""

    name: str = Field(description="The requester's, as they gave it.")
    contact: str
    steps: list[RequestStep]
    found: list[FoundEntry]
    left_out: bool = Field(description="Whether the last look left out sources that other organisations keep.")
    decision: DecisionEntry | None
    holdings: list[HoldingEntry] = Field(description="Empty before the release.")
    certificates: list[Identifier] = Field(description="Of what was erased.")
    consent: ConsentEntry | None = Field(description="Of a request to stay out.")

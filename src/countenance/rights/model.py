"""A request of somebody who may be enrolled, from its arrival to the letter that answers it.

    received -> identified -> decided -> released -> closed

It may be closed without a decision while it is received or identified (the person withdrew it, or did not show who they
are), and goes back from decided to identified where whoever should release it disagrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class RequestKind(StrEnum):
    """What is asked for."""

    ACCESS = "access"
    ERASURE = "erasure"
    OBJECTION = "objection"
    SEARCHES = "searches"
    STAY_OUT = "stay-out"

    @property
    def erases(self) -> bool:
        """Whether granting it erases the person."""
        return self in {RequestKind.ERASURE, RequestKind.OBJECTION}


class RequestState(StrEnum):
    """How far it has come."""

    RECEIVED = "received"
    IDENTIFIED = "identified"
    DECIDED = "decided"
    RELEASED = "released"
    CLOSED = "closed"


WAYS: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.RECEIVED: frozenset({RequestState.IDENTIFIED, RequestState.CLOSED}),
    RequestState.IDENTIFIED: frozenset({RequestState.DECIDED, RequestState.CLOSED}),
    RequestState.DECIDED: frozenset({RequestState.IDENTIFIED, RequestState.RELEASED}),
    RequestState.RELEASED: frozenset({RequestState.CLOSED}),
    RequestState.CLOSED: frozenset(),
}
"""Each state to those that follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done with a request.

    Attributes:
        by: A user id.
        words: What they said about it; may be empty.
    """

    at: datetime
    by: str
    state: RequestState
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSubject:
    """Somebody who looks like the requester: a candidate that a person has to look at, never an identification.

    Attributes:
        score: Cosine similarity to the photograph that was handed over; it is not kept.
    """

    subject_id: str
    source: str
    score: float


class Looked(NamedTuple):
    """Whom somebody found.

    Attributes:
        left_out: Whether there were sources that they did not look through, since other organisations keep them.
    """

    found: tuple[FoundSubject, ...]
    left_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, and by whom: a user id.

    Attributes:
        subjects: Ids of the subjects who are the requester.
        tells_searches: Whether the letter names the searches that returned them.
    """

    granted: bool
    reason: str
    subjects: tuple[str, ...]
    tells_searches: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is on record of one subject, for the letter.

    Attributes:
        last_day: Last day that the source may be kept; None while its clock does not run.
        searches: When searches returned them, and these searches' ids, oldest first.
    """

    subject_id: str
    source: str
    owner: str
    legal_basis: str
    last_day: date | None
    photographs: int
    templates: int
    searches: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """That somebody consented to an entry by which they are refused at enrolment.

    Attributes:
        entry_id: Of the entry, which holds their template; it is in force once the request is released.
        ends_on: Its last day.
        document_sha256: Hex digest of what they signed, which is kept with the entry.
    """

    entry_id: str
    ends_on: date
    document_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRequest:
    """One request.

    Attributes:
        name: The requester's, as they gave it.
        contact: Where the letter goes.
        due_on: Last day of the month that the law gives.
        found: Whom the photograph looked like.
        left_out: Whether the last look left out sources that other organisations keep.
        holdings: What is on record of those who are the requester; empty before the release.
        certificates: Ids of the certificates of what was erased.
        consent: Of a request to stay out; None before it was given.
        version: Grows by one each time it is saved.
    """

    request_id: str
    kind: RequestKind
    state: RequestState
    received_on: date
    due_on: date
    name: str
    contact: str
    steps: tuple[Step, ...]
    found: tuple[FoundSubject, ...] = ()
    left_out: bool = False
    decision: Decision | None = None
    holdings: tuple[Holding, ...] = ()
    certificates: tuple[str, ...] = ()
    consent: Consent | None = None
    version: int = 0

    def overdue(self, today: date) -> bool:
        """Return whether the letter should have been released before a day."""
        return today > self.due_on and self.state not in {RequestState.RELEASED, RequestState.CLOSED}


def month_after(day: date) -> date:
    """Return the same day of the next month; its last one where there is no such day.

    Source:
        One month of receipt: Regulation (EU) 2016/679, Art. 12(3); periods in months: Regulation (EEC) 1182/71, Art. 3.
    """
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")

"""What the client returns of erasure and retention: the fields of the API's own JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Target = Literal["subject", "image", "face"]
"""What can be erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A signed certificate of destruction.

    Attributes:
        statement: What is certified: JSON, as the exact text that was signed.
        signature: Ed25519 over the statement's bytes, base64.
        public_key: The installation's, base64.
    """

    statement: str
    signature: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureExtent:
    """What an erasure would take.

    Attributes:
        source: The source's name.
        would_erase: Counts of `photographs`, `subjects`, `templates`, and of `photographs_staying` without the face.
        searches_that_returned_it: How many kept answers showed it.
    """

    source: str
    would_erase: Mapping[str, int]
    searches_that_returned_it: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One source's clock; `last_day` is `YYYY-MM-DD`, None while it does not run."""

    source: str
    rule: str
    citation: str
    last_day: str | None
    due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRelease:
    """An enrolled person whose releases have all ended; `release_id` is the last one's."""

    source: str
    subject_id: str
    release_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersDue:
    """How many kept answers are due: those from before a time, RFC 3339; None where they are kept without end."""

    before: str | None
    due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """What is due on a day, and when the other clocks end.

    Attributes:
        on: The day, `YYYY-MM-DD`.
        unfinished: Destructions and erasures that were begun and wait for a run.
        log_keys: Half-years whose marks in the audit log are due to lose their key.
        requests: Ids of closed requests of people that are due to be forgotten.
        cases: Ids of closed cases that are due to be forgotten.
        stay_out: Ids of entries of people who are refused at enrolment whose last day is over.
    """

    on: str
    sources: tuple[Clock, ...]
    releases: tuple[EndedRelease, ...]
    answers: AnswersDue
    unfinished: int
    log_keys: tuple[str, ...]
    requests: tuple[str, ...]
    cases: tuple[str, ...]
    stay_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """Something that was destroyed.

    Attributes:
        certificate: The certificate's id.
        source: The source's name; None for kept answers.
        target: Id of the subject, photograph or face; None for anything else.
    """

    certificate: str
    kind: str
    source: str | None
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRun:
    """What a run destroyed; see `RetentionPlan`."""

    destroyed: tuple[Destroyed, ...]
    log_keys: tuple[str, ...]
    requests: tuple[str, ...]
    cases: tuple[str, ...]
    stay_out: tuple[str, ...]

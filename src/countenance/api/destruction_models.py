"""The API's answers about what is destroyed, for its OpenAPI document."""

from datetime import date

from pydantic import Field

from countenance.api.models import Answer, Identifier
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.terms import RetentionRule


class ClockEntry(Answer):
    """One source's clock."""

    source: str
    rule: RetentionRule
    citation: str = Field(description="Where the rule is written; empty where it is no law.")
    last_day: date | None = Field(description="Last day that it may be kept; null while its clock does not run.")
    due: bool


class EndedReleaseEntry(Answer):
    """An enrolled person whose releases have all ended."""

    source: str
    subject_id: Identifier
    release_id: Identifier = Field(description="The last of them.")


class AnswersDue(Answer):
    """Kept answers to searches."""

    before: str | None = Field(description="Those from before are due, RFC 3339, UTC; null: kept without end.")
    due: int


class RetentionPlan(Answer):
    """What is due on a day, and when the other clocks end."""

    on: date
    sources: list[ClockEntry]
    releases: list[EndedReleaseEntry]
    answers: AnswersDue
    unfinished: int = Field(description="Destructions and erasures that were taken out of everything or cut short.")
    log_keys: list[str] = Field(description="Half-years whose marks in the audit log are due to lose their key.")
    requests: list[Identifier] = Field(description="Closed requests of people that are due to be forgotten.")
    cases: list[Identifier] = Field(description="Closed cases that are due to be forgotten.")
    stay_out: list[Identifier] = Field(description="Entries of people who are refused at enrolment that are over.")


class DestroyedEntry(Answer):
    """Something that was destroyed."""

    certificate: Identifier
    kind: DestructionKind
    source: str | None
    target: Identifier | None = Field(description="Id of the subject, photograph or face; null for anything else.")


class RetentionRun(Answer):
    """What a run destroyed."""

    destroyed: list[DestroyedEntry]
    log_keys: list[str]
    requests: list[Identifier]
    cases: list[Identifier]
    stay_out: list[Identifier]


class WouldErase(Answer):
    """How much an erasure would take."""

    photographs: int
    subjects: int
    templates: int
    photographs_staying: int = Field(description="Photographs that stay without the face, for others in them.")


class ErasureExtent(Answer):
    """What an erasure would take."""

    source: str
    would_erase: WouldErase
    searches_that_returned_it: int


class CertificateReply(Answer):
    """A signed certificate of destruction."""

    statement: str = Field(description="What is certified: JSON, as the exact text that was signed.")
    signature: str = Field(description="Ed25519 over the statement's bytes, base64.")
    public_key: str = Field(description="The installation's public key, base64.")

"""The API's answers about sources, for its OpenAPI document."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from countenance.api.models import Answer, Digest, Identifier
from countenance.gallery.model import LegalBasis, SourceState
from countenance.gallery.terms import RetentionRule


class ChosenState(StrEnum):
    """States that a source can be put into by a simple request; withdrawing has a route of its own."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class RetentionEntry(Answer):
    """How long a source may be kept."""

    rule: RetentionRule
    ends_on: date | None = Field(description="Last day, whatever the rule says.")
    purpose_ended_on: date | None = Field(description="When the purpose that it was given for was met.")
    last_interaction_on: date | None = Field(description="When its owner was last in touch; null: when registered.")


class SourceEntry(Answer):
    """A collection that somebody had the right to hand over, with its terms and what is enrolled in it."""

    source_id: Identifier
    name: str = Field(examples=["missing-persons-2026"])
    owner: str = Field(examples=["Ministry of the Interior"])
    legal_basis: LegalBasis
    document_sha256: Digest
    state: SourceState
    keeper: str | None = Field(
        description="Id of the organisation whose custodians look after it, beside the house's; null: all do."
    )
    registered_at: str = Field(description="RFC 3339, UTC.", examples=["2026-01-31T09:30:00+00:00"])
    contact: str = Field(description="Whom to ask about it; may be empty.")
    sectors: list[str] = Field(description="Sectors that may search it; `any` sets no limit beyond the policy's.")
    purposes: list[str] = Field(description="Purposes it may be searched for; `any` as with sectors.")
    excluded: list[str] = Field(description="Countries and regions that may not search it.", examples=[["US-IL"]])
    releases_required: bool = Field(description="Whether a subject needs a release of their own.")
    retention: RetentionEntry
    images: int = Field(examples=[1204])
    subjects: int = Field(examples=[812])
    templates: int = Field(examples=[1190])


class SourceList(Answer):
    """All sources, by name."""

    sources: list[SourceEntry]


class ChangeEntry(Answer):
    """One change of a source's state."""

    at: str = Field(description="RFC 3339, UTC.")
    by: str = Field(description="Who did it.")
    before: SourceState | None = Field(description="Null where it was registered.")
    after: SourceState
    reason: str


class ChangeList(Answer):
    """Every change of a source's state, oldest first."""

    changes: list[ChangeEntry]


class ReleaseEntry(Answer):
    """One person's own consent to be in a source."""

    release_id: Identifier
    label: str = Field(description="The subject's name as the source gives it.")
    document_sha256: Digest
    registered_at: str = Field(description="RFC 3339, UTC.")
    registered_by: str
    ends_on: date | None = Field(description="Last day; null where it has no end.")
    revoked_at: str | None = Field(description="When it was taken back, RFC 3339, UTC; null while it holds.")


class ReleaseList(Answer):
    """A source's releases, oldest first."""

    releases: list[ReleaseEntry]

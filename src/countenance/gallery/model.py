"""What a gallery holds: sources, subjects, images, faces, templates."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countenance.core.arrays import Templates
from countenance.vision.model import Face


class LegalBasis(StrEnum):
    """Why the owner may hand the source over."""

    CONSENT = "consent"
    CONTRACT = "contract"
    STATUTE = "statute"
    COURT_ORDER = "court-order"
    LICENCE = "licence"
    PUBLIC_RECORD = "public-record"


class SourceState(StrEnum):
    """Whether a source may be enrolled into and searched."""

    ACTIVE = "active"


class Outcome(StrEnum):
    """What became of one photograph."""

    ENROLLED = "enrolled"
    NO_FACE = "no-face"
    REFUSED_BY_GATE = "refused-by-gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImage:
    """A photograph that is on record already.

    Attributes:
        labels: Whose faces in it are enrolled; unnamed ones are left out.
    """

    outcome: Outcome
    labels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A collection that somebody had the right to hand over.

    Attributes:
        document_sha256: Hex digest of the document that the legal basis rests on.
    """

    source_id: str
    name: str
    owner: str
    legal_basis: LegalBasis
    document_sha256: str
    state: SourceState
    registered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSummary:
    """A source with what is enrolled in it."""

    source: Source
    images: int
    subjects: int
    templates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An enrolled person.

    Attributes:
        label: The name that the source gave, unique within the source; None for an unnamed face.
        templates: How many the gallery holds.
    """

    subject_id: str
    source: str
    label: str | None
    templates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledFace:
    """One face on record, with where it came from.

    Attributes:
        reference: Path of the photograph as the source gave it.
    """

    face_id: str
    image_id: str
    source: str
    subject_id: str | None
    label: str | None
    reference: str
    face: Face


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFace:
    """One face about to be recorded.

    Attributes:
        template: float32, shape (dim,), unit norm; None when the gate refused it or it is nobody's.
        label: The subject's name; None with a template makes an unnamed subject of its own.
    """

    face: Face
    template: Templates | None
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """One photograph about to be recorded with all its faces."""

    sha256: str
    reference: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    outcome: Outcome
    faces: tuple[NewFace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The gallery at one moment.

    Attributes:
        revision: Grows by one with each committed change.
        pack_digest: The model pack of its templates; None while it is empty.
        last_row: Highest row number of a template, 0 while there is none.
    """

    revision: int
    pack_digest: str | None
    sources: int
    subjects: int
    images: int
    templates: int
    last_row: int

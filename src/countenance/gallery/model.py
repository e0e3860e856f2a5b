"""What a gallery holds: sources, subjects, images, faces, templates."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from countenance.core.arrays import Templates
from countenance.core.errors import NotFoundError
from countenance.gallery.terms import SourceTerms
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
    """Whether a source may be enrolled into and searched: only an active one may."""

    REGISTERED = "registered"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"

    @property
    def is_gone(self) -> bool:
        """Whether nothing of the source is there any more, for anybody; it never comes back."""
        return self in {SourceState.WITHDRAWN, SourceState.EXPIRED}


class Outcome(StrEnum):
    """What became of one photograph."""

    ENROLLED = "enrolled"
    NO_FACE = "no-face"
    REFUSED_BY_GATE = "refused-by-gate"
    ERASED = "erased"
    RELEASE_MISSING = "release-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImage:
    """A photograph that is passed over: it is on record already, was erased, or its subject has no release in force.

    Attributes:
        labels: Whose faces in it are enrolled; unnamed ones are left out.
    """

    outcome: Outcome
    labels: frozenset[str]


UNRELEASED = KnownImage(outcome=Outcome.RELEASE_MISSING, labels=frozenset())
"""What the records say of a photograph whose subject has no release in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A collection that somebody had the right to hand over.

    Attributes:
        document_sha256: Hex digest of the document that the legal basis rests on.
        keeper: Id of the organisation whose custodians alone look after it, beside those of the house; None where all
            custodians do.
    """

    source_id: str
    name: str
    owner: str
    legal_basis: LegalBasis
    document_sha256: str
    state: SourceState
    registered_at: datetime
    terms: SourceTerms = field(default_factory=SourceTerms)
    keeper: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """One change of a source's state, as it is kept.

    Attributes:
        before: None where it was registered.
        by: Who did it.
        reason: In their words; may be empty where no reason is asked for.
    """

    at: datetime
    by: str
    before: SourceState | None
    after: SourceState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the source's manifest says of one photograph, as it was given.

    Attributes:
        original: Where the source keeps it, e.g. an inventory number; empty where nothing was given.
        licence: Under which licence it was given; empty where nothing was given.
        captured: When it was taken: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; empty where nothing was given.
    """

    original: str = ""
    licence: str = ""
    captured: str = ""


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
    """One photograph about to be recorded with all its faces.

    Attributes:
        label: Whose it is, as the source says, whatever is enrolled from it; None where it does not say.
        provenance: What the source's manifest says of it; None where there is none.
    """

    sha256: str
    reference: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    outcome: Outcome
    faces: tuple[NewFace, ...]
    label: str | None = None
    provenance: Provenance | None = None

    @property
    def of(self) -> frozenset[str | None]:
        """Whose it is: of whom faces are enrolled, and where none is, whom the source names."""
        return frozenset(face.label for face in self.faces if face.template is not None) or frozenset({self.label})


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


def subject_unknown() -> NotFoundError:
    """Return the error for a subject that there is not, or that is not shown to whoever asks."""
    return NotFoundError("there is no such subject", code="subject-unknown", hint="see `countenance subjects list`")


def face_unknown() -> NotFoundError:
    """Return the error for a face that there is not, or that is not shown to whoever asks."""
    return NotFoundError("there is no such face", code="face-unknown")


def image_unknown() -> NotFoundError:
    """Return the error for a photograph that there is not, or that is not shown to whoever asks."""
    return NotFoundError("there is no such photograph", code="image-unknown")

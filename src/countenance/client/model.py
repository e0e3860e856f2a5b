"""What the server answers, as frozen values. Fields that a newer server adds are passed over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GallerySnapshot:
    """The gallery at one moment.

    Attributes:
        snapshot: Revision; grows by one with each committed change.
        pack: Hex digest of the templates' model pack; None while the gallery is empty.
    """

    snapshot: int
    pack: str | None
    sources: int
    subjects: int
    images: int
    templates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a source may be kept; days as `YYYY-MM-DD`.

    Attributes:
        rule: `none`, `date`, `us-il-bipa` or `us-tx-cubi`.
    """

    rule: str
    ends_on: str | None
    purpose_ended_on: str | None
    last_interaction_on: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A collection that somebody had the right to hand over, with what is enrolled in it.

    Attributes:
        legal_basis: `consent`, `contract`, `statute`, `court-order`, `licence` or `public-record`.
        document_sha256: Hex digest of the document that the legal basis rests on.
        state: `registered`, `active`, `suspended`, `withdrawn` or `expired`.
        keeper: Id of the organisation whose custodians look after it; None where all custodians do.
        registered_at: RFC 3339, UTC.
        sectors: Sectors that may search it; `any` sets no limit beyond the policy's. Purposes alike.
        excluded: Countries and regions that may not search it, ISO 3166.
        releases_required: Whether a subject needs a release of their own.
    """

    source_id: str
    name: str
    owner: str
    legal_basis: str
    document_sha256: str
    state: str
    keeper: str | None
    registered_at: str
    contact: str
    sectors: tuple[str, ...]
    purposes: tuple[str, ...]
    excluded: tuple[str, ...]
    releases_required: bool
    retention: Retention
    images: int
    subjects: int
    templates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnrolled:
    """A photograph that was not enrolled, with a code, a sentence and what to do."""

    reference: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentReport:
    """What became of a photograph.

    Attributes:
        photographs: Sum of `enrolled`, `already` and the length of `not_enrolled`.
        enrolled: Photographs that gave at least one template.
        templates: Templates added.
        stay_out: Faces left out, since they are taken for those of people who asked not to be enrolled.
        already: Photographs that were on record before.
        seconds: Time that it took the server.
    """

    source: str
    photographs: int
    enrolled: int
    templates: int
    stay_out: int
    already: int
    not_enrolled: tuple[NotEnrolled, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What can be measured of one face's picture.

    Attributes:
        eye_distance: Pixels.
        sharpness: Variance of the Laplacian, grey levels squared.
        brightness: Mean grey level, 0 to 255.
        clipped: Share of pixels that are pure black or white, 0 to 1.
        yaw: Degrees.
        pitch: Degrees.
        roll: Degrees.
        detector_score: 0 to 1.
    """

    eye_distance: float
    sharpness: float
    brightness: float
    clipped: float
    yaw: float
    pitch: float
    roll: float
    detector_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face of one picture.

    Attributes:
        face: Number, from 1; the largest face is 1.
        box: Left, top, right, bottom; pixels of the upright picture, origin top-left.
        landmarks: Eyes, nose, corners of the mouth; x and y each, pixels.
        passes: Whether it is good enough for what it was graded for.
        refusals: Why it is not, a sentence each.
        warnings: What makes its scores less trustworthy; only for the faces of a probe.
    """

    face: int
    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    passes: bool
    refusals: tuple[str, ...]
    quality: Quality
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledFace:
    """One face on record.

    Attributes:
        reference: Path of the photograph as the source gave it.
        box: As in `Face`.
    """

    face_id: str
    image_id: str
    reference: str
    source: str
    face: int
    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    passes: bool
    refusals: tuple[str, ...]
    quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An enrolled person; `label` is None for an unnamed face."""

    subject_id: str
    source: str
    label: str | None
    templates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectPage:
    """Some subjects; `next_offset` is None on the last page."""

    subjects: tuple[Subject, ...]
    next_offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectWithFaces:
    """An enrolled person and their faces, oldest first."""

    subject: Subject
    faces: tuple[EnrolledFace, ...]

"""The API's answers, for its OpenAPI document. Their fields are those of the core's own JSON, checked by a test."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from countenance.cases.model import CaseState
from countenance.policy.request import ProbeKind
from countenance.search.approval import ApprovalState

Sides = Annotated[
    list[float],
    Field(
        min_length=4,
        max_length=4,
        description="[left, top, right, bottom], pixels of the upright picture, origin top-left.",
        examples=[[212.4, 96.0, 371.9, 310.5]],
    ),
]
Digest = Annotated[str, Field(description="SHA-256, hex.", examples=["b5bb9d8014a0f9b1d61e21e796d78dcc" * 2])]
Identifier = Annotated[str, Field(description="Random UUID.", examples=["4b1c7a52-6d1e-4f0b-9c69-0a4f5c1b9f3e"])]

Day = Annotated[date, BeforeValidator(lambda text: date.fromisoformat(text) if isinstance(text, str) else text)]
"""A day as `YYYY-MM-DD`; the framework alone would take a number for one too, as seconds since 1970."""


class Answer(BaseModel):
    """What all answers share: nothing more than what is described, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Health(Answer):
    """Whether the server can search."""

    status: str = Field(description="`ok` or `unavailable`.", examples=["ok"])


class Version(Answer):
    """Which Countenance this is."""

    version: str = Field(examples=["0.1.0"])


class GallerySnapshot(Answer):
    """The gallery at one moment."""

    snapshot: int = Field(description="Revision; grows by one with each committed change.", examples=[12])
    pack: str | None = Field(description="Model pack of the templates; null while the gallery is empty.")
    sources: int = Field(examples=[3])
    subjects: int = Field(examples=[812])
    images: int = Field(examples=[1204])
    templates: int = Field(examples=[1190])


class NotEnrolled(Answer):
    """A photograph that was not enrolled, and why."""

    reference: str = Field(examples=["front.jpg"])
    code: str = Field(examples=["no-face"])
    message: str = Field(examples=["no face was found in it"])
    hint: str


class EnrolmentReply(Answer):
    """What became of a photograph: `photographs` is the sum of `enrolled`, `already` and those not enrolled."""

    source: str = Field(examples=["missing-persons-2026"])
    photographs: int = Field(examples=[1])
    enrolled: int = Field(description="Photographs that gave at least one template.", examples=[1])
    templates: int = Field(description="Templates added.", examples=[1])
    stay_out: int = Field(description="Faces left out: they are taken for those of people who asked for it.")
    already: int = Field(description="Photographs that were on record before.", examples=[0])
    not_enrolled: list[NotEnrolled]
    seconds: float = Field(examples=[0.061])


class Quality(Answer):
    """What can be measured of one face's picture."""

    eye_distance: float = Field(description="Between the eyes' centres, pixels.", examples=[61.2])
    sharpness: float = Field(description="Variance of the Laplacian, grey levels squared.", examples=[210.5])
    brightness: float = Field(description="Mean grey level, 0 to 255.", examples=[118.0])
    clipped: float = Field(description="Share of pixels that are pure black or white, 0 to 1.", examples=[0.01])
    yaw: float = Field(description="Turned to a side, degrees.", examples=[-4.0])
    pitch: float = Field(description="Nodding, degrees.", examples=[2.5])
    roll: float = Field(description="Tilted in the picture's plane, degrees.", examples=[1.0])
    detector_score: float = Field(description="0 to 1.", examples=[0.91])


class FaceOfPicture(Answer):
    """One face of one picture."""

    face: int = Field(description="Number, from 1; the largest face is 1.", examples=[1])
    box: Sides
    landmarks: list[list[float]] = Field(description="Eyes, nose, corners of the mouth: [x, y] each, pixels.")
    passes: bool = Field(description="Whether it is good enough.")
    refusals: list[str] = Field(description="Why not, a sentence each.", examples=[["eyes 8 pixels apart, 10 needed"]])
    quality: Quality


class CaseEntry(Answer):
    """A case of your organisation."""

    case_id: Identifier
    reference: str = Field(examples=["2026-114"])
    state: CaseState
    opened_at: str = Field(description="RFC 3339, UTC.", examples=["2026-01-31T09:30:00+00:00"])
    opened_by: str = Field(description="A person's id.")
    authorised_by: str | None = Field(description="Whose authorisation is on record; null where none is.")
    authorisation_sha256: Digest | None
    closed_at: str | None
    closed_by: str | None


class CaseList(Answer):
    """Your organisation's cases, newest first."""

    cases: list[CaseEntry]


class AuditEntry(Answer):
    """One entry of the audit log: ids, codes and counts, no names, nothing that stands for a face."""

    index: int = Field(ge=0, description="Its place in the log.")
    at: str = Field(description="RFC 3339, UTC.", examples=["2026-01-31T09:30:00+00:00"])
    action: str = Field(examples=["search"])
    outcome: str = Field(examples=["done"])
    user: str = Field(description="Whoever acted: an id, `system` or `nobody`.")
    organisation: str = Field(description="Whose: an id, or `house`.")
    facts: dict[str, Any]


class AuditPage(Answer):
    """Entries of the audit log, newest first."""

    size: int = Field(ge=0, description="How many entries the log has.")
    entries: list[AuditEntry]
    before: int | None = Field(description="Ask with this for older ones; null where none are left.")
    checkpoint: str = Field(description="The signed state of the log.")


class PurposeEntry(Answer):
    """One purpose that a search may have."""

    code: str = Field(examples=["missing-person"])
    says: str
    sensitive: bool = Field(description="Whether a supervisor has to approve each search.")
    offence: bool = Field(description="Whether an offence has to be stated.")


class OffenceEntry(Answer):
    """One offence that a search may be for."""

    code: str = Field(examples=["kidnapping"])
    says: str


class PolicyReply(Answer):
    """What the law packs in force let anybody search for. Not legal advice."""

    packs: list[str] = Field(examples=[["default"]])
    purposes: list[PurposeEntry]
    offences: list[OffenceEntry]
    policy: Digest
    note: str


class ApprovalEntry(Answer):
    """A search that a supervisor has to approve, or did."""

    approval_id: Identifier
    state: ApprovalState
    emergency: bool = Field(description="Whether the search was made before anybody approved it.")
    user_id: Identifier
    case: str = Field(examples=["2026-114"])
    purpose: str = Field(examples=["child-victim"])
    offence: str
    kind: ProbeKind
    request: Digest
    search_id: str | None
    asked_at: str = Field(description="RFC 3339, UTC.", examples=["2026-01-31T09:30:00+00:00"])
    until: str | None = Field(description="Until when an approval may be used.")
    due_at: str | None = Field(description="Until when an emergency has to be approved.")
    decided_at: str | None
    decided_by: str | None
    quarantined_at: str | None
    deleted_at: str | None
    reason: str
    signed: bool = Field(description="Whether the supervisor's passkey signed the request's hash.")


class ApprovalList(Answer):
    """Your organisation's requests for approval, newest first."""

    approvals: list[ApprovalEntry]


class SigningOptions(Answer):
    """What a browser needs to sign with a passkey (Web Authentication, level 3)."""

    options: dict[str, Any] | None


class SubjectEntry(Answer):
    """An enrolled person."""

    subject_id: Identifier
    source: str = Field(examples=["missing-persons-2026"])
    label: str | None = Field(description="The name that the source gave; null for an unnamed face.")
    templates: int = Field(examples=[2])


class SubjectPage(Answer):
    """Some subjects: by source, then label, unnamed ones last."""

    subjects: list[SubjectEntry]
    next_offset: int | None = Field(description="Where the next page begins; null on the last one.", examples=[100])


class EnrolledFaceEntry(FaceOfPicture):
    """One face on record."""

    face_id: Identifier
    image_id: Identifier
    reference: str = Field(examples=["4711/front.jpg"])
    source: str = Field(examples=["missing-persons-2026"])


class SubjectWithFaces(Answer):
    """An enrolled person and their faces, oldest first."""

    subject: SubjectEntry
    faces: list[EnrolledFaceEntry]

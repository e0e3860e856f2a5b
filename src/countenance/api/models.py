"""The API's answers, for its OpenAPI document. Their fields are those of the core's own JSON, checked by a test."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from countenance.cases.model import CaseState
from countenance.policy.request import ProbeKind
from countenance.search.approval import ApprovalState
from countenance.search.model import LEAD, SearchOutcome
from countenance.search.strangers import Known

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


class FoundFace(FaceOfPicture):
    """One face of a probe."""

    warnings: list[str] = Field(
        description="What makes its scores less trustworthy although it may be searched.",
        examples=[["eyes 14 pixels apart, 24 needed"]],
    )


class FoundFaces(Answer):
    """The faces of a photograph, which was not kept."""

    sha256: Digest
    media_type: str = Field(examples=["image/jpeg"])
    width: int = Field(description="Pixels, upright.", examples=[1600])
    height: int = Field(description="Pixels, upright.", examples=[1200])
    faces: list[FoundFace]


class SearchedProbe(Answer):
    """The photograph that was searched with; it was not kept."""

    sha256: Digest
    media_type: str = Field(examples=["image/jpeg"])
    width: int = Field(examples=[1600])
    height: int = Field(examples=[1200])
    faces: list[FaceOfPicture]
    used: int | None = Field(description="The face that was searched; null when none was.", examples=[1])


class SubjectName(Answer):
    """Who a candidate is on record as."""

    id: Identifier
    label: str | None = Field(description="The name that the source gave; null for an unnamed face.")


class ImageName(Answer):
    """Which photograph a face is from."""

    id: Identifier
    reference: str = Field(description="Its path as the source gave it.", examples=["4711/front.jpg"])


class StrangersEntry(Answer):
    """How many people other than the mate are expected to score at least as high, among those searched."""

    known: Known = Field(description="Whether `expected` is an estimate, an upper bound, or nothing is known.")
    expected: float | None = Field(description="How many; null when not known.", examples=[2.9])
    low: float | None = Field(description="Lower end of the 90 % interval, of an estimate.", examples=[1.9])
    high: float | None = Field(description="Upper end of the 90 % interval, of an estimate.", examples=[4.3])
    words: str = Field(examples=["about 3 other people among 1.2 million would look this similar"])


class CalibrationEntry(Answer):
    """What the expected strangers were estimated from."""

    made_from: Literal["gallery", "population"] = Field(
        description="The gallery's own templates, or the model pack's population of made-up people."
    )
    made_at: str = Field(description="RFC 3339, UTC.", examples=["2026-01-31T09:30:00+00:00"])
    data: Digest
    stale: bool = Field(description="Whether the gallery had outgrown it.")


class Strip(Answer):
    """Where strangers score against this probe: the share of the cohort in each bin."""

    low: float = Field(description="Where the first bin begins.", examples=[-0.3])
    step: float = Field(description="Width of a bin.", examples=[0.05])
    shares: list[float] = Field(examples=[[0.1, 0.6, 0.25, 0.05]])


class ScaleEntry(Answer):
    """What the scores were held against."""

    fpir: float | None = Field(description="What the threshold was set by; null when it was given.", examples=[0.01])
    offset: float = Field(description="What a normalised score is less than the score by.", examples=[0.31])
    people: int = Field(description="People that were searched.", examples=[1200000])
    calibration: CalibrationEntry
    strip: Strip


class CandidateEntry(Answer):
    """One subject who may be the person in the probe."""

    rank: int = Field(examples=[1])
    subject: SubjectName
    score: float = Field(description="Cosine similarity, -1 to 1.", examples=[0.6421])
    normalised: float | None = Field(
        None, description="The score less the probe's offset: comparable over searches.", examples=[0.3321]
    )
    strangers: StrangersEntry | None = Field(None, description="Null in answers of earlier versions.")
    template: int = Field(description="Row number of the newest template of the subject.", examples=[88])
    templates: int = Field(
        1, description="How many templates of the subject were compared, as their mean direction.", examples=[2]
    )
    face: Identifier = Field(description="The subject's face that is most alike.")
    image: ImageName
    source: str = Field(examples=["missing-persons-2026"])
    box: Sides


class SearchMissRate(Answer):
    """How often an index that can't promise completeness lost the nearest template, measured on the gallery's own."""

    probes: int = Field(description="Templates of the gallery that were searched for.", examples=[200])
    misses: int = Field(description="How many did not find the one nearest to them.", examples=[0])
    rows: int = Field(description="Templates among which that was measured.", examples=[30_000_000])


class SearchCertificate(Answer):
    """What was searched, and why nobody is missing: nobody who was not scored in full can reach the cut."""

    fused: bool = Field(
        default=False,
        description="Subjects are compared by the mean of their templates; in earlier answers by the best one.",
    )
    weighted: bool = Field(
        default=False,
        description="Of several photographs of the person the clearer ones count more; in earlier answers all alike.",
    )
    certified: bool = Field(description="False where the index can't promise it; the numbers are null then.")
    words: str = Field("", description="The same in a sentence.", examples=["Certified complete: 812 subjects …"])
    miss_rate: SearchMissRate | None = Field(description="Null where it is certified, or was not measured.")
    templates: int | None = Field(description="Rows that were searched: one a subject where fused.", examples=[812])
    subjects: int | None = Field(description="Subjects of these.", examples=[812])
    scored: int | None = Field(description="How many rows were scored in full precision.", examples=[41])
    cut: float | None = Field(description="What a row's upper bound had to reach for that.", examples=[0.363])
    bound: float | None = Field(
        description="Largest upper bound of the others; null where there are none.", examples=[0.3614]
    )
    left_out: dict[str, int] = Field(
        description="Subjects that were not searched, by reason.",
        examples=[{"source-not-active": 0, "not-permitted": 0, "erased": 0}],
    )
    sources: list[Identifier] = Field(description="Sources that were searched.")
    last_template: int = Field(description="Highest row number of a template then.", examples=[1302])
    probe_template_sha256: Digest


class ReceiptEntry(Answer):
    """That the search stands in the audit log: keep it, it can be checked without this server."""

    log: str = Field(description="The log's name.", examples=["countenance.local/4b1c7a526d1e4f0b"])
    index: int = Field(description="The entry's place in the log, from 0.", examples=[1203])
    entry: str = Field(description="The entry's exact bytes, as text: JSON.")
    proof: str = Field(description="Inclusion proof and signed checkpoint, a C2SP tlog-proof.")
    vkey: str = Field(description="The log's public key; compare it with the one that you were told.")


class MarkEntry(Answer):
    """What was taken out of a kept answer since it was given."""

    at: str = Field(description="Since when it is not searched any more, RFC 3339, UTC.")
    why: str = Field(examples=["source-withdrawn"])
    ranks: list[int] = Field(description="Candidates that do not say any more who they are.", examples=[[1]])


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


class SearchReply(Answer):
    """The answer to one search, best candidate first."""

    search_id: Identifier
    searched_at: str = Field(description="RFC 3339, UTC.", examples=["2026-01-31T09:30:00+00:00"])
    case: str = Field(examples=["2026-114"])
    purpose: str = Field(examples=["missing-person"])
    offence: str = Field("", description="The offence that is investigated; empty where none was stated.")
    kind: ProbeKind = Field(ProbeKind.PHOTOGRAPH, description="What the photograph was said to be.")
    outcome: SearchOutcome
    message: str = Field(description="The outcome in a sentence.")
    probe: SearchedProbe
    further: list[SearchedProbe] = Field([], description="Further photographs of the person, searched with together.")
    gallery: GallerySnapshot
    threshold: float = Field(examples=[0.363])
    limit: int = Field(examples=[20])
    candidates: list[CandidateEntry] = Field(description="Empty when nobody reached the threshold.")
    certificate: SearchCertificate | None = Field(description="What was searched; null when nothing was.")
    scale: ScaleEntry | None = Field(
        None, description="What the scores were held against; null when nothing was searched or nothing is known."
    )
    seconds: dict[str, float] = Field(description="Time by stage, s.", examples=[{"detect": 0.006, "total": 0.041}])
    approve_by: str | None = Field(None, description="Of an emergency: until when a supervisor has to approve it.")
    lead: str = Field(examples=[LEAD])
    receipt: ReceiptEntry | None = Field(None, description="Null for searches made before there was an audit log.")
    marks: list[MarkEntry] = Field([], description="What was destroyed of it since; empty for a fresh answer.")


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

"""The API's answers about probes and searches, for its OpenAPI document."""

from typing import Literal

from pydantic import Field

from countenance.api.models import Answer, Digest, FaceOfPicture, GallerySnapshot, Identifier, Sides
from countenance.policy.request import ProbeKind
from countenance.search.model import LEAD, SearchOutcome
from countenance.search.strangers import Known


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
        examples=[{"source-not-active": 0, "not-permitted": 0}],
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

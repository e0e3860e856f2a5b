"""What the client returns of probes and searches: the fields of the API's own JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from countenance.client.model import Face, GallerySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A photograph that was looked at or searched with; the server does not keep it.

    Attributes:
        used: Number of the face that was searched; None when none was.
    """

    sha256: str
    media_type: str
    width: int
    height: int
    faces: tuple[Face, ...]
    used: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectName:
    """Who a candidate is on record as; `label` is None for an unnamed face."""

    id: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageName:
    """Which photograph a face is from."""

    id: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """How many people other than the mate are expected to score at least as high, among those searched.

    Attributes:
        known: `estimated`, `fewer-than` (`expected` is an upper bound) or `not-known`.
        low: Lower end of the 90 % interval; None unless estimated.
        words: All of it in words.
    """

    known: str
    expected: float | None
    low: float | None
    high: float | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFacts:
    """What the expected strangers were estimated from: `gallery` or `population`, and whether it was outgrown."""

    made_from: str
    made_at: str
    data: str
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Where strangers score against this probe: the share of them in each bin, from `low` in steps of `step`."""

    low: float
    step: float
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the scores of a search were held against.

    Attributes:
        fpir: What the threshold was set by; None when it was given.
        offset: What a normalised score is less than the score by.
        people: How many people were searched.
    """

    fpir: float | None
    offset: float
    people: int
    calibration: CalibrationFacts
    strip: Strip


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One subject who may be the person in the probe.

    Attributes:
        rank: From 1.
        score: Cosine similarity, -1 to 1.
        normalised: The score less the probe's offset, comparable over searches; None where that is not known.
        strangers: How many others to expect at this score; None in answers of earlier versions.
        template: Row number of the newest template of the subject.
        face: Id of the subject's face that is most alike, for `Client.crop`.
        box: As in `Face`.
        templates: How many templates of the subject were compared, as their mean; in answers of earlier versions the
            best one was.
    """

    rank: int
    subject: SubjectName
    score: float
    template: int
    face: str
    image: ImageName
    source: str
    box: tuple[float, float, float, float]
    normalised: float | None = None
    strangers: Strangers | None = None
    templates: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchMissRate:
    """How often an index that can't promise completeness lost the nearest template, measured on the gallery's own.

    Attributes:
        probes: Templates of the gallery that were searched for.
        misses: How many of these did not find the one nearest to them.
        rows: Templates among which that was measured.
    """

    probes: int
    misses: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCertificate:
    """What was searched, and why nobody is missing: no template that was not scored in full can reach the cut.

    Attributes:
        certified: False where the index can't promise it; the numbers are None then.
        words: The same in a sentence.
        miss_rate: None where it is certified, or was not measured.
        templates: What the probe was compared with: one a subject, where `fused`.
        subjects: Subjects of these.
        scored: How many of them were scored in full precision.
        cut: What an upper bound had to reach for that.
        bound: Largest upper bound of the others; None where there are none.
        left_out: How many were not searched, by reason.
        sources: Ids of the sources that were searched.
        last_template: Highest row number of a template then.
        probe_template_sha256: Hex digest of the probe's template, which is not kept.
        fused: A subject is compared by the mean direction of their templates; in answers of earlier versions by the
            best of them.
        weighted: Of several photographs of the person the clearer ones count more; in earlier answers all count alike.
    """

    certified: bool
    words: str
    miss_rate: SearchMissRate | None
    templates: int | None
    subjects: int | None
    scored: int | None
    cut: float | None
    bound: float | None
    left_out: Mapping[str, int]
    sources: tuple[str, ...]
    last_template: int
    probe_template_sha256: str
    fused: bool = False
    weighted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a search stands in the server's audit log. Kept as a file, `countenance audit verify --receipt` checks it.

    Attributes:
        log: The log's name.
        index: The entry's place, from 0.
        entry: The entry's exact bytes, as text.
        proof: Inclusion proof and signed checkpoint.
        vkey: The log's public key; compare it with the one that you were told.
    """

    log: str
    index: int
    entry: str
    proof: str
    vkey: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What was taken out of a kept answer since it was given.

    Attributes:
        at: Since when it is not searched any more, RFC 3339, UTC.
        why: E.g. `source-withdrawn`.
        ranks: Candidates that do not say any more who they are.
    """

    at: str
    why: str
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The answer to one search, best candidate first.

    Attributes:
        searched_at: RFC 3339, UTC.
        offence: The offence that is investigated; empty where none was stated.
        kind: What the photograph was said to be.
        approve_by: Of an emergency: until when a supervisor has to approve it; None else.
        outcome: `searched`, `no-face`, `choose-face` or `face-refused`; all four are answers.
        message: The outcome in a sentence.
        certificate: What was searched; None when nothing was.
        seconds: Time by stage, s.
        further: Further photographs of the person that were searched with.
        scale: What the scores were held against; None where nothing was searched or nothing is known.
        lead: What a candidate is, and is not; show it with every candidate.
        receipt: That the search stands in the audit log; None for searches made before there was one.
        marks: What was destroyed of it since; empty for a fresh answer.
    """

    search_id: str
    searched_at: str
    case: str
    purpose: str
    outcome: str
    message: str
    probe: Probe
    gallery: GallerySnapshot
    threshold: float
    limit: int
    candidates: tuple[Candidate, ...]
    certificate: SearchCertificate | None
    seconds: Mapping[str, float]
    lead: str
    offence: str = ""
    kind: str = "photograph"
    approve_by: str | None = None
    further: tuple[Probe, ...] = ()
    scale: Scale | None = None
    receipt: Receipt | None = None
    marks: tuple[Mark, ...] = ()

"""What is asked and answered in a search."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countenance.audit.model import Receipt
from countenance.core.errors import NotFoundError
from countenance.gallery.model import EnrolledFace, Snapshot
from countenance.index.model import Certificate, MissRate
from countenance.policy.model import Actor
from countenance.policy.request import ProbeKind
from countenance.search.scale import ScaleFacts
from countenance.search.strangers import Strangers
from countenance.vision.model import Face

LEAD = "An investigative lead, not an identification: a person has to compare the faces."
"""Stands under every candidate list, whatever shows it."""

MAX_LIMIT = 1000
"""Longest candidate list that one search may ask for."""


MAX_PHOTOGRAPHS = 8
"""Most photographs of one person that are searched with together."""

HIGHEST_FPIR = 0.5
"""Highest share of searches with a stranger that a threshold may be set by."""


class SearchOutcome(StrEnum):
    """How a search ended; all four are answers, none an error."""

    SEARCHED = "searched"
    NO_FACE = "no-face"
    CHOOSE_FACE = "choose-face"
    FACE_REFUSED = "face-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePhotograph:
    """A photograph to search with: as in `SearchRequest`."""

    image: bytes
    filename: str | None
    face: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One search as a person asks for it.

    Attributes:
        image: The probe file's bytes.
        filename: Its name, checked against its content; None where there is none.
        case: The reference of an open case of the actor's organisation, 1 to 200 characters.
        purpose: What for: a code from the lists of the packs in force, 1 to 200 characters.
        actor: Who asks.
        offence: The offence that is investigated, a code from those lists; empty where none is stated.
        kind: What the probe is.
        emergency: Search now, and have a supervisor approve it within 48 hours.
        face: Which face of the probe, from 1; None when it has only one.
        further: Further photographs of the same person: all are searched with at once, as one template.
        limit: Longest candidate list, 1 to 1000.
        threshold: Least score, -1 to 1; None means the model pack's own, or the one that `fpir` asks for.
        fpir: Share of searches that may return a stranger, above 0, at most 0.5; sets the threshold for this probe and
            the gallery as it is now.
        thorough: Look for small faces in the probe too.
    """

    image: bytes
    filename: str | None
    case: str
    purpose: str
    actor: Actor
    offence: str = ""
    kind: ProbeKind = ProbeKind.PHOTOGRAPH
    emergency: bool = False
    face: int | None = None
    further: tuple[ProbePhotograph, ...] = ()
    limit: int = 20
    threshold: float | None = None
    fpir: float | None = None
    thorough: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The photograph that was searched with; it is not kept.

    Attributes:
        used: Number of the face that was searched; None when none was.
    """

    sha256: str
    media_type: str
    width: int
    height: int
    faces: tuple[Face, ...]
    used: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One subject who may be the person in the probe.

    Attributes:
        rank: From 1.
        score: Cosine similarity of the full-precision templates, -1 to 1.
        normalised: The score less the probe's offset, comparable over searches; None where the pack has no cohort.
        strangers: How many others are expected to score as high.
        row: The row number that the index knows the subject by: that of the newest of the templates.
        templates: How many templates of the subject were compared, as their mean direction.
        face: The one of their faces that is most alike, and where it came from.
    """

    rank: int
    score: float
    normalised: float | None
    strangers: Strangers
    row: int
    templates: int
    face: EnrolledFace


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a candidate list was chosen from, and why nobody is missing: enough to check it again later.

    Attributes:
        sources: Ids of the sources that were searched.
        subjects: How many people these hold.
        last_template: Highest row number of a template on record then, 0 while there is none.
        template_sha256: Hex digest of the probe's template, float32, little-endian. The template is not kept; made
            again from the same file it must give this.
        left_out: How many subjects were not searched, by reason.
        certificate: The engine's; None where it can't promise that nobody is missing.
        miss_rate: How often the engine loses a row; None where it is certified, or was not measured.
    """

    sources: tuple[str, ...]
    subjects: int
    last_template: int
    template_sha256: str
    left_out: Mapping[str, int]
    certificate: Certificate | None
    miss_rate: MissRate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The answer to one search, best candidate first.

    An empty list of candidates with outcome SEARCHED means "nobody reached the threshold".

    Attributes:
        offence: The offence that is investigated; empty where none was stated.
        kind: What the probe was said to be.
        message: The outcome in a sentence.
        coverage: What was searched; None where nothing was.
        further: The further photographs of the person that were searched with.
        scale: What the scores were held against; None where nothing was searched or the pack has no cohort.
        seconds: Time by stage, s: `decode`, `detect`, `encode`, `index`, `meaning`, `scan`, `records`, `total`.
        approve_by: Of an emergency: until when a supervisor has to approve it; else None.
        receipt: That the search stands in the audit log; None until it does.
    """

    search_id: str
    searched_at: datetime
    case: str
    purpose: str
    offence: str
    kind: ProbeKind
    outcome: SearchOutcome
    message: str
    probe: Probe
    further: tuple[Probe, ...]
    gallery: Snapshot
    threshold: float
    limit: int
    candidates: tuple[Candidate, ...]
    coverage: Coverage | None
    scale: ScaleFacts | None
    seconds: Mapping[str, float]
    approve_by: datetime | None = None
    receipt: Receipt | None = None

    @property
    def people(self) -> int:
        """How many people were searched."""
        return self.gallery.subjects if self.coverage is None else self.coverage.subjects

    def __post_init__(self) -> None:
        """Refuse an answer that contradicts itself."""
        scores = [candidate.score for candidate in self.candidates]
        if scores != sorted(scores, reverse=True):
            raise ValueError(f"scores must fall: {scores}")
        if any(score < self.threshold for score in scores):
            raise ValueError(f"a candidate is below the threshold {self.threshold}: {scores}")
        subjects = [candidate.face.subject_id for candidate in self.candidates]
        if len(set(subjects)) != len(subjects):
            raise ValueError("a subject stands in the list twice")


def search_unknown() -> NotFoundError:
    """Return the error for a search that there is not, and for another organisation's: nobody learns which it is."""
    return NotFoundError("there is no such search", code="search-unknown", hint="its id is in its answer")

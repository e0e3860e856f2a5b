"""Wiring of the rights desk: how it looks for somebody, and its letters."""

from collections.abc import Callable, Collection, Sequence

from countenance.adapters.letter_pdf import letter_pdf
from countenance.bootstrap.calibrating import HomeCalibration
from countenance.bootstrap.custody import Custody
from countenance.bootstrap.parts import Parts
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import image_limits, model_pack
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.core.errors import InvalidInputError
from countenance.gallery.erasure import Eraser
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.index.model import index_behind
from countenance.index.ports import TemplateSearch
from countenance.policy.model import Actor
from countenance.rights.letter import Paragraph, letter
from countenance.rights.model import FoundSubject, Looked, RightsRequest
from countenance.rights.service import RightsDesk
from countenance.rights.stay_out import StayingOut, threshold_of
from countenance.search.model import ProbePhotograph
from countenance.search.probing import Stopwatch, read_probe
from countenance.vision.decode import ImageLimits
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import SEARCH_GATE

MOST_FOUND = 50
"""Subjects that a look returns at most."""


def open_desk(
    settings: Settings,
    parts: Parts,
    *,
    eraser: Eraser,
    custody: Custody,
    analyser: Callable[[], FaceAnalyser],
    indexed: Callable[[], IndexedGallery],
    calibration: Callable[[], HomeCalibration],
) -> RightsDesk:
    """Join the parts of the desk; networks and index are loaded at first need."""
    limits = image_limits(settings)

    def look(template: Templates, actor: Actor) -> Looked:
        default = model_pack(settings).manifest.threshold
        kept = custody.looked_after(actor)
        return look_for(template, indexed=indexed(), records=parts.records, threshold=default, among=kept)

    def threshold(template: Templates) -> float:
        return threshold_of(template, calibration().scale(), default=model_pack(settings).manifest.threshold)

    return RightsDesk(
        register=parts.requests,
        records=parts.records,
        eraser=eraser,
        read=lambda photographs: template_of(photographs, analyser=analyser(), limits=limits),
        look=look,
        require_subjects=lambda subjects, actor: custody.require_subjects(subjects, actor=actor),
        stay_out=StayingOut(
            entries=parts.stay_out,
            objects=parts.objects,
            threshold=threshold,
            pack_digest=lambda: model_pack(settings).digest,
        ),
    )


def template_of(photographs: Sequence[ProbePhotograph], *, analyser: FaceAnalyser, limits: ImageLimits) -> Templates:
    """Make one template, float32, shape (1, d), of a person's photographs; nothing of them is kept.

    Raises:
        InvalidInputError: the decoder's codes, `face-number-invalid`, `request-photograph-unusable`.
    """
    read = read_probe(photographs, analyser=analyser, gate=SEARCH_GATE, limits=limits, thorough=True, watch=Stopwatch())
    if read.template is None:
        raise InvalidInputError(
            f"nobody can be looked for with this photograph: {read.message}",
            code="request-photograph-unusable",
            hint="ask for another one, or choose a face with --face",
        )
    return read.template


def look_for(
    template: Templates,
    *,
    indexed: IndexedGallery,
    records: Records,
    threshold: float,
    among: Collection[str] | None = None,
) -> Looked:
    """Find who looks like a template, float32, shape (1, d), in all that is held, suspended sources too.

    Args:
        template: Of the person.
        indexed: The records with their index.
        records: The same records.
        threshold: Scores from it on count.
        among: Ids of the sources that are looked through; None leaves out none.
    """

    def look(search: TemplateSearch, _: Snapshot) -> Looked:
        """Search what is held at one moment."""
        held = [one.source.source_id for one in records.sources() if not one.source.state.is_gone]
        looked = [source_id for source_id in held if among is None or source_id in among]
        [nearest] = search(template, blocks=looked, limit=MOST_FOUND, threshold=threshold)
        faces = records.faces([near.row for near in nearest.neighbours])
        if len(faces) < len(nearest.neighbours):
            raise index_behind()
        found = tuple(
            FoundSubject(subject_id=subject, source=faces[near.row].source, score=near.score)
            for near in nearest.neighbours
            if (subject := faces[near.row].subject_id) is not None
        )
        return Looked(found, left_out=len(looked) < len(held))

    return indexed.searched(look)


def letter_of(request: RightsRequest, *, contact: str) -> tuple[tuple[Paragraph, ...], bytes]:
    """Return a request's letter as paragraphs and as a PDF.

    Raises:
        ConflictError: code `request-not-released`.
    """
    paragraphs = letter(request, on=utc_now().date(), contact=contact)
    return paragraphs, letter_pdf(paragraphs, title=f"Your request of {request.received_on.isoformat()}")

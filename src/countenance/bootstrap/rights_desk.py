"""Wiring of the rights desk: how it looks for somebody, and its letters."""

from countenance.adapters.letter_pdf import letter_pdf
from countenance.core.clock import utc_now
from countenance.core.errors import InvalidInputError
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.ports import Records
from countenance.rights.letter import Paragraph, letter
from countenance.rights.model import FoundSubject, RightsRequest
from countenance.search.model import ProbePhotograph
from countenance.search.probing import Stopwatch, read_probe
from countenance.vision.decode import ImageLimits
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import SEARCH_GATE

MOST_FOUND = 50
"""Subjects that a look returns at most."""


def look_for(
    photograph: ProbePhotograph,
    *,
    analyser: FaceAnalyser,
    limits: ImageLimits,
    indexed: IndexedGallery,
    records: Records,
    threshold: float,
) -> tuple[FoundSubject, ...]:
    """Find who looks like a photograph in everything that is held, suspended sources too; nothing of it is kept.

    Raises:
        InvalidInputError: the decoder's codes, `face-number-invalid`, `request-photograph-unusable`.
    """
    read = read_probe(
        (photograph,), analyser=analyser, gate=SEARCH_GATE, limits=limits, thorough=True, watch=Stopwatch()
    )
    if read.template is None:
        raise InvalidInputError(
            f"nobody can be looked for with this photograph: {read.message}",
            code="request-photograph-unusable",
            hint="ask for another one, or choose a face with --face",
        )
    index, _ = indexed.refresh()
    held = [one.source.source_id for one in records.sources() if not one.source.state.is_gone]
    [nearest] = index.search(read.template, blocks=held, limit=MOST_FOUND, threshold=threshold)
    faces = records.faces([near.row for near in nearest.neighbours])
    return tuple(
        FoundSubject(subject_id=subject, source=faces[near.row].source, score=near.score)
        for near in nearest.neighbours
        if near.row in faces and (subject := faces[near.row].subject_id) is not None
    )


def letter_of(request: RightsRequest, *, contact: str) -> tuple[tuple[Paragraph, ...], bytes]:
    """Return a request's letter as paragraphs and as a PDF.

    Raises:
        ConflictError: code `request-not-released`.
    """
    paragraphs = letter(request, on=utc_now().date(), contact=contact)
    return paragraphs, letter_pdf(paragraphs, title=f"Your request of {request.received_on.isoformat()}")

"""One probe to one candidate list."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, CountenanceError, InvalidInputError
from countenance.core.ids import new_id
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.search.entries import search_answered
from countenance.search.model import (
    HIGHEST_FPIR,
    MAX_LIMIT,
    MAX_PHOTOGRAPHS,
    Probe,
    ProbePhotograph,
    SearchAnswer,
    SearchOutcome,
    SearchRequest,
)
from countenance.search.permission import Permits
from countenance.search.probing import ReadProbe, Stopwatch, no_such_face, probe_of, read_probe
from countenance.search.remaking import remade_template
from countenance.search.rendering import answer_json
from countenance.search.scale import ScoreScale
from countenance.search.scanning import Asked, Found, Scanner
from countenance.search.verification import Verification, verify_answer
from countenance.vision.decode import ImageLimits, decode_image
from countenance.vision.model import DecodedImage, Face
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import Gate

logger = logging.getLogger(__name__)

MAX_WORDS = 200
"""Longest case reference and purpose, characters."""

TOGETHER = 16
"""Most faces of a photograph that are scanned for in one pass: as many as the exact engine takes."""

WARM_SHAPE = (480, 640, 3)
"""Of the black picture that the detector is run on once before there is a probe."""


class SearchService:
    """Searches one gallery. Thread-safe. It never writes to the gallery; it keeps each search's answer."""

    def __init__(
        self,
        *,
        records: Records,
        gallery: IndexedGallery,
        analyser: FaceAnalyser,
        permits: Permits,
        gate: Gate,
        limits: ImageLimits,
        default_threshold: float,
        scale: Callable[[], ScoreScale | None] = lambda: None,
        marks: Callable[[Templates], Mapping[str, Any]] = lambda _: {},
    ) -> None:
        """Wire the service.

        Args:
            permits: Decides whether a search may be made, and over which sources.
            gate: What a probe's face must reach.
            default_threshold: The model pack's, for requests that ask for none.
            scale: Returns what scores mean at the moment; None where the pack has no cohort.
            marks: Returns what the audit log's entry says of a probe's template.
        """
        self._records = records
        self._gallery = gallery
        self._analyser = analyser
        self._permits = permits
        self._gate = gate
        self._limits = limits
        self._default_threshold = default_threshold
        self._scale = scale
        self._marks = marks
        self._scanner = Scanner(
            records, gallery, pack_digest=analyser.pack_digest, default_threshold=default_threshold, scale=scale
        )

    def faces(self, data: bytes, *, filename: str | None, thorough: bool = False) -> tuple[DecodedImage, Probe]:
        """Find the faces of a photograph, as a search would see them.

        Raises:
            InvalidInputError: the decoder's codes.
        """
        image = decode_image(data, limits=self._limits, filename=filename)
        faces = self._analyser.find(image.pixels, self._gate, thorough=thorough)
        return image, probe_of(image, faces, used=None)

    def warm(self) -> Snapshot:
        """Run the networks once and bring the index up to date.

        Raises:
            IntegrityError: code `index-mismatch`; nothing may be searched.
            UnavailableError: code `records-unavailable`, and those of `IndexedGallery.refresh`; safe to retry.
        """
        self._analyser.find(np.zeros(WARM_SHAPE, np.uint8), self._gate)
        return self.refresh()

    def refresh(self) -> Snapshot:
        """Bring the index up to date, as each search does first.

        Raises:
            IntegrityError: codes `index-mismatch`, `template-damaged`; nothing may be searched.
            UnavailableError: code `records-unavailable`, and those of `IndexedGallery.refresh`; safe to retry.
        """
        return self._gallery.refresh()[1]

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Search, keep the answer and its entry in the audit log, return it with the receipt; all or nothing.

        Raises:
            InvalidInputError: the decoder's codes, `case-invalid`, `purpose-invalid`, `limit-invalid`,
                `threshold-invalid`, `face-number-invalid`, `fpir-invalid`, `fpir-out-of-reach`, `fpir-not-known`;
                nothing was searched or kept.
            NotPermittedError: code `not-permitted`, with every reason; nothing was read or searched, and the audit log
                has it.
            ConflictError: code `pack-mismatch`, nothing was searched or kept; or `source-changed-meanwhile`, a source
                was stopped since the scan, nothing was answered or kept.
            IntegrityError: code `index-mismatch`; nothing is answered until records and index agree again.
            UnavailableError: codes `records-unavailable`, `audit-unwritable`, and those of `IndexedGallery.searched`;
                nothing was answered.
        """
        self._check(request)
        asked = self._permitted(request)
        with self._released_unless_answered([asked]) as answered:
            watch = Stopwatch()
            first = ProbePhotograph(image=request.image, filename=request.filename, face=request.face)
            read = read_probe(
                (first, *request.further),
                analyser=self._analyser,
                gate=self._gate,
                limits=self._limits,
                thorough=request.thorough,
                watch=watch,
            )
            if read.template is None:
                found = [Found(self._records.snapshot(), self._scanner.asked_threshold(request), None, None, ())]
            else:
                found = self._scanner.scan(read.template, [asked], watch)
            answered.append(self._kept(asked, read, found[0], watch))
        return answered[0]

    def search_group(self, request: SearchRequest) -> Iterator[SearchAnswer]:
        """Search for every face of one photograph that is good enough: a search each, scanned for together.

        Each is decided on, counted, kept and logged by itself. Yields the answers, largest face first, each with all
        faces of the photograph; where none can be searched, the one answer that says so. One that can't be made ends
        it with its error: those before were answered, those behind it were not asked for.

        Args:
            request: As for `search`, without a face and without further photographs.

        Raises:
            InvalidInputError: as `search`; code `face-number-invalid` where a face or a further photograph is named.
            NotPermittedError, ConflictError, IntegrityError, UnavailableError: as `search`.
        """
        if request.face is not None or request.further:
            raise no_such_face(request.face or 1, "a group is searched for whole, one photograph at a time")
        self._check(request)
        image, group = self.faces(request.image, filename=request.filename, thorough=request.thorough)
        passing = [face for face in group.faces if face.passes]
        if not passing:
            # A search all the same: it is decided on and on record, and its answer says why nobody was searched for.
            yield self.search(replace(request, face=1 if group.faces else None))
        for at in range(0, len(passing), TOGETHER):
            yield from self._search_faces(request, image, group, passing[at : at + TOGETHER])

    def _search_faces(
        self, request: SearchRequest, image: DecodedImage, group: Probe, faces: Sequence[Face]
    ) -> Iterator[SearchAnswer]:
        """Ask for a search for each of some faces, then make those that are permitted."""
        watch, asked, ended = Stopwatch(), list[Asked](), None
        try:
            for face in faces:
                asked.append(self._permitted(replace(request, face=face.number)))
        except CountenanceError as error:
            ended = error
        answered: list[SearchAnswer] = []
        try:
            with self._released_unless_answered(asked) as answered:
                self._answer_faces(image, group, list(zip(asked, faces, strict=False)), answered, watch)
        except CountenanceError as error:
            ended = error
        yield from answered
        if ended is not None:
            raise ended

    def _answer_faces(
        self,
        image: DecodedImage,
        group: Probe,
        asked: Sequence[tuple[Asked, Face]],
        answered: list[SearchAnswer],
        watch: Stopwatch,
    ) -> None:
        """Make searches that are permitted, and add their answers to the list as they are kept."""
        if not asked:
            return
        # One by one, as a search for one face does: the same template to the last bit, so that it can be verified.
        templates = np.concatenate([self._analyser.encode(image.pixels, [face]) for _, face in asked])
        watch.lap("encode")
        found = self._scanner.scan(templates, [one for one, _ in asked], watch)
        for (one, face), template, its in zip(asked, templates, found, strict=True):
            probe = replace(group, used=face.number)
            read = ReadProbe(SearchOutcome.SEARCHED, "", (probe,), template[None])
            answered.append(self._kept(one, read, its, watch))

    def _permitted(self, request: SearchRequest) -> Asked:
        """Have a search decided on and counted."""
        search_id = new_id()
        return Asked(request, search_id, self._permits.permit(request, search_id))

    @contextmanager
    def _released_unless_answered(self, asked: Sequence[Asked]) -> Iterator[list[SearchAnswer]]:
        """Hand out a list for the answers; searches that an error leaves without one are counted no more."""
        answered: list[SearchAnswer] = []
        try:
            yield answered
        except CountenanceError:
            for one in asked[len(answered) :]:
                self._permits.release(one.search_id)
            raise

    def _kept(self, asked: Asked, read: ReadProbe, found: Found, watch: Stopwatch) -> SearchAnswer:
        """Put an answer together, and keep it with its entry."""
        request, permitted = asked.request, asked.permitted
        answer = SearchAnswer(
            search_id=asked.search_id,
            searched_at=utc_now(),
            case=request.case.strip(),
            purpose=request.purpose.strip(),
            offence=request.offence,
            kind=request.kind,
            outcome=read.outcome,
            message=_found(found) if read.template is not None else read.message,
            probe=read.probes[0],
            further=read.probes[1:],
            gallery=found.snapshot,
            threshold=found.threshold,
            limit=request.limit,
            candidates=found.candidates,
            coverage=found.coverage,
            scale=None if found.place is None else found.place.facts(request.fpir),
            seconds=watch.total(),
            approve_by=permitted.approve_by,
        )
        document = answer_json(answer)
        entry = search_answered(answer, document, actor=request.actor).adding(permitted.facts)
        if read.template is not None:
            entry = entry.adding(self._marks(read.template))
        receipt = self._records.put_search(answer.search_id, document, entry=entry)
        logger.info("search %s ended: %s", answer.search_id, read.outcome.value)
        return replace(answer, receipt=receipt)

    def verify(self, search_id: str, photographs: Sequence[ProbePhotograph]) -> Verification:
        """Check a kept answer again, with every template on record and without the index.

        The probe was not kept: whoever has its files hands them over again. They are used for this and not kept either.

        Args:
            photographs: All files that were searched with, in any order; which faces were is in the answer.

        Raises:
            NotFoundError: code `search-unknown`.
            InvalidInputError: code `probe-differs`, or the decoder's codes.
            ConflictError: code `search-not-certified`, `search-not-verifiable`, `probe-template-differs`.
            IntegrityError: code `search-not-verified`: the answer does not hold, and why.
        """
        answer: Mapping[str, Any] = self._records.search(search_id)
        if not (answer.get("certificate") or {}).get("certified"):
            raise ConflictError(
                "that answer carries no certificate", code="search-not-certified", hint="search again to get one"
            )
        if answer.get("marks"):
            raise ConflictError(
                "some of what that answer showed was destroyed since",
                code="search-not-verifiable",
                hint=f"why: {', '.join(sorted({mark['why'] for mark in answer['marks']}))}",
            )
        template = remade_template(answer, photographs, analyser=self._analyser, gate=self._gate, limits=self._limits)
        batches = self._records.template_batches(last_row=answer["certificate"]["last_template"])
        return verify_answer(answer, template, batches)

    def _check(self, request: SearchRequest) -> None:
        """Check a request before anything is done for it."""
        if not _is_reference(request.case):
            raise InvalidInputError(
                f"a search needs a case of 1 to {MAX_WORDS} printable characters",
                code="case-invalid",
                hint="e.g. 2026-0417",
            )
        if not _is_reference(request.purpose):
            raise InvalidInputError(
                f"a search needs a purpose of 1 to {MAX_WORDS} printable characters",
                code="purpose-invalid",
                hint="e.g. missing-person",
            )
        if not 1 <= request.limit <= MAX_LIMIT:
            raise InvalidInputError(
                f"the limit must be 1 to {MAX_LIMIT}, not {request.limit}", code="limit-invalid", hint="e.g. 20"
            )
        if len(request.further) >= MAX_PHOTOGRAPHS:
            raise InvalidInputError(
                f"a search has at most {MAX_PHOTOGRAPHS} photographs, not {len(request.further) + 1}",
                code="too-many-photographs",
                hint="the clearest few of them do as well",
            )
        for number in (request.face, *(one.face for one in request.further)):
            if number is not None and number < 1:
                raise no_such_face(number, "faces are numbered from 1")
        threshold = self._scanner.asked_threshold(request)
        if not (math.isfinite(threshold) and -1 <= threshold <= 1):
            raise InvalidInputError(
                f"the threshold must be a cosine from -1 to 1, not {threshold}",
                code="threshold-invalid",
                hint=f"leave it out to use the model pack's {self._default_threshold}",
            )
        if request.fpir is not None:
            self._check_fpir(request)

    def _check_fpir(self, request: SearchRequest) -> None:
        """Check what a threshold is to be set by."""
        if request.threshold is not None:
            raise InvalidInputError(
                "a search has a threshold or an FPIR, not both", code="fpir-invalid", hint="leave one of them out"
            )
        if request.fpir is None or not 0 < request.fpir <= HIGHEST_FPIR:
            raise InvalidInputError(
                f"the FPIR must be above 0 and at most {HIGHEST_FPIR}, not {request.fpir}",
                code="fpir-invalid",
                hint="0.01: at most one search in a hundred returns a stranger",
            )
        if self._scale() is None:
            raise InvalidInputError(
                "what scores mean is not known for this model pack, so no threshold can be set by an FPIR",
                code="fpir-not-known",
                hint="make a calibration with `countenance calibrate`, or give a threshold",
            )


def _is_reference(words: str) -> bool:
    """Return whether words can stand as a case or purpose."""
    return bool(words.strip()) and len(words) <= MAX_WORDS and words.isprintable()


def _found(found: Found) -> str:
    """Say in a sentence what was found."""
    people = found.snapshot.subjects if found.coverage is None else found.coverage.subjects
    among = f"among {people:,} subjects"
    if not found.candidates:
        return f"Nobody {among} reaches the threshold {found.threshold:.3f}."
    if len(found.candidates) == 1:
        return f"1 candidate {among}."
    return f"{len(found.candidates)} candidates {among}."

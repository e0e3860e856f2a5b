"""One probe to one candidate list."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from countenance.core.arrays import Templates, cosine
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, CountenanceError, InvalidInputError
from countenance.core.ids import new_id
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.index.model import Neighbour, index_mismatch
from countenance.search.entries import search_answered
from countenance.search.model import (
    HIGHEST_FPIR,
    MAX_LIMIT,
    MAX_PHOTOGRAPHS,
    Candidate,
    Coverage,
    Probe,
    ProbePhotograph,
    SearchAnswer,
    SearchRequest,
)
from countenance.search.permission import Permits, Permitted
from countenance.search.probing import Stopwatch, no_such_face, probe_of, read_probe
from countenance.search.remaking import remade_template
from countenance.search.rendering import answer_json
from countenance.search.scale import PlacedProbe, ScoreScale
from countenance.search.strangers import Known, Strangers
from countenance.search.verification import Verification, template_digest, verify_answer
from countenance.vision.decode import ImageLimits, decode_image
from countenance.vision.model import DecodedImage
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import Gate

logger = logging.getLogger(__name__)

MAX_WORDS = 200
"""Longest case reference and purpose, characters."""

SCORE_TOLERANCE = 1e-6
"""How far the index's score of a row may be from the records': float32 rows and float64 sums give the same to 1e-15, so
more means that the two hold different templates."""

WARM_SHAPE = (480, 640, 3)
"""Of the black picture that the detector is run on once before there is a probe."""


class Found(NamedTuple):
    """What a scan found, and what it was held against."""

    snapshot: Snapshot
    threshold: float
    place: PlacedProbe | None
    coverage: Coverage | None
    candidates: tuple[Candidate, ...]


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
            UnavailableError: code `records-unavailable`; safe to retry.
        """
        self._analyser.find(np.zeros(WARM_SHAPE, np.uint8), self._gate)
        return self.refresh()

    def refresh(self) -> Snapshot:
        """Bring the index up to date, as each search does first.

        Raises:
            IntegrityError: codes `index-mismatch`, `template-damaged`; nothing may be searched.
            UnavailableError: code `records-unavailable`; safe to retry.
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
            UnavailableError: codes `records-unavailable`, `audit-unwritable`; nothing was answered.
        """
        self._check(request)
        search_id = new_id()
        permitted = self._permits.permit(request, search_id)
        try:
            return self._answer(request, search_id, permitted)
        except CountenanceError:
            # Nothing was answered, so nothing was used up.
            self._permits.release(search_id)
            raise

    def _answer(self, request: SearchRequest, search_id: str, permitted: Permitted) -> SearchAnswer:
        """Read the probe, search what is permitted, and keep the answer with its entry."""
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
            found, message = (
                Found(self._records.snapshot(), self._asked_threshold(request), None, None, ()),
                read.message,
            )
        else:
            found = self._candidates(read.template, request, permitted, watch)
            message = _found(found)
        answer = SearchAnswer(
            search_id=search_id,
            searched_at=utc_now(),
            case=request.case.strip(),
            purpose=request.purpose.strip(),
            offence=request.offence,
            kind=request.kind,
            outcome=read.outcome,
            message=message,
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
        logger.info("search %s ended: %s, %d candidates", answer.search_id, read.outcome.value, len(found.candidates))
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
        batches = self._records.template_batches(after_row=0, last_row=answer["certificate"]["last_template"])
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
        threshold = self._asked_threshold(request)
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

    def _asked_threshold(self, request: SearchRequest) -> float:
        """Return the cosine that was asked for, or else the model pack's."""
        return self._default_threshold if request.threshold is None else float(request.threshold)

    def _candidates(self, template: Templates, request: SearchRequest, permitted: Permitted, watch: Stopwatch) -> Found:
        """Scan the sources that are permitted, score again from the records, and look up who it is."""
        index, snapshot = self._gallery.refresh()
        if snapshot.pack_digest is not None and snapshot.pack_digest != self._analyser.pack_digest:
            raise ConflictError(
                "this gallery holds templates of another model pack than the one in use",
                code="pack-mismatch",
                hint="set COUNTENANCE_MODEL_PACK to the pack that it was made with",
            )
        # What was stopped since it was decided on is left out too.
        active = frozenset(self._records.active_sources())
        eligible = [source for source in permitted.sources if source in active]
        watch.lap("index")
        held = len(index)
        scale = self._scale()
        place = None if scale is None else scale.place(template, replace(snapshot, subjects=permitted.subjects))
        threshold = self._asked_threshold(request)
        if place is not None and request.fpir is not None:
            threshold = place.threshold(request.fpir)
        watch.lap("meaning")
        [near] = index.search(template, blocks=eligible, limit=request.limit, threshold=threshold)
        watch.lap("scan")
        candidates = self._ranked(template, near.neighbours, threshold, place)
        watch.lap("records")
        barred = permitted.barred
        left_out = {"not-permitted": barred} if barred else {}
        if near.certificate is not None:
            left_out = _left_out(held, len(index), near.certificate.rows, barred=barred)
        coverage = Coverage(
            sources=tuple(eligible),
            subjects=permitted.subjects,
            last_template=snapshot.last_row,
            template_sha256=template_digest(template[0]),
            left_out=left_out,
            certificate=near.certificate,
            miss_rate=near.miss_rate,
        )
        return Found(snapshot, threshold, place, coverage, candidates)

    def _ranked(
        self, template: Templates, near: Sequence[Neighbour], threshold: float, place: PlacedProbe | None
    ) -> tuple[Candidate, ...]:
        """Score neighbours from full-precision templates and rank them: falling score, then rising row."""
        stored = self._records.references([neighbour.row for neighbour in near])
        scored = []
        for neighbour in near:
            # A row that was erased since the scan is not on record, and no candidate.
            if (reference := stored.get(neighbour.row)) is None:
                continue
            score = float(cosine(template[0], reference.template[None])[0])
            if abs(neighbour.score - score) > SCORE_TOLERANCE:
                raise index_mismatch(f"template {neighbour.row} is another one on record")
            if score >= threshold:
                scored.append((score, reference))
        scored.sort(key=lambda pair: (-pair[0], pair[1].row))
        shown = [int(one.rows[np.argmax(cosine(template[0], one.templates))]) for _, one in scored]
        faces = self._records.faces(shown)
        kept = [(pair, faces[row]) for pair, row in zip(scored, shown, strict=True) if row in faces]
        return tuple(
            Candidate(
                rank=rank,
                score=score,
                normalised=None if place is None else place.normalised(score),
                strangers=Strangers(known=Known.NOT_KNOWN) if place is None else place.strangers(score),
                row=reference.row,
                templates=len(reference.rows),
                face=face,
            )
            for rank, ((score, reference), face) in enumerate(kept, start=1)
        )


def _left_out(before: int, after: int, searched: int, *, barred: int) -> dict[str, int]:
    """Count the subjects that were not searched.

    Args:
        before: How many the index held when the search began.
        after: How many it held when the search ended.
        searched: How many were eligible.
        barred: How many of active sources the policy left out.
    """
    not_searched = max(0, min(before, after) - searched)
    by_policy = min(barred, not_searched)
    return {
        "source-not-active": not_searched - by_policy,
        "not-permitted": by_policy,
        "erased": max(0, before - after),
    }


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

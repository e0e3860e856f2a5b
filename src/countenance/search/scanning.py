"""From permitted searches to what is found: one scan for all, scored again from the records."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from countenance.core.arrays import Templates, cosine
from countenance.core.errors import ConflictError
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.index.model import Nearest, Neighbour, index_behind, index_mismatch
from countenance.index.ports import TemplateSearch
from countenance.search.model import Candidate, Coverage, SearchRequest
from countenance.search.permission import Permitted
from countenance.search.probing import Stopwatch
from countenance.search.scale import PlacedProbe, ScoreScale
from countenance.search.strangers import Known, Strangers
from countenance.search.verification import template_digest

SCORE_TOLERANCE = 1e-6
"""How far the index's score of a row may be from the records': float32 rows and float64 sums give the same to 1e-15, so
more means that the two hold different templates."""


class Asked(NamedTuple):
    """A search that is permitted and was counted."""

    request: SearchRequest
    search_id: str
    permitted: Permitted


class Aim(NamedTuple):
    """Where a search looks, for how many, and from which score on."""

    sources: tuple[str, ...]
    limit: int
    threshold: float
    place: PlacedProbe | None


class Found(NamedTuple):
    """What a scan found, and what it was held against."""

    snapshot: Snapshot
    threshold: float
    place: PlacedProbe | None
    coverage: Coverage | None
    candidates: tuple[Candidate, ...]


class Scanner:
    """Looks for templates in one gallery's index. Thread-safe."""

    def __init__(
        self,
        records: Records,
        gallery: IndexedGallery,
        *,
        pack_digest: str,
        default_threshold: float,
        scale: Callable[[], ScoreScale | None],
    ) -> None:
        """Keep the parts: see `SearchService`."""
        self._records = records
        self._gallery = gallery
        self._pack_digest = pack_digest
        self._default_threshold = default_threshold
        self._scale = scale

    def asked_threshold(self, request: SearchRequest) -> float:
        """Return the cosine that was asked for, or else the model pack's."""
        return self._default_threshold if request.threshold is None else float(request.threshold)

    def scan(self, templates: Templates, asked: Sequence[Asked], watch: Stopwatch) -> list[Found]:
        """Scan the sources that each search may look at, score again from the records, and look up who it is.

        Args:
            templates: A row a search.
            asked: The searches, of any number.
            watch: Told of `index`, `meaning`, `scan` and `records`.

        Raises:
            ConflictError: code `pack-mismatch`.
            IntegrityError: codes `index-mismatch`, `template-damaged`.
            UnavailableError: code `records-unavailable`, and those of `IndexedGallery.searched`.
        """
        return self._gallery.searched(partial(self._scan, templates, asked, watch))

    def _scan(
        self, templates: Templates, asked: Sequence[Asked], watch: Stopwatch, search: TemplateSearch, snapshot: Snapshot
    ) -> list[Found]:
        """Scan the gallery as it is at a snapshot.

        Raises:
            IndexChangedError: somebody who was found was erased since, or lost a photograph.
        """
        if snapshot.pack_digest is not None and snapshot.pack_digest != self._pack_digest:
            raise ConflictError(
                "this gallery holds templates of another model pack than the one in use",
                code="pack-mismatch",
                hint="set COUNTENANCE_MODEL_PACK to the pack that it was made with",
            )
        # What was stopped since it was decided on is left out too.
        active = frozenset(self._records.active_sources())
        watch.lap("index")
        aims = [self._aim(one, template, active) for one, template in zip(asked, templates, strict=True)]
        watch.lap("meaning")
        near = scanned_together(search, templates, aims)
        watch.lap("scan")
        found = [
            self._found(one.permitted, template[None], snapshot, aim, its)
            for one, template, aim, its in zip(asked, templates, aims, near, strict=True)
        ]
        watch.lap("records")
        return found

    def _aim(self, asked: Asked, template: Templates, active: frozenset[str]) -> Aim:
        """Settle where a search looks, and from which score on."""
        request, permitted = asked.request, asked.permitted
        scale = self._scale()
        place = None
        if scale is not None:
            place = scale.place(
                template[None],
                subjects=permitted.subjects,
                templates=permitted.templates,
                active=permitted.subjects + permitted.barred,
            )
        threshold = self.asked_threshold(request)
        if place is not None and request.fpir is not None:
            threshold = place.threshold(request.fpir)
        eligible = tuple(source for source in permitted.sources if source in active)
        return Aim(eligible, request.limit, threshold, place)

    def _found(self, permitted: Permitted, template: Templates, snapshot: Snapshot, aim: Aim, near: Nearest) -> Found:
        """Rank what a scan found, and say what was covered."""
        barred = permitted.barred
        candidates = self._ranked(template, near.neighbours, aim)
        left_out = {"not-permitted": barred} if barred else {}
        if near.certificate is not None:
            left_out = _left_out(snapshot.subjects, near.certificate.rows, barred=barred)
        coverage = Coverage(
            sources=aim.sources,
            subjects=permitted.subjects,
            last_template=snapshot.last_row,
            template_sha256=template_digest(template[0]),
            left_out=left_out,
            certificate=near.certificate,
            miss_rate=near.miss_rate,
        )
        return Found(snapshot, aim.threshold, aim.place, coverage, candidates)

    def _ranked(self, template: Templates, near: Sequence[Neighbour], aim: Aim) -> tuple[Candidate, ...]:
        """Score neighbours from full-precision templates and rank them: falling score, then rising row."""
        place, stored = aim.place, self._records.references([neighbour.row for neighbour in near])
        scored = []
        for neighbour in near:
            # Erased since, or of somebody who lost a photograph and is on record under another number.
            if (reference := stored.get(neighbour.row)) is None:
                raise index_behind()
            score = float(cosine(template[0], reference.template[None])[0])
            if abs(neighbour.score - score) > SCORE_TOLERANCE:
                raise index_mismatch(f"template {neighbour.row} is another one on record")
            if score >= aim.threshold:
                scored.append((score, reference))
        scored.sort(key=lambda pair: (-pair[0], pair[1].row))
        shown = [int(one.rows[np.argmax(cosine(template[0], one.templates))]) for _, one in scored]
        faces = self._records.faces(shown)
        if not faces.keys() >= set(shown):
            raise index_behind()
        return tuple(
            Candidate(
                rank=rank,
                score=score,
                normalised=None if place is None else place.normalised(score),
                strangers=Strangers(known=Known.NOT_KNOWN) if place is None else place.strangers(score),
                row=reference.row,
                templates=len(reference.rows),
                face=faces[row],
            )
            for rank, ((score, reference), row) in enumerate(zip(scored, shown, strict=True), start=1)
        )


def scanned_together(search: TemplateSearch, templates: Templates, aims: Sequence[Aim]) -> list[Nearest]:
    """Scan for each template; those with the same aim in one pass, which costs less than one after the other."""
    found: dict[int, Nearest] = {}
    together: dict[tuple[tuple[str, ...], int, float], list[int]] = {}
    for at, aim in enumerate(aims):
        together.setdefault((aim.sources, aim.limit, aim.threshold), []).append(at)
    for (sources, limit, threshold), places in together.items():
        near = search(templates[places], blocks=sources, limit=limit, threshold=threshold)
        found.update(zip(places, near, strict=True))
    return [found[at] for at in range(len(aims))]


def _left_out(held: int, searched: int, *, barred: int) -> dict[str, int]:
    """Count the subjects that were not searched.

    Args:
        held: How many there are.
        searched: How many were eligible.
        barred: How many of active sources the policy left out.
    """
    not_searched = max(0, held - searched)
    by_policy = min(barred, not_searched)
    return {"source-not-active": not_searched - by_policy, "not-permitted": by_policy}

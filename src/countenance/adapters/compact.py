"""The compact engine: a scan of 4-bit codes over every eligible row, then int8 rows, then full precision.

For galleries whose int8 rows are too many to be read for each probe. Only the scan of the codes may lose a row; the two
steps after it are complete. How often the scan loses one is measured on the gallery's own templates.

Source:
    docs/adr/0013-compact-engine.md; product quantisation: Jégou, Douze, Schmid, TPAMI 2011; 4-bit codes scanned in
    registers: André, Kermarrec, Le Scouarnec, VLDB 2015.
"""

import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import faiss
import numpy as np

from countenance.adapters.compact_segment import SEGMENT_ROWS, Segment, Shortlist
from countenance.core.arrays import Templates, as_templates, cosine
from countenance.index.model import MissRate, Nearest, Neighbour, index_mismatch
from countenance.index.ports import Originals, RowNumbers
from countenance.index.ranking import best_per_subject

SHORTLIST = 4_000
"""Least rows that are scored again from int8."""

SHORTLIST_SHARE = 1_000
"""One row in so many is scored again, where that is more: strangers that stand before a mate grow with the gallery."""

SPARE = 256
"""Rows more than its share that each segment gives: likenesses may stand together in one source."""

TRAINING_ROWS = 16_384
"""Rows that the quantiser is trained on: 1,024 for each of its 16 centroids."""

RETRAIN = 4
"""Growth after which the quantiser is trained again."""

MEASURED_PROBES = 200
"""Templates of the gallery that are searched for to measure the miss rate."""

MAX_ROW = 2**32 - 1
"""Rows' and subjects' numbers are kept in four bytes."""

FLOAT32_SLACK = 1e-6
"""Rounding of a float32 dot product of unit vectors, up to 4,096 columns and twice over."""


class ErasedError(Exception):
    """Templates that a search needed were erased while it ran."""

    def __init__(self, rows: Collection[int]) -> None:
        """Keep the numbers of the rows."""
        super().__init__()
        self.rows = rows


class CompactIndex:
    """Implements `FollowingIndex`, not complete: `measured` says how often it loses a row. Thread-safe.

    A search uses all cores, so one runs at a time; a change waits for it and is seen by the next.
    """

    def __init__(
        self, dim: int, originals: Originals, *, folder: Path | None = None, shortlist: int = SHORTLIST
    ) -> None:
        """Start empty.

        Args:
            dim: A multiple of 4.
            originals: The full-precision templates of the rows that will be added. A row that is missing there was
                erased, and is taken out of the index.
            folder: Where int8 rows are mapped from; None keeps them in memory.
            shortlist: Least rows that are scored again from int8.
        """
        if dim % 4:
            raise ValueError(f"the dimension must be a multiple of 4, not {dim}")
        self._dim = dim
        self._originals = originals
        self._folder = folder
        self._shortlist = shortlist
        self._blocks: dict[str, list[Segment]] = {}
        self._highest = 0
        self._residual = 0.0
        self._quantiser: Any = None
        self._trained_rows = 0
        self._measured: MissRate | None = None
        self._condemned = False
        self._lock = Lock()
        cores = len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(cores, initializer=faiss.omp_set_num_threads, initargs=(1,))

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    @property
    def measured(self) -> MissRate | None:
        """How often a row was lost when the codes were built; None while every row is scored from int8."""
        return self._measured

    def __len__(self) -> int:
        """See the port."""
        with self._lock:
            return sum(map(len, self._segments(tuple(self._blocks))))

    def add(self, block: str, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> None:
        """See the port."""
        checked = as_templates(templates, dim=self._dim)
        if not np.shape(rows) == np.shape(subjects) == (len(checked),) or len(np.unique(rows)) != len(rows):
            raise ValueError("rows and subjects must be one for each template, and rows must differ")
        if len(rows) and not (min(rows.min(), subjects.min()) >= 0 and max(rows.max(), subjects.max()) <= MAX_ROW):
            raise ValueError(f"row and subject numbers must be 0 to {MAX_ROW}")
        with self._lock:
            if len(rows) and rows.min() <= self._highest and self._holds_any(rows):
                raise ValueError("a row number is in the index already")
            segments = self._blocks.setdefault(block, [])
            start = 0
            while start < len(rows):
                if not segments or len(segments[-1]) == SEGMENT_ROWS:
                    segments.append(self._new_segment())
                stop = start + min(len(rows) - start, SEGMENT_ROWS - len(segments[-1]))
                residual = segments[-1].append(rows[start:stop], subjects[start:stop], checked[start:stop])
                self._residual = max(self._residual, residual)
                start = stop
            self._highest = max(self._highest, int(rows.max(initial=0)))

    @property
    def last_row(self) -> int:
        """See the port."""
        return self._highest

    def blocks(self) -> Collection[str]:
        """See the port."""
        return tuple(self._blocks)

    def rows(self, block: str) -> RowNumbers:
        """See the port."""
        with self._lock:
            parts = [segment.rows.astype(np.int64) for segment in self._blocks.get(block, ())]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *parts]))

    def differing(self, block: str, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> RowNumbers:
        """See the port; int8 rows and subjects are compared bit by bit."""
        checked = as_templates(templates, dim=self._dim)
        wanted = Segment(self._dim, None)
        wanted.append(rows, subjects, checked)
        with self._lock:
            same = [segment.same_rows(wanted) for segment in self._blocks.get(block, ())]
        return np.setdiff1d(rows, np.concatenate([np.zeros(0, np.int64), *same]))

    def condemn(self) -> None:
        """See the port; this index is of one process alone."""
        self._condemned = True

    def clear(self) -> None:
        """See the port."""
        with self._lock:
            for segment in self._segments(tuple(self._blocks)):
                segment.remove(np.arange(len(segment)))
            self._blocks, self._highest, self._residual, self._condemned = {}, 0, 0.0, False
            self._quantiser, self._trained_rows, self._measured = None, 0, None

    def remove(self, rows: Collection[int]) -> None:
        """See the port."""
        with self._lock:
            self._remove(rows)

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        if self._condemned:
            raise index_mismatch("`countenance doctor` found it so")
        checked = as_templates(probes, dim=self._dim)
        with self._lock:
            self._keep_built()
            while True:
                try:
                    return self._answers(checked, list(self._segments(blocks)), limit, threshold)
                except ErasedError as erased:
                    self._remove(erased.rows)

    def build(self) -> None:
        """Train and measure now what the next search would else; nothing where that is not due."""
        with self._lock:
            self._keep_built()

    def _answers(
        self, probes: Templates, segments: list[Segment], limit: int, threshold: float | None
    ) -> list[Nearest]:
        """Scan for all probes at once; widen a shortlist that holds too few subjects; decide from full precision."""
        length = self._length(segments)
        return [
            Nearest(
                neighbours=self._decided(probe, self._wide(near, probe, segments, limit), limit, threshold),
                certificate=None,
                miss_rate=self._measured,
            )
            for probe, near in zip(probes, self._shortlists(probes, segments, length), strict=True)
        ]

    def _wide(self, near: Shortlist, probe: Templates, segments: list[Segment], limit: int) -> Shortlist:
        """Lengthen a shortlist until it holds enough subjects, or every row."""
        total, length = sum(map(len, segments)), self._length(segments)
        while len(near.rows) < total and len(np.unique(near.subjects)) < limit:
            length *= 4
            [near] = self._shortlists(probe[None], segments, length)
        return near

    def _decided(self, probe: Templates, near: Shortlist, limit: int, threshold: float | None) -> tuple[Neighbour, ...]:
        """Score in full precision what can be in the answer, and rank it.

        Raises:
            ErasedError: some templates are gone.
        """
        kept = near.scores >= self._cut(near, limit, threshold)
        rows, subjects = near.rows[kept], near.subjects[kept]
        stored = self._originals(rows.tolist())
        if len(stored) < len(rows):
            raise ErasedError(set(rows.tolist()) - set(stored))
        templates = [np.zeros((0, self._dim), np.float32), *(stored[row][None] for row in rows.tolist())]
        scores = cosine(probe, np.concatenate(templates))
        return best_per_subject(rows, subjects, scores, limit=limit, threshold=threshold)

    def _cut(self, near: Shortlist, limit: int, threshold: float | None) -> float:
        """Return the int8 score below which no row of the shortlist can be among the answer.

        A true score is within the residual of the int8 row's, by Cauchy-Schwarz; so a row that is below the limit-th
        subject's by twice that is truly below it.
        """
        slack = self._residual + FLOAT32_SLACK
        floor = -2.0 if threshold is None else threshold - slack
        order = np.argsort(-near.scores)
        _, first = np.unique(near.subjects[order], return_index=True)
        if len(first) < limit:
            return floor
        last = near.scores[order[np.partition(first, limit - 1)[limit - 1]]]
        return max(floor, float(last) - 2 * slack)

    def _shortlists(self, probes: Templates, segments: list[Segment], length: int) -> list[Shortlist]:
        """Scan all segments on all cores, and join what each of them gives a probe."""
        total, spare = sum(map(len, segments)), min(SPARE, length)
        shares = [None if length >= total else spare + -(-length * len(one) // total) for one in segments]
        parts = list(self._pool.map(Segment.shortlist, segments, [probes] * len(segments), shares))
        return [_joined([part[at] for part in parts]) for at in range(len(probes))]

    def _length(self, segments: list[Segment]) -> int:
        """Return how many rows are scored again from int8."""
        return max(self._shortlist, sum(map(len, segments)) // SHORTLIST_SHARE)

    def _remove(self, rows: Collection[int]) -> None:
        gone = np.fromiter(rows, dtype=np.int64)
        for segment in self._segments(tuple(self._blocks)):
            segment.remove(np.flatnonzero(np.isin(segment.rows, gone)))
        self._blocks = {
            block: kept
            for block, segments in self._blocks.items()
            if (kept := [segment for segment in segments if len(segment)])
        }

    def _keep_built(self) -> None:
        """Train the quantiser where there are rows enough for it to matter, and when they are many times more."""
        segments = list(self._segments(tuple(self._blocks)))
        total = sum(map(len, segments))
        if total <= self._shortlist or total < RETRAIN * self._trained_rows:
            return
        sample = _sampled(segments, TRAINING_ROWS)
        self._quantiser = faiss.ProductQuantizer(self._dim, self._dim // 4, 4)
        self._quantiser.cp.max_points_per_centroid = TRAINING_ROWS // 16
        # In the pool, whose threads are one core each: FAISS's own threads would fight for cores with ours.
        self._pool.submit(self._quantiser.train, sample).result()
        list(self._pool.map(Segment.encode, segments, [self._quantiser] * len(segments)))
        self._trained_rows = total
        self._measured = self._measure(segments, total)

    def _measure(self, segments: list[Segment], total: int) -> MissRate:
        """Search for the gallery's own templates, and compare with scoring each row."""
        probes = _sampled(segments, MEASURED_PROBES)
        # The best row is the probe itself; the second best is the one that must not be lost.
        nearest = np.concatenate(list(self._pool.map(_best_two, segments, [probes] * len(segments))))
        wanted = np.partition(nearest, -2, axis=0)[-2]
        found = [
            np.partition(near.scores, -2)[-2] for near in self._shortlists(probes, segments, self._length(segments))
        ]
        misses = int((np.array(found) < wanted - FLOAT32_SLACK).sum())
        return MissRate(probes=len(probes), misses=misses, rows=total)

    def _new_segment(self) -> Segment:
        segment = Segment(self._dim, self._folder)
        if self._quantiser is not None:
            segment.encode(self._quantiser)
        return segment

    def _segments(self, blocks: Collection[str]) -> Iterator[Segment]:
        return (segment for block in sorted(set(blocks)) for segment in self._blocks.get(block, ()))

    def _holds_any(self, rows: RowNumbers) -> bool:
        return any(np.isin(segment.rows, rows).any() for segment in self._segments(tuple(self._blocks)))


def _joined(parts: list[Shortlist]) -> Shortlist:
    """Lay shortlists end to end."""
    none = Shortlist(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Shortlist(
        np.concatenate([none.rows, *(part.rows for part in parts)]),
        np.concatenate([none.subjects, *(part.subjects for part in parts)]),
        np.concatenate([none.scores, *(part.scores for part in parts)]),
    )


def _sampled(segments: list[Segment], rows: int) -> Templates:
    """Return templates from evenly spaced places, as unit vectors."""
    total = sum(map(len, segments))
    chosen = np.unique(np.arange(rows, dtype=np.int64) * total // rows)
    ends = np.cumsum([len(segment) for segment in segments])
    parts = [
        segment.directions_at(chosen[(chosen >= end - len(segment)) & (chosen < end)] - (end - len(segment)))
        for segment, end in zip(segments, ends.tolist(), strict=True)
    ]
    return np.concatenate(parts)


def _best_two(segment: Segment, probes: Templates) -> Templates:
    """Score each row of a segment against each probe; float32, shape (2, p), -2 where there are fewer rows."""
    best = np.full((2, len(probes)), -2.0, np.float32)
    for directions in segment.directions():
        scores = np.concatenate([best, directions @ probes.T])
        best = np.partition(scores, -2, axis=0)[-2:]
    return best

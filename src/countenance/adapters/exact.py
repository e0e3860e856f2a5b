"""The in-process exact scan: every eligible row in float32, and what comes near the cut again in float64."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Templates, as_templates, cosine
from countenance.index.model import Neighbour
from countenance.index.ports import RowNumbers

CHUNK_ROWS = 65_536
"""Rows up to which an addition is merged into the block's last chunk: 32 MB copied at 128 dimensions."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that stand together in memory; never changed, only replaced.

    Attributes:
        rows: int64, shape (n,).
        subjects: int64, shape (n,).
        templates: float32, shape (n, dim), unit L2 rows.
    """

    rows: RowNumbers
    subjects: RowNumbers
    templates: Templates


class ExactIndex:
    """Implements `TemplateIndex`; complete by construction. Thread-safe: a search sees all of an addition or none."""

    def __init__(self, dim: int) -> None:
        """Start empty."""
        self._dim = dim
        self._blocks: dict[str, tuple[Chunk, ...]] = {}
        self._present: set[int] = set()
        self._lock = Lock()
        # |float32 dot - exact dot| <= dim * 2^-24 for unit vectors (Higham 2002, 3.1); twice, since both sides of a
        # comparison carry it.
        self._slack = np.float32(2 * dim * 2.0**-24)

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    def __len__(self) -> int:
        """See the port."""
        return len(self._present)

    def add(self, block: str, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> None:
        """See the port."""
        new = Chunk(
            np.array(rows, dtype=np.int64),
            np.array(subjects, dtype=np.int64),
            as_templates(templates, dim=self._dim).copy(),
        )
        numbers = set(new.rows.tolist())
        if not new.rows.shape == new.subjects.shape == (len(new.templates),) or len(numbers) != len(new.rows):
            raise ValueError("rows and subjects must be one for each template, and rows must differ")
        with self._lock:
            if not self._present.isdisjoint(numbers):
                raise ValueError("a row number is in the index already")
            chunks = self._blocks.get(block, ())
            if chunks and len(chunks[-1].rows) + len(new.rows) <= CHUNK_ROWS:
                new, chunks = _joined(chunks[-1], new), chunks[:-1]
            self._blocks[block] = (*chunks, new)
            self._present |= numbers

    def remove(self, rows: Collection[int]) -> None:
        """See the port."""
        gone = np.fromiter(rows, dtype=np.int64)
        with self._lock:
            self._blocks = {
                block: tuple(_without(chunk, gone) for chunk in chunks) for block, chunks in self._blocks.items()
            }
            self._present.difference_update(gone.tolist())

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Sequence[Neighbour]]:
        """See the port."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        checked = as_templates(probes, dim=self._dim)
        with self._lock:
            chunks = [chunk for block in sorted(set(blocks)) for chunk in self._blocks.get(block, ())]
        return [self._search_one(probe, chunks, limit, threshold) for probe in checked]

    def _search_one(
        self, probe: Templates, chunks: Sequence[Chunk], limit: int, threshold: float | None
    ) -> Sequence[Neighbour]:
        """Scan all rows, keep those that could be among the best, score these exactly, rank."""
        if not chunks:
            return []
        rough = np.concatenate([chunk.templates @ probe for chunk in chunks])
        subjects = np.concatenate([chunk.subjects for chunk in chunks])
        kept = np.flatnonzero(rough >= self._cut(rough, subjects, limit, threshold))
        rows = np.concatenate([chunk.rows for chunk in chunks])[kept]
        templates = _taken(chunks, kept, dim=self._dim)
        scores = cosine(probe, templates)
        if threshold is not None:
            passing = scores >= threshold
            rows, kept, scores = rows[passing], kept[passing], scores[passing]
        order = np.lexsort((rows, -scores))
        _, first = np.unique(subjects[kept][order], return_index=True)
        best = order[np.sort(first)[:limit]]
        return [
            Neighbour(row, subject, score)
            for row, subject, score in zip(
                rows[best].tolist(), subjects[kept][best].tolist(), scores[best].tolist(), strict=True
            )
        ]

    def _cut(self, rough: NDArray[np.float32], subjects: RowNumbers, limit: int, threshold: float | None) -> np.float32:
        """Return the rough score below which no row can be among the best `limit` subjects or reach the threshold."""
        floor = np.float32(-2.0) if threshold is None else np.float32(threshold) - self._slack
        wanted = limit
        while wanted < len(rough):
            at = len(rough) - wanted
            cut = np.partition(rough, at)[at]
            if len(np.unique(subjects[rough >= cut])) >= limit:
                return max(np.float32(cut - self._slack), floor)
            wanted *= 4
        return floor


def _joined(first: Chunk, second: Chunk) -> Chunk:
    return Chunk(
        np.concatenate([first.rows, second.rows]),
        np.concatenate([first.subjects, second.subjects]),
        np.concatenate([first.templates, second.templates]),
    )


def _without(chunk: Chunk, gone: RowNumbers) -> Chunk:
    staying = ~np.isin(chunk.rows, gone)
    if staying.all():
        return chunk
    return Chunk(chunk.rows[staying], chunk.subjects[staying], chunk.templates[staying])


def _taken(chunks: Sequence[Chunk], positions: NDArray[np.intp], *, dim: int) -> Templates:
    """Gather rows by their position in the chunks laid end to end, without laying them end to end."""
    parts, start = [np.zeros((0, dim), np.float32)], 0
    for chunk in chunks:
        here = positions[(positions >= start) & (positions < start + len(chunk.rows))] - start
        parts.append(chunk.templates[here])
        start += len(chunk.rows)
    return np.concatenate(parts)

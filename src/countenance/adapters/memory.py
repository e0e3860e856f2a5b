"""Adapters that keep everything in memory: for tests and for trying things out. They pass the ports' contracts."""

from collections.abc import Collection, Sequence
from threading import Lock

import numpy as np

from countenance.core.arrays import Templates, as_templates, cosine
from countenance.index.model import Neighbour
from countenance.index.ports import RowNumbers


class MemoryIndex:
    """Implements `TemplateIndex` by scoring every row in float64: slow, and so plain that the others are held to it."""

    def __init__(self, dim: int) -> None:
        """Start empty."""
        self._dim = dim
        self._held: dict[int, tuple[str, int, Templates]] = {}
        self._lock = Lock()

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    def __len__(self) -> int:
        """See the port."""
        return len(self._held)

    def add(self, block: str, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> None:
        """See the port."""
        vectors = as_templates(templates, dim=self._dim).copy()
        if not np.shape(rows) == np.shape(subjects) == (len(vectors),):
            raise ValueError("rows and subjects must be one for each template")
        new = {
            int(row): (block, int(subject), vector)
            for row, subject, vector in zip(rows, subjects, vectors, strict=True)
        }
        with self._lock:
            if len(new) != len(vectors) or not self._held.keys().isdisjoint(new):
                raise ValueError("row numbers must differ")
            self._held = self._held | new

    def remove(self, rows: Collection[int]) -> None:
        """See the port."""
        gone = {int(row) for row in rows}
        with self._lock:
            self._held = {row: held for row, held in self._held.items() if row not in gone}

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Sequence[Neighbour]]:
        """See the port."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        eligible = [(row, subject, vector) for row, (block, subject, vector) in self._held.items() if block in blocks]
        answers: list[Sequence[Neighbour]] = []
        for probe in as_templates(probes, dim=self._dim):
            scored = [
                Neighbour(row, subject, float(cosine(probe, vector[None])[0])) for row, subject, vector in eligible
            ]
            best: dict[int, Neighbour] = {}
            for near in sorted(scored, key=lambda near: (-near.score, near.row)):
                if threshold is None or near.score >= threshold:
                    best.setdefault(near.subject, near)
            answers.append(list(best.values())[:limit])
        return answers

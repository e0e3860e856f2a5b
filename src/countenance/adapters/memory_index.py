"""An index in memory: for tests and for trying things out. It passes the port's contract."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Lock

import numpy as np

from countenance.core.arrays import Templates, as_templates, cosine
from countenance.index.model import (
    BlockRows,
    Certificate,
    IndexState,
    Nearest,
    Neighbour,
    checked_parts,
    index_mismatch,
)
from countenance.index.ports import RowNumbers, TemplateSearch

Rows = Mapping[int, tuple[str, int, Templates]]
"""Block, subject and template by row; replaced, never changed."""


class MemoryIndex:
    """Implements `FollowingIndex` by scoring every row in float64: slow, and so plain that others are held to it."""

    def __init__(self, dim: int) -> None:
        """Start empty."""
        self._dim = dim
        self.revision = -1
        self._held: Rows = {}
        self._last_row = 0
        self._condemned = False
        self._lock = Lock()

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    def __len__(self) -> int:
        """See the port."""
        return len(self._held)

    def add(self, *parts: BlockRows) -> None:
        """See the port."""
        new = {
            row: (part.block, subject, vector.copy())
            for part in checked_parts(parts, dim=self._dim)
            for row, subject, vector in zip(part.rows.tolist(), part.subjects.tolist(), part.templates, strict=True)
        }
        with self._lock:
            if not self._held.keys().isdisjoint(new):
                raise ValueError("a row number is in the index already")
            self._held = {**self._held, **new}
            self._last_row = max(self._last_row, *new) if new else self._last_row

    @property
    def last_row(self) -> int:
        """See the port."""
        return self._last_row

    def blocks(self) -> Collection[str]:
        """See the port."""
        return {block for block, _, _ in self._held.values()}

    def following(self) -> AbstractContextManager[None]:
        """See the port; nobody else holds it."""
        return nullcontext()

    def newest(self) -> Collection[int]:
        """See the port."""
        return [int(self.rows(block)[-1]) for block in self.blocks()]

    def count(self, block: str) -> int:
        """See the port."""
        return len(self.rows(block))

    def rows(self, block: str | None = None) -> RowNumbers:
        """See the port."""
        chosen = (row for row, held in self._held.items() if block in {None, held[0]})
        return np.array(sorted(chosen), dtype=np.int64)

    def keep(self, block: str, rows: RowNumbers) -> None:
        """See the port."""
        self.remove(np.setdiff1d(self.rows(block), rows))

    def differing(self, part: BlockRows) -> RowNumbers:
        """See the port."""
        templates = as_templates(part.templates, dim=self._dim)
        wanted = zip(part.rows.tolist(), part.subjects.tolist(), templates, strict=True)
        differing = sorted(row for row, *facts in wanted if not self._holds(row, part.block, *facts))
        return np.array(differing, dtype=np.int64)

    def _holds(self, row: int, block: str, subject: int, template: Templates) -> bool:
        """Say whether a row is held just so."""
        held = self._held.get(row)
        return held is not None and held[:2] == (block, subject) and np.array_equal(held[2], template)

    def clear(self) -> None:
        """See the port."""
        with self._lock:
            self._held, self._last_row, self._condemned, self.revision = {}, 0, False, -1

    def condemn(self) -> None:
        """See the port."""
        self._condemned = True

    def settle(self, gone: Collection[int] = ()) -> str:
        """See the port; nothing is stored."""
        del gone
        return ""

    def state(self) -> IndexState:
        """See the port; nothing is stored."""
        return IndexState(place="memory", rows=len(self))

    def close(self) -> None:
        """See the port; nothing is held open."""

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """See the port."""
        gone = {int(row) for row in rows}
        with self._lock:
            self._held = {row: held for row, held in self._held.items() if row not in gone}

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port."""
        return self.pinned()(probes, blocks=blocks, limit=limit, threshold=threshold)

    def pinned(self) -> TemplateSearch:
        """See the port; rows that are taken out since are still found."""
        if self._condemned:
            raise index_mismatch("it was condemned")
        return partial(self._searched, self._held)

    def _searched(
        self, held: Rows, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """Score some rows."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        eligible = [(row, subject, vector) for row, (block, subject, vector) in held.items() if block in blocks]
        certificate = Certificate(
            rows=len(eligible),
            subjects=len({subject for _, subject, _ in eligible}),
            scored=len(eligible),
            cut=-1.0 if threshold is None else threshold,
            bound=None,
        )
        answers: list[Nearest] = []
        for probe in as_templates(probes, dim=self._dim):
            scored = [
                Neighbour(row, subject, float(cosine(probe, vector[None])[0])) for row, subject, vector in eligible
            ]
            best: dict[int, Neighbour] = {}
            for near in sorted(scored, key=lambda near: (-near.score, near.row)):
                if threshold is None or near.score >= threshold:
                    best.setdefault(near.subject, near)
            answers.append(Nearest(neighbours=tuple(best.values())[:limit], certificate=certificate))
        return answers

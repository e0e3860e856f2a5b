"""usearch's graph over int8 rows, as it comes: a baseline. No gallery is ever searched with it."""

from pathlib import Path

import numpy as np
from usearch.index import Index

from countenance.core.arrays import Templates
from countenance.index.ports import RowNumbers

LINKS = 32
"""As FAISS's graph has."""

BUILD_BREADTH = 128
"""usearch's own."""

SEARCH_BREADTH = 128
"""Generous for 50 neighbours: usearch's own is 64."""


class UsearchBaseline:
    """Implements `KeptEngine`."""

    def __init__(self, dim: int, *, build_breadth: int | None = None) -> None:
        """Start empty; how broadly a row's neighbours are looked for is usearch's own choice where it is None."""
        self._index = Index(
            ndim=dim,
            metric="cos",
            dtype="i8",
            connectivity=LINKS,
            expansion_add=build_breadth or BUILD_BREADTH,
            expansion_search=SEARCH_BREADTH,
        )

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """See the protocol."""
        self._index.add(rows.astype(np.uint64), templates)

    def build(self) -> None:
        """See the protocol."""

    def search(self, probe: Templates, limit: int) -> RowNumbers:
        """See the protocol."""
        return self._index.search(probe[0], limit).keys.astype(np.int64)

    def elsewhere_bytes(self) -> int:
        """See the protocol."""
        return 0

    def save(self, path: Path) -> None:
        """See the protocol."""
        self._index.save(path)

    def load(self, path: Path) -> None:
        """See the protocol."""
        self._index.load(path)

    def close(self) -> None:
        """See the protocol."""
        self._index.reset()  # type: ignore[no-untyped-call]

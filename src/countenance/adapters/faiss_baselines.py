"""FAISS's own indexes, as they come: what the engines are compared with. No gallery is ever searched with them."""

from pathlib import Path

import faiss
import numpy as np

from countenance.core.arrays import Templates
from countenance.index.ports import RowNumbers

HNSW_LINKS = 32
HNSW_BUILD_BREADTH = 40
"""FAISS's own."""

HNSW_SEARCH_BREADTH = 128
"""Generous for 50 neighbours: FAISS's own is 16."""


class FaissBaseline:
    """Implements `KeptEngine` over one FAISS index."""

    def __init__(self, index: faiss.Index) -> None:
        """Wrap an empty index; its row i is the i-th row added."""
        self._index = index
        self._rows: list[RowNumbers] = []
        self._numbers = np.zeros(0, np.int64)

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """See the protocol."""
        self._rows.append(rows.copy())
        self._index.add(templates)

    def build(self) -> None:
        """See the protocol."""
        self._numbers = np.concatenate(self._rows)
        self._rows.clear()

    def search(self, probe: Templates, limit: int) -> RowNumbers:
        """See the protocol."""
        _, [places] = self._index.search(probe, limit)
        found: RowNumbers = self._numbers[places[places >= 0]]
        return found

    def elsewhere_bytes(self) -> int:
        """See the protocol."""
        return 0

    def save(self, path: Path) -> None:
        """See the protocol."""
        faiss.write_index(self._index, str(path))

    def load(self, path: Path) -> None:
        """See the protocol; a kept index holds the rows from 1."""
        self._index = faiss.read_index(str(path))
        self._numbers = np.arange(1, 1 + self._index.ntotal)

    def close(self) -> None:
        """See the protocol."""
        self._index.reset()


def faiss_flat(dim: int) -> FaissBaseline:
    """Return float32 brute force, inner products."""
    return FaissBaseline(faiss.IndexFlatIP(dim))


def faiss_hnsw(dim: int, *, build_breadth: int | None = None) -> FaissBaseline:
    """Return a graph of small worlds over float32 rows, inner products.

    Args:
        build_breadth: How broadly a row's neighbours are looked for; FAISS's own choice where it is None.

    Source:
        Malkov, Yashunin, "Efficient and robust approximate nearest neighbor search using HNSW graphs", TPAMI 2020.
    """
    index = faiss.IndexHNSWFlat(dim, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = build_breadth or HNSW_BUILD_BREADTH
    index.hnsw.efSearch = HNSW_SEARCH_BREADTH
    return FaissBaseline(index)

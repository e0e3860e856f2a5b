"""Every engine behind the index's port, and templates to fill it with: what contract and property tests share."""

import os
from collections.abc import Callable, Collection, Mapping
from functools import cache

import numpy as np

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.engine import ExactIndex
from countenance.adapters.exact.kernel import CompiledScan, NumpyScan, Scan
from countenance.adapters.memory_index import MemoryIndex
from countenance.core.arrays import Templates
from countenance.index.model import BlockRows
from countenance.index.ports import Originals, TemplateIndex
from countenance.index.rotation import Rotation

MILVUS = "COUNTENANCE_TEST_MILVUS"
"""Address of a Milvus server; only where tests/contract/test_milvus_servers.py has started one."""


class WithRecords:
    """An index beside what stands for the records: the full-precision templates of all rows that it holds."""

    def __init__(self, make: Callable[[Originals], TemplateIndex]) -> None:
        self._stored: dict[int, Templates] = {}
        self._index = make(self._originals)
        self.dim = self._index.dim
        self.search = self._index.search

    def __len__(self) -> int:
        return len(self._index)

    def add(self, *parts: BlockRows) -> None:
        for part in parts:
            if len(part.rows) == len(part.templates):
                self._stored = dict(zip(part.rows.tolist(), part.templates.copy(), strict=True)) | self._stored
        self._index.add(*parts)

    def remove(self, rows: Collection[int]) -> None:
        self._index.remove(rows)
        self._stored = {row: template for row, template in self._stored.items() if row not in set(rows)}

    def _originals(self, rows: Collection[int]) -> Mapping[int, Templates]:
        stored = self._stored
        return {row: stored[row] for row in rows if row in stored}


def exact(dim: int, scan: Scan) -> TemplateIndex:
    """Return an empty exact engine that scans in one of its ways."""
    return WithRecords(lambda originals: ExactIndex(dim, originals=originals, scan=scan))


def rotated(dim: int) -> TemplateIndex:
    """Return an empty exact engine whose rows stand under a rotation."""
    rotation = Rotation.random(dim)
    return WithRecords(lambda originals: ExactIndex(dim, originals=originals, rotation=rotation))


ENGINES: dict[str, Callable[[int], TemplateIndex]] = {
    "memory": MemoryIndex,
    "exact": lambda dim: exact(dim, CompiledScan()),
    "exact, plain C": lambda dim: exact(dim, CompiledScan(level=0)),
    "exact, NumPy": lambda dim: exact(dim, NumpyScan()),
    "exact, rotated": rotated,
    "compact": lambda dim: WithRecords(lambda originals: CompactIndex(dim, originals)),
}
"""An empty index of a dimension, by the engine's name."""

if MILVUS in os.environ:
    from countenance.adapters.milvus.engine import MilvusIndex
    from countenance.adapters.milvus.server import Filter, MilvusServer, TemplateCollection

    @cache
    def collection(dim: int) -> TemplateCollection:
        """Return the one collection that all tests use: a server takes seconds to make one."""
        return MilvusServer(os.environ[MILVUS]).remade("contract", dim)

    def emptied(dim: int, originals: Originals) -> MilvusIndex:
        """Return it without rows, with records and a rotation of its own."""
        collection(dim).delete(Filter.of(low=0))
        return MilvusIndex(dim, originals, collection=collection(dim), rotation=Rotation.random(dim))

    ENGINES["milvus"] = lambda dim: WithRecords(lambda originals: emptied(dim, originals))


def unit_rows(*, seed: int, n: int, dim: int = 16) -> Templates:
    """Return random templates, the same for the same arguments."""
    rows = np.random.default_rng(seed).normal(size=(n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def at_cosines(probe: Templates, cosines: list[float]) -> Templates:
    """Return templates that stand at (about) these cosines to a probe; float32, shape (n, dim)."""
    aside = np.roll(probe.astype(np.float64), 1)
    aside -= (aside @ probe) * probe
    aside /= np.linalg.norm(aside)
    wanted = np.array(cosines)[:, None]
    return (wanted * probe + np.sqrt(1 - wanted**2) * aside).astype(np.float32)

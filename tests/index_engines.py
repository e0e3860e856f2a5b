"""Every engine behind the index's port, and templates to fill it with: what contract and property tests share."""

from collections.abc import Callable

import numpy as np

from countenance.adapters.exact.kernel import CompiledScan, NumpyScan
from countenance.adapters.exact.standalone import StandaloneExactIndex
from countenance.adapters.memory import MemoryIndex
from countenance.core.arrays import Templates
from countenance.index.ports import TemplateIndex

ENGINES: dict[str, Callable[[int], TemplateIndex]] = {
    "memory": MemoryIndex,
    "exact": lambda dim: StandaloneExactIndex(dim, scan=CompiledScan()),
    "exact, plain C": lambda dim: StandaloneExactIndex(dim, scan=CompiledScan(level=0)),
    "exact, NumPy": lambda dim: StandaloneExactIndex(dim, scan=NumpyScan()),
}
"""An empty index of a dimension, by the engine's name."""


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

"""The exact engine with full-precision templates of its own, in a temporary file: where there are no records."""

import os
from collections.abc import Collection, Mapping
from tempfile import TemporaryFile
from threading import Lock
from weakref import finalize

import numpy as np

from countenance.adapters.exact.engine import ExactIndex
from countenance.adapters.exact.kernel import Scan
from countenance.core.arrays import Templates, as_templates
from countenance.index.model import Nearest
from countenance.index.ports import RowNumbers


class StandaloneExactIndex:
    """Implements `TemplateIndex`: an `ExactIndex`, and the templates that it scores in full precision from.

    For benchmarks and for programs that have no records. The templates stand in a sparse file by row number; it has no
    name and is gone with the process.
    """

    def __init__(self, dim: int, *, scan: Scan | None = None) -> None:
        """Start empty."""
        self._index = ExactIndex(dim, originals=self._originals, scan=scan)
        self._row_bytes = dim * np.dtype(np.float32).itemsize
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the index is
        finalize(self, self._file.close)
        self._lock = Lock()

    @property
    def dim(self) -> int:
        """See the port."""
        return self._index.dim

    @property
    def nbytes(self) -> int:
        """Bytes that the rows take in memory."""
        return self._index.nbytes

    def __len__(self) -> int:
        """See the port."""
        return len(self._index)

    def add(self, block: str, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> None:
        """See the port."""
        checked = as_templates(templates, dim=self.dim)
        with self._lock:
            # What the engine will refuse must not be written over what it holds.
            if len(rows) == len(checked) and not self._index.holds_any(rows):
                for row, template in zip(rows.tolist(), checked, strict=True):
                    os.pwrite(self._file.fileno(), template.tobytes(), row * self._row_bytes)
            self._index.add(block, rows=rows, subjects=subjects, templates=checked)

    def remove(self, rows: Collection[int]) -> None:
        """See the port; what stood there is overwritten, in memory and in the file."""
        with self._lock:
            gone = [row for row in rows if self._index.holds_any(np.array([row]))]
            self._index.remove(gone)
            for row in gone:
                os.pwrite(self._file.fileno(), bytes(self._row_bytes), row * self._row_bytes)

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port; every answer is certified."""
        return self._index.search(probes, blocks=blocks, limit=limit, threshold=threshold)

    def _originals(self, rows: Collection[int]) -> Mapping[int, Templates]:
        """Read templates; an erased one is zeros."""
        read = {
            row: np.frombuffer(os.pread(self._file.fileno(), self._row_bytes, row * self._row_bytes), np.float32)
            for row in rows
        }
        return {row: template for row, template in read.items() if template.any()}

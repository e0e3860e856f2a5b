"""The sift in Python's reach: which rows' 4-bit codes are worth a look at their int8 codes."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from countenance.adapters.compact.coder import COLUMNS, ENTRY, Tables
from countenance.adapters.exact.bounds import QuantisedProbe
from countenance.adapters.exact.kernel import (
    GROUP,
    LIBRARY,
    CSearch,
    Laid,
    Room,
    Scanned,
    loaded,
    with_room,
)
from countenance.adapters.exact.parallel import on_all_cores, together

SAMPLED_GROUPS = 256
"""Groups of 32 rows a core whose sums say how many rows a sum lets through."""


class Sift:
    """Finds the rows whose upper bound reaches the `depth`-th highest lower bound, among those with the best codes."""

    def __init__(self, library: Path = LIBRARY, *, level: int | None = None) -> None:
        """Load the library; see `CompiledScan`."""
        self._library, self._level = loaded(library, level)

    def __call__(
        self, parts: Sequence[Laid], probe: QuantisedProbe, tables: Tables, *, share: int, floor: float, depth: int
    ) -> Scanned:
        """Judge about `share` rows, and never less than half of that, or all where they are fewer; on all cores."""
        counts = np.sum([self._tally(part, tables) for part in parts], axis=0)
        rows = sum(part.rows for part in parts)
        while True:
            share = min(share, rows)
            least = int(np.searchsorted(-counts, -share * counts[0] / rows, side="right")) - 1
            on_part = _Part(
                self._library, self._level, probe=probe, tables=tables, least=least, floor=floor, depth=depth
            )
            found = on_all_cores(on_part, parts)
            if not least or 2 * sum(sifted for _, sifted in found) >= share:
                return together([scanned for scanned, _ in found], parts)
            share *= 2

    def _tally(self, part: Laid, tables: Tables) -> NDArray[np.int64]:
        """Return how many rows of a sample have a sum of at least 0, 1, 2 ...; int64, and 0 in the end."""
        counts = np.zeros(len(tables) * ENTRY + 2, np.int64)
        self._library.tally(
            part.given,
            ctypes.c_int64(len(part)),
            ctypes.c_int64(len(tables) * COLUMNS),
            ctypes.c_void_p(tables.ctypes.data),
            ctypes.c_int64(max(1, part.rows // GROUP // SAMPLED_GROUPS)),
            self._level,
            ctypes.c_void_p(counts.ctypes.data),
        )
        return counts[::-1].cumsum()[::-1]


@dataclass(frozen=True, slots=True)
class _Part:
    """One probe's sift of a part of the rows, on one core."""

    library: ctypes.CDLL
    level: int
    probe: QuantisedProbe = field(kw_only=True)
    tables: Tables = field(kw_only=True)
    least: int = field(kw_only=True)
    floor: float = field(kw_only=True)
    depth: int = field(kw_only=True)

    def __call__(self, part: Laid) -> tuple[Scanned, int]:
        """Return what was found, and how many rows were judged."""
        room = Room(self.probe, floor=self.floor, depth=self.depth)
        searches = (CSearch * 1)(room.search)
        given, count, dim = part.given, ctypes.c_int64(len(part)), ctypes.c_int64(len(self.probe.codes))
        entries = ctypes.c_void_p(self.tables.ctypes.data)
        with_room(
            lambda piece, at: self.library.sift(
                given, count, dim, searches, entries, self.least, self.level, piece, at
            ),
            [room],
            searches,
        )
        return room.scanned(searches[0], complete=False), searches[0].sifted

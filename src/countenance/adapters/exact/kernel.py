"""The scan in Python's reach: the compiled one where it was built, else the same in NumPy."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.adapters.exact.bounds import Codes, QuantisedProbe, Terms

LIBRARY = Path(__file__).with_name("scan.so")
"""Put there when the package is built with a C compiler at hand."""

ROOM = 4096
"""Rows that a probe's first room for kept ones has; doubled where they are more."""

CHUNK = 4096
"""Rows that the NumPy scan takes at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows to scan: codes int8, shape (n, padded dim), terms uint32, shape (n,); both C-contiguous."""

    codes: Codes
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The rows of a scan that can reach its cut.

    Attributes:
        rows: int64, shape (m,): positions in the pieces laid end to end, rising.
        dots: int32, shape (m,): their codes' dot products with the probe's.
        cut: Every row that is not in `rows` has an upper bound below this.
        left: The largest upper bound of the rows that are not in `rows`; -inf where there are none.
    """

    rows: NDArray[np.int64]
    dots: NDArray[np.int32]
    cut: float
    left: float


class Scan(Protocol):
    """Finds the rows whose upper bound reaches the `depth`-th highest lower bound and `floor`."""

    def __call__(
        self, pieces: Sequence[Piece], probes: Sequence[QuantisedProbe], *, floor: float, depth: int
    ) -> list[Scanned]:
        """Scan for several probes at once; one answer a probe."""


class _CPiece(ctypes.Structure):
    _fields_ = (
        ("codes", ctypes.c_void_p),
        ("terms", ctypes.c_void_p),
        ("n", ctypes.c_int64),
        ("first", ctypes.c_int64),
    )


class _CSearch(ctypes.Structure):
    _fields_ = (
        ("codes", ctypes.c_void_p),
        ("step", ctypes.c_float),
        ("norm", ctypes.c_float),
        ("slack", ctypes.c_float),
        ("floor", ctypes.c_float),
        ("depth", ctypes.c_int32),
        ("held", ctypes.c_int32),
        ("heap", ctypes.c_void_p),
        ("cut", ctypes.c_float),
        ("left", ctypes.c_float),
        ("capacity", ctypes.c_int64),
        ("count", ctypes.c_int64),
        ("rows", ctypes.c_void_p),
        ("dots", ctypes.c_void_p),
    )


class CompiledScan:
    """Implements `Scan` with `scan.c`; other threads run meanwhile."""

    def __init__(self, library: Path = LIBRARY, *, level: int | None = None) -> None:
        """Load the library.

        Args:
            level: 0 for plain C, 1 for AVX2; None means the best that this processor has.

        Raises:
            FileNotFoundError: it was not built.
        """
        if not library.is_file():
            raise FileNotFoundError(f"{library} was not built: install the package again with a C compiler at hand")
        self._library = ctypes.CDLL(str(library))
        self._level = self._library.scan_level() if level is None else level

    def __call__(
        self, pieces: Sequence[Piece], probes: Sequence[QuantisedProbe], *, floor: float, depth: int
    ) -> list[Scanned]:
        """See the protocol."""
        if not pieces:
            return [_nothing(floor) for _ in probes]
        starts = np.cumsum([0, *(len(piece.terms) for piece in pieces)])
        given = (_CPiece * len(pieces))(
            *(
                _CPiece(piece.codes.ctypes.data, piece.terms.ctypes.data, len(piece.terms), start)
                for piece, start in zip(pieces, starts[:-1].tolist(), strict=True)
            )
        )
        rooms = [_Room(probe, floor=floor, depth=depth) for probe in probes]
        searches = (_CSearch * len(rooms))(*(room.search for room in rooms))
        dim, piece, at = pieces[0].codes.shape[1], ctypes.c_int64(0), ctypes.c_int64(0)
        while not self._library.scan(
            given,
            ctypes.c_int64(len(pieces)),
            ctypes.c_int64(dim),
            searches,
            len(rooms),
            self._level,
            ctypes.byref(piece),
            ctypes.byref(at),
        ):
            for room, search in zip(rooms, searches, strict=True):
                room.double(search)
        return [room.scanned(search) for room, search in zip(rooms, searches, strict=True)]


class _Room:
    """The memory behind one probe's search."""

    def __init__(self, probe: QuantisedProbe, *, floor: float, depth: int) -> None:
        self._codes = probe.codes
        self._heap = np.empty(depth, np.float32)
        self._rows = np.empty(ROOM, np.int64)
        self._dots = np.empty(ROOM, np.int32)
        self.search = _CSearch(
            codes=self._codes.ctypes.data,
            step=probe.step,
            norm=probe.norm,
            slack=probe.slack,
            floor=_float32_down(floor),
            depth=depth,
            heap=self._heap.ctypes.data,
            cut=_opened(_float32_down(floor)),
            left=-np.inf,
            capacity=ROOM,
            rows=self._rows.ctypes.data,
            dots=self._dots.ctypes.data,
        )

    def double(self, search: _CSearch) -> None:
        """Make more room for kept rows; what was kept stays."""
        self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._dots = np.concatenate([self._dots, np.empty_like(self._dots)])
        search.capacity = len(self._rows)
        search.rows, search.dots = self._rows.ctypes.data, self._dots.ctypes.data

    def scanned(self, search: _CSearch) -> Scanned:
        """Return what was kept."""
        return Scanned(
            rows=self._rows[: search.count], dots=self._dots[: search.count], cut=search.cut, left=search.left
        )


class NumpyScan:
    """Implements `Scan` without a compiler. Products and sums of these integers are exact in float64 too."""

    def __call__(
        self, pieces: Sequence[Piece], probes: Sequence[QuantisedProbe], *, floor: float, depth: int
    ) -> list[Scanned]:
        """See the protocol."""
        return [self._one(pieces, probe, floor, depth) for probe in probes]

    def _one(self, pieces: Sequence[Piece], probe: QuantisedProbe, floor: float, depth: int) -> Scanned:
        """Scan for one probe, chunk by chunk, the cut rising as lower bounds come in."""
        kept, best = [(np.zeros(0, np.int64), np.zeros(0, np.int32))], np.zeros(0)
        cut, left, first = _opened(floor), -np.inf, 0
        codes = probe.codes.astype(np.float64)
        for piece in pieces:
            for at in range(0, len(piece.terms), CHUNK):
                dots = (piece.codes[at : at + CHUNK].astype(np.float64) @ codes).astype(np.int32)
                lower, upper = probe.bounds(dots, piece.terms[at : at + CHUNK])
                reach = upper >= cut
                left = max(left, float(upper[~reach].max(initial=-np.inf)))
                kept.append((np.flatnonzero(reach) + first + at, dots[reach]))
                best = np.concatenate([best, lower[reach]])
                if len(best) >= depth:
                    best = np.partition(best, len(best) - depth)[-depth:]
                    cut = _opened(max(float(best[0]), floor))
            first += len(piece.terms)
        rows, dots = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        return Scanned(rows=rows, dots=dots, cut=cut, left=left)


@cache
def best_scan() -> Scan:
    """Return the compiled scan, or the NumPy one where it was not built."""
    return CompiledScan() if LIBRARY.is_file() else NumpyScan()


def _opened(cut: float) -> float:
    """Return a cut that leaves nobody where it is -1 or less: scores are clipped."""
    return cut if cut > -1.0 else -np.inf


def _float32_down(value: float) -> float:
    """Return a float32 that is not above a number."""
    return float(np.nextafter(np.float32(value), np.float32(-np.inf)))


def _nothing(floor: float) -> Scanned:
    return Scanned(rows=np.zeros(0, np.int64), dots=np.zeros(0, np.int32), cut=_opened(floor), left=-np.inf)

"""The scan in Python's reach: the compiled one where it was built, else the same in NumPy."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from countenance.adapters.exact.bounds import Codes, QuantisedProbe, Terms
from countenance.core.errors import UnavailableError

LIBRARY = Path(__file__).with_name("scan.so")
"""Put there when the package is built with a C compiler at hand."""

LAYOUT = 2
"""What the library must say of itself: one built from other sources would read these structures wrongly."""

ROOM = 4096
"""Rows that a probe's first room for kept ones has; doubled where they are more."""

CHUNK = 4096
"""Rows that the NumPy scan takes at a time."""

GROUP = 32
"""Rows whose 4-bit codes stand together."""

SmallCodes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows to scan, all C-contiguous.

    Attributes:
        codes: int8, shape (n, padded dim).
        terms: uint32, shape (n,).
        small: uint8, shape (groups, padded dim / 8, 32): 4-bit codes, for a sift alone.
    """

    codes: Codes
    terms: Terms
    small: SmallCodes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The rows of a scan that can reach its cut.

    Attributes:
        rows: int64, shape (m,): positions in the pieces laid end to end, rising.
        dots: int32, shape (m,): their codes' dot products with the probe's.
        terms: uint32, shape (m,): theirs.
        cut: Every row that is not in `rows` has an upper bound below this.
        left: The largest upper bound of the rows that are not in `rows`; -inf where there are none.
        complete: Whether these two hold of every row, and not only of those that a sift let through.
    """

    rows: NDArray[np.int64]
    dots: NDArray[np.int32]
    terms: Terms
    cut: float
    left: float
    complete: bool = True


class Scan(Protocol):
    """Finds the rows whose upper bound reaches the `depth`-th highest lower bound and `floor`."""

    def __call__(
        self, pieces: Sequence[Piece], probes: Sequence[QuantisedProbe], *, floor: float, depth: int
    ) -> list[Scanned]:
        """Scan for several probes at once; one answer a probe."""


class CPiece(ctypes.Structure):
    """`piece` of scan.h."""

    _fields_ = (
        ("codes", ctypes.c_void_p),
        ("terms", ctypes.c_void_p),
        ("n", ctypes.c_int64),
        ("first", ctypes.c_int64),
        ("small", ctypes.c_void_p),
    )


class Laid(tuple[Piece, ...]):  # noqa: SLOT001 - what is worked out once is kept in it
    """Pieces laid end to end, for many calls of the library."""

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> Self:
        """Return the pieces laid."""
        return pieces if isinstance(pieces, cls) else cls(pieces)

    @cached_property
    def given(self) -> ctypes.Array[CPiece]:
        """What the library takes."""
        given, first = (CPiece * len(self))(), 0
        for laid, piece in zip(given, self, strict=True):
            laid.codes, laid.terms = piece.codes.ctypes.data, piece.terms.ctypes.data
            laid.small = None if piece.small is None else piece.small.ctypes.data
            laid.n, laid.first = len(piece.terms), first
            first += len(piece.terms)
        return given

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(len(piece.terms) for piece in self)


class CSearch(ctypes.Structure):
    """`search` of scan.h."""

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
        ("terms", ctypes.c_void_p),
        ("sifted", ctypes.c_int64),
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
        self._library, self._level = loaded(library, level)

    def __call__(
        self, pieces: Sequence[Piece], probes: Sequence[QuantisedProbe], *, floor: float, depth: int
    ) -> list[Scanned]:
        """See the protocol."""
        if not pieces:
            return [nothing(floor) for _ in probes]
        given, dim = Laid.of(pieces).given, ctypes.c_int64(pieces[0].codes.shape[1])
        rooms = [Room(probe, floor=floor, depth=depth) for probe in probes]
        searches = (CSearch * len(rooms))(*(room.search for room in rooms))
        scan, count = self._library.scan, ctypes.c_int64(len(pieces))
        with_room(
            lambda piece, at: scan(given, count, dim, searches, len(rooms), self._level, piece, at), rooms, searches
        )
        return [room.scanned(search) for room, search in zip(rooms, searches, strict=True)]


def loaded(library: Path, level: int | None) -> tuple[ctypes.CDLL, int]:
    """Load the library, once; return it and the level at which to call it, the processor's best where none is named.

    Raises:
        FileNotFoundError: it was not built.
        UnavailableError: code `scan-library-stale`, it was built from other sources than these.
    """
    if not library.is_file():
        raise FileNotFoundError(f"{library} was not built: install the package again with a C compiler at hand")
    loaded_library = ctypes.CDLL(str(library))
    if not hasattr(loaded_library, "scan_layout") or loaded_library.scan_layout() != LAYOUT:
        raise UnavailableError(
            f"{library.name} was built from another version of Countenance's sources",
            code="scan-library-stale",
            hint="install the package again, e.g. `pip install --no-deps --no-build-isolation -e .`",
        )
    return loaded_library, loaded_library.scan_level() if level is None else level


def with_room(
    step: Callable[[ctypes.c_int64, ctypes.c_int64], int], rooms: Sequence["Room"], searches: ctypes.Array[CSearch]
) -> None:
    """Call until all pieces are done, with more room for kept rows each time."""
    piece, at = ctypes.c_int64(0), ctypes.c_int64(0)
    while not step(ctypes.byref(piece), ctypes.byref(at)):  # type: ignore[arg-type]
        for room, search in zip(rooms, searches, strict=True):
            room.double(search)


class Room:
    """The memory behind one probe's search."""

    def __init__(self, probe: QuantisedProbe, *, floor: float, depth: int) -> None:
        """Start with little."""
        self._codes = probe.codes
        self._heap = np.empty(depth, np.float32)
        self._rows = np.empty(ROOM, np.int64)
        self._dots = np.empty(ROOM, np.int32)
        self._terms = np.empty(ROOM, np.uint32)
        self.search = CSearch(
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
            terms=self._terms.ctypes.data,
        )

    def double(self, search: CSearch) -> None:
        """Make more room for kept rows; what was kept stays."""
        self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._dots = np.concatenate([self._dots, np.empty_like(self._dots)])
        self._terms = np.concatenate([self._terms, np.empty_like(self._terms)])
        search.capacity = len(self._rows)
        search.rows, search.dots = self._rows.ctypes.data, self._dots.ctypes.data
        search.terms = self._terms.ctypes.data

    def scanned(self, search: CSearch, *, complete: bool = True) -> Scanned:
        """Return what was kept."""
        kept = slice(search.count)
        return Scanned(
            rows=self._rows[kept],
            dots=self._dots[kept],
            terms=self._terms[kept],
            cut=search.cut,
            left=search.left,
            complete=complete,
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
        kept, best = [(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint32))], np.zeros(0)
        cut, left, first = _opened(floor), -np.inf, 0
        codes = probe.codes.astype(np.float64)
        for piece in pieces:
            for at in range(0, len(piece.terms), CHUNK):
                dots = (piece.codes[at : at + CHUNK].astype(np.float64) @ codes).astype(np.int32)
                terms = piece.terms[at : at + CHUNK]
                lower, upper = probe.bounds(dots, terms)
                reach = upper >= cut
                left = max(left, float(upper[~reach].max(initial=-np.inf)))
                kept.append((np.flatnonzero(reach) + first + at, dots[reach], terms[reach]))
                best = np.concatenate([best, lower[reach]])
                if len(best) >= depth:
                    best = np.partition(best, len(best) - depth)[-depth:]
                    cut = _opened(max(float(best[0]), floor))
            first += len(piece.terms)
        rows, dots, terms = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        return Scanned(rows=rows, dots=dots, terms=terms, cut=cut, left=left)


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


def nothing(floor: float) -> Scanned:
    """Return what a scan of no rows finds."""
    rows, dots, terms = np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint32)
    return Scanned(rows=rows, dots=dots, terms=terms, cut=_opened(floor), left=-np.inf)

"""Up to half a million rows of one block, as the compact engine keeps them: codes to scan, int8 rows to score again."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Scores, Templates
from countenance.index.ports import RowNumbers
from countenance.index.storage import unnamed_file

SEGMENT_ROWS = 1 << 19
"""Rows a segment holds at most: what one core scans at once."""

FIRST_ROWS = 1 << 10
"""Rows that a new segment has room for; it doubles."""

CHUNK_ROWS = 1 << 10
"""Rows that are turned from or into int8 at once: 512 kB in float32 at 128 dimensions, which caches hold."""

LEVELS = 127
"""The largest int8 number used; each row is stretched until its largest component is that."""

Int8Rows = NDArray[np.int8]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Rows of one segment that may be among a probe's nearest.

    Attributes:
        rows: int64, shape (n,).
        subjects: int64, shape (n,).
        scores: float64, shape (n,): of the int8 rows, within the rounding of the true ones.
    """

    rows: RowNumbers
    subjects: RowNumbers
    scores: Scores


class Segment:
    """Rows of one block. Not thread-safe: the index locks."""

    def __init__(self, dim: int, folder: Path | None) -> None:
        """Start empty.

        Args:
            folder: Where int8 rows are mapped from, in files without a name that end with the process; None keeps them
                in memory.
        """
        self._dim = dim
        self._folder = folder
        self._int8 = self._room(FIRST_ROWS)
        self._rows = np.zeros(FIRST_ROWS, np.uint32)
        self._subjects = np.zeros(FIRST_ROWS, np.uint32)
        self._codes: Any = None
        self._n = 0

    def __len__(self) -> int:
        """Number of rows."""
        return self._n

    @property
    def rows(self) -> NDArray[np.uint32]:
        """The rows' numbers, in the order of their places."""
        return self._rows[: self._n]

    def append(self, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> float:
        """Add as many rows as the caller has made sure that fit.

        Returns:
            The longest rounding residual: the distance of a template from its int8 row's direction.
        """
        stop = self._n + len(rows)
        self._grow(stop)
        self._rows[self._n : stop] = rows
        self._subjects[self._n : stop] = subjects
        longest = 0.0
        for start in range(0, len(rows), CHUNK_ROWS):
            exact = templates[start : start + CHUNK_ROWS]
            stretched = np.rint(exact * (LEVELS / np.abs(exact).max(axis=1, keepdims=True)))
            self._int8[self._n : self._n + len(exact)] = stretched
            stretched /= np.sqrt(np.einsum("ij,ij->i", stretched, stretched))[:, None]
            if self._codes is not None:
                self._codes.add(stretched)
            stretched -= exact
            longest = max(longest, float(np.einsum("ij,ij->i", stretched, stretched).max()))
            self._n += len(exact)
        return math.sqrt(longest)

    def remove(self, places: Places) -> None:
        """Overwrite rows with the last ones, and these with zeros, so that no number of a removed row is left."""
        if len(places) == self._n:
            self._wipe()
            return
        for place in np.sort(places)[::-1].tolist():
            last = self._n - 1
            for array in (self._int8, self._rows, self._subjects):
                array[place] = array[last]
                array[last] = 0
            if self._codes is not None:
                self._move_code(last, place)
            self._n = last

    def same_rows(self, other: "Segment") -> RowNumbers:
        """Return the numbers of the rows that another segment holds bit by bit as this one; int64."""
        numbers, mine, theirs = np.intersect1d(self.rows, other.rows, return_indices=True)
        same = (self._int8[mine] == other._int8[theirs]).all(axis=1)  # noqa: SLF001 - of its own kind
        same &= self._subjects[mine] == other._subjects[theirs]  # noqa: SLF001 - of its own kind
        found: RowNumbers = numbers[same].astype(np.int64)
        return found

    def encode(self, quantiser: faiss.ProductQuantizer) -> None:
        """Make the codes again, with a trained quantiser."""
        self._codes = faiss.IndexPQFastScan(self._dim, quantiser.M, quantiser.nbits, faiss.METRIC_INNER_PRODUCT)
        self._codes.pq = quantiser
        self._codes.is_trained = True
        for directions in self.directions():
            self._codes.add(directions)

    def directions(self) -> Iterator[Templates]:
        """Yield the int8 rows as unit vectors, float32, in chunks."""
        for start in range(0, self._n, CHUNK_ROWS):
            yield self.directions_at(np.arange(start, min(start + CHUNK_ROWS, self._n)))

    def directions_at(self, places: Places) -> Templates:
        """Return some int8 rows as unit vectors, float32, shape (n, dim)."""
        rows = self._int8[places].astype(np.float32)
        rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
        return rows

    def scan(self, probes: Templates, share: int | None) -> list[Places]:
        """Return the places of the rows with the best codes, for each probe.

        Args:
            share: How many at most; None, or as many as there are rows: all, without a scan.
        """
        if share is None or share >= self._n or self._codes is None:
            return [np.arange(self._n)] * len(probes)
        _, places = self._codes.search(probes, share)
        return [line[line >= 0] for line in places]

    def shortlist(self, probes: Templates, share: int | None) -> list[Shortlist]:
        """Scan, and score what was found from the int8 rows."""
        return [
            Shortlist(
                self._rows[places].astype(np.int64),
                self._subjects[places].astype(np.int64),
                self._scores(probe, places),
            )
            for probe, places in zip(probes, self.scan(probes, share), strict=True)
        ]

    def code(self, place: int) -> NDArray[np.uint8]:
        """Return a copy of one row's code."""
        packer = self._codes.get_CodePacker()
        code: NDArray[np.uint8] = packer.unpack_1(self._code_block(place), place % packer.nvec)
        return code

    def _write_code(self, place: int, code: NDArray[np.uint8]) -> None:
        packer = self._codes.get_CodePacker()
        packer.pack_1(code, place % packer.nvec, self._code_block(place))

    def _code_block(self, place: int) -> NDArray[np.uint8]:
        """Return the memory in which FAISS keeps a row's code together with its neighbours'; not a copy."""
        packer, codes = self._codes.get_CodePacker(), self._codes.codes
        blocks = faiss.rev_swig_ptr(codes.get(), codes.size()).reshape(-1, packer.block_size)
        at = place // packer.nvec
        block: NDArray[np.uint8] = blocks[at : at + 1]
        return block

    def _scores(self, probe: Templates, places: Places) -> Scores:
        scores = np.empty(len(places))
        for start in range(0, len(places), CHUNK_ROWS):
            rows = self._int8[places[start : start + CHUNK_ROWS]].astype(np.float32)
            scores[start : start + len(rows)] = (rows @ probe) / np.sqrt(np.einsum("ij,ij->i", rows, rows))
        return scores

    def _move_code(self, source: int, target: int) -> None:
        """Overwrite a row's code with the last one's, and that with zeros."""
        self._write_code(target, self.code(source))
        self._write_code(source, np.zeros_like(self.code(source)))
        self._codes.ntotal = source

    def _wipe(self) -> None:
        """Overwrite everything with zeros."""
        for array in (self._int8, self._rows, self._subjects):
            array[: self._n] = 0
        if self._codes is not None:
            faiss.rev_swig_ptr(self._codes.codes.get(), self._codes.codes.size())[:] = 0
            self._codes.ntotal = 0
        self._n = 0

    def _grow(self, rows: int) -> None:
        """Make room, at least twice what there is."""
        room = len(self._rows)
        if rows <= room:
            return
        room = min(max(2 * room, 1 << (rows - 1).bit_length()), SEGMENT_ROWS)
        wider = self._room(room)
        wider[: self._n] = self._int8[: self._n]
        self._int8[:] = 0
        self._int8 = wider
        self._rows = np.concatenate([self._rows, np.zeros(room - len(self._rows), np.uint32)])
        self._subjects = np.concatenate([self._subjects, np.zeros(room - len(self._subjects), np.uint32)])

    def _room(self, rows: int) -> Int8Rows:
        if self._folder is None:
            return np.zeros((rows, self._dim), np.int8)
        with unnamed_file(self._folder, rows * self._dim) as file:
            return np.memmap(file, dtype=np.int8, mode="r+", shape=(rows, self._dim))

"""Rows that stand together: their codes, terms, subjects and row numbers, packed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from countenance.adapters.exact.bounds import Codes, Terms, quantised
from countenance.adapters.exact.kernel import Piece
from countenance.core.arrays import Templates
from countenance.index.ports import RowNumbers

Positions = NDArray[np.intp]

SEGMENT_ROWS = 65_536
"""Rows up to which an addition is merged into the block's last segment: 9 MB copied at 128 dimensions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Rising numbers, packed as runs of consecutive ones: 16 bytes a run.

    Attributes:
        starts: int64, shape (m + 1,): where each run begins, and how many numbers there are.
        firsts: int64, shape (m,): the number that each run begins with.
    """

    starts: NDArray[np.int64]
    firsts: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: RowNumbers) -> Self:
        """Pack numbers, int64, shape (n,), rising."""
        begins = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 2) != 1)
        return cls(starts=np.append(begins, len(numbers)).astype(np.int64), firsts=numbers[begins])

    def __len__(self) -> int:
        """How many numbers there are."""
        return int(self.starts[-1])

    def numbers(self, positions: Positions | None = None) -> RowNumbers:
        """Return the numbers at positions, or all of them."""
        at = np.arange(len(self)) if positions is None else positions
        run = np.searchsorted(self.starts, at, side="right") - 1
        return self.firsts[run] + (at - self.starts[run])

    def positions(self, numbers: RowNumbers) -> Positions:
        """Return where numbers stand, rising; those that aren't there are passed over."""
        wanted = np.unique(numbers)
        run = np.searchsorted(self.firsts, wanted, side="right") - 1
        wanted, run = wanted[run >= 0], run[run >= 0]
        at = self.starts[run] + (wanted - self.firsts[run])
        return at[at < self.starts[run + 1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Some rows of one block, by rising row number. Replaced, never changed, but for rows that are erased.

    At 128 dimensions a row takes 136 bytes: 128 of codes, 4 of terms, 4 of its subject; and 16 a run of row numbers.

    Attributes:
        rows: Row numbers.
        subjects: uint32, shape (n,): subject numbers, less `subject_base`.
        codes: int8, shape (n, padded dim).
        terms: uint32, shape (n,).
    """

    rows: Runs
    subject_base: int
    subjects: NDArray[np.uint32]
    codes: Codes
    terms: Terms

    @classmethod
    def of(cls, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> Self:
        """Pack rows in any order, at least one."""
        order = np.argsort(rows, kind="stable")
        codes, terms = quantised(templates[order])
        return cls._packed(rows[order], subjects[order], codes, terms)

    @classmethod
    def joined(cls, parts: Iterable["Segment"]) -> Self:
        """Lay segments together."""
        listed = list(parts)
        rows = np.concatenate([part.rows.numbers() for part in listed])
        subjects = np.concatenate([part.subjects_at() for part in listed])
        codes = np.concatenate([part.codes for part in listed])
        terms = np.concatenate([part.terms for part in listed])
        if np.all(np.diff(rows) > 0):
            return cls._packed(rows, subjects, codes, terms)
        order = np.argsort(rows)
        return cls._packed(rows[order], subjects[order], codes[order], terms[order])

    @classmethod
    def _packed(cls, rows: RowNumbers, subjects: RowNumbers, codes: Codes, terms: Terms) -> Self:
        base = int(subjects.min())
        if int(subjects.max()) - base >= 2**32:
            raise ValueError("subject numbers of one block must lie within 2^32 of each other")
        return cls(
            rows=Runs.of(rows),
            subject_base=base,
            subjects=(subjects - base).astype(np.uint32),
            codes=codes,
            terms=terms,
        )

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.terms)

    @property
    def piece(self) -> Piece:
        """What the scan reads."""
        return Piece(codes=self.codes, terms=self.terms)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        arrays = (self.codes, self.terms, self.subjects, self.rows.starts, self.rows.firsts)
        return sum(array.nbytes for array in arrays)

    def subjects_at(self, positions: Positions | None = None) -> RowNumbers:
        """Return the subject numbers at positions, or all of them; int64."""
        chosen = self.subjects if positions is None else self.subjects[positions]
        return chosen.astype(np.int64) + self.subject_base

    def without(self, positions: Positions) -> Self | None:
        """Return a copy that lacks these rows; None where nothing is left."""
        staying = np.ones(len(self), dtype=bool)
        staying[positions] = False
        if not staying.any():
            return None
        kept = np.flatnonzero(staying)
        return self._packed(self.rows.numbers(kept), self.subjects_at(kept), self.codes[kept], self.terms[kept])

    def after(self, last_row: int) -> Self | None:
        """Return the rows whose numbers are higher than one; None where there are none."""
        numbers = self.rows.numbers()
        return self if numbers[0] > last_row else self.without(np.flatnonzero(numbers <= last_row))

    def same_rows(self, other: "Segment") -> RowNumbers:
        """Return the numbers of the rows that stand in another segment bit by bit as here."""
        mine = self.rows.positions(other.rows.numbers())
        numbers = self.rows.numbers(mine)
        theirs = other.rows.positions(numbers)
        same = (
            (self.terms[mine] == other.terms[theirs])
            & (self.subjects_at(mine) == other.subjects_at(theirs))
            & (self.codes[mine] == other.codes[theirs]).all(axis=1)
        )
        found: RowNumbers = numbers[same]
        return found

    def wipe(self) -> None:
        """Overwrite everything; whoever still reads this segment must not use what it read."""
        for array in (self.codes, self.terms, self.subjects):
            array.fill(0)

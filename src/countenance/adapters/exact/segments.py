"""Rows that stand together: their codes, terms, subjects and row numbers, packed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from countenance.adapters.exact.bounds import Codes, Terms, Turned, quantised
from countenance.adapters.exact.kernel import GROUP, Piece, SmallCodes
from countenance.core.arrays import Templates
from countenance.index.ports import RowNumbers

Positions = NDArray[np.intp]

SEGMENT_ROWS = 65_536
"""Rows up to which an addition is merged into the block's last segment: 9 MB copied at 128 dimensions."""


def rising(rows: Collection[int] | RowNumbers) -> RowNumbers:
    """Return row numbers as an array of their own, int64, rising."""
    numbers = rows if isinstance(rows, np.ndarray) else np.fromiter(rows, dtype=np.int64, count=len(rows))
    return np.sort(numbers, kind="stable")


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

    @property
    def first(self) -> int:
        """The lowest number."""
        return int(self.firsts[0])

    @property
    def last(self) -> int:
        """The highest number."""
        return int(self.firsts[-1] + self.starts[-1] - self.starts[-2] - 1)

    def numbers(self, positions: Positions | None = None) -> RowNumbers:
        """Return the numbers at positions, or all of them."""
        at = np.arange(len(self)) if positions is None else positions
        if len(self.firsts) == 1:
            return np.asarray(at + self.firsts[0], dtype=np.int64)
        run = np.searchsorted(self.starts, at, side="right") - 1
        return self.firsts[run] + (at - self.starts[run])

    def positions(self, numbers: RowNumbers) -> Positions:
        """Return where numbers, rising, stand; those that aren't there are passed over."""
        low, high = np.searchsorted(numbers, (self.first, self.last + 1))
        wanted = numbers[low:high]
        run = np.searchsorted(self.firsts, wanted, side="right") - 1
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
        small: uint8, shape (groups, padded dim / 8, 32): 4-bit codes, 16 bytes a row more; None where there are none.
    """

    rows: Runs
    subject_base: int
    subjects: NDArray[np.uint32]
    codes: Codes
    terms: Terms
    small: SmallCodes | None = None

    @classmethod
    def of(cls, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates | Turned) -> Self:
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
        small = [codes for part in listed for codes in (part.small_codes(),) if codes is not None]
        together = np.concatenate(small) if len(small) == len(listed) else None
        if np.all(np.diff(rows) > 0):
            return cls._packed(rows, subjects, codes, terms, together)
        order = np.argsort(rows)
        return cls._packed(
            rows[order], subjects[order], codes[order], terms[order], None if together is None else together[order]
        )

    @classmethod
    def _packed(
        cls, rows: RowNumbers, subjects: RowNumbers, codes: Codes, terms: Terms, small: SmallCodes | None = None
    ) -> Self:
        base = int(subjects.min())
        if int(subjects.max()) - base >= 2**32:
            raise ValueError("subject numbers of one block must lie within 2^32 of each other")
        return cls(
            rows=Runs.of(rows),
            subject_base=base,
            subjects=(subjects - base).astype(np.uint32),
            codes=codes,
            terms=terms,
            small=None if small is None else grouped(small),
        )

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.terms)

    @property
    def piece(self) -> Piece:
        """What the scan reads."""
        return Piece(codes=self.codes, terms=self.terms, small=self.small)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        arrays = (self.codes, self.terms, self.subjects, self.rows.starts, self.rows.firsts, self.small)
        return sum(array.nbytes for array in arrays if array is not None)

    def directions(self, chosen: Positions | slice) -> Templates:
        """Return some rows as their int8 codes give them, as unit vectors, float32, shape (n, padded dim)."""
        rows = self.codes[chosen].astype(np.float32)
        rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
        return rows

    def small_codes(self) -> SmallCodes | None:
        """Return the rows' 4-bit codes, uint8, shape (n, padded dim / 8); None where there are none."""
        if self.small is None:
            return None
        return self.small.transpose(0, 2, 1).reshape(-1, self.small.shape[1])[: len(self)]

    def with_small_codes(self, codes: SmallCodes) -> Self:
        """Return the same rows with 4-bit codes, uint8, shape (n, padded dim / 8)."""
        return replace(self, small=grouped(codes))

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
        kept, small = np.flatnonzero(staying), self.small_codes()
        return self._packed(
            self.rows.numbers(kept),
            self.subjects_at(kept),
            self.codes[kept],
            self.terms[kept],
            None if small is None else small[kept],
        )

    def after(self, last_row: int) -> Self | None:
        """Return the rows whose numbers are higher than one; None where there are none."""
        if self.rows.last <= last_row:
            return None
        return self if self.rows.first > last_row else self.without(np.flatnonzero(self.rows.numbers() <= last_row))

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
        for array in (self.codes, self.terms, self.subjects, self.small):
            if array is not None:
                array.fill(0)


def grouped(codes: SmallCodes) -> SmallCodes:
    """Lay 4-bit codes, uint8, shape (n, pairs of books), as the sift reads them; zeros fill the last group."""
    groups = -(-len(codes) // GROUP)
    filled = np.zeros((groups * GROUP, codes.shape[1]), np.uint8)
    filled[: len(codes)] = codes
    return np.ascontiguousarray(filled.reshape(groups, GROUP, -1).transpose(0, 2, 1))

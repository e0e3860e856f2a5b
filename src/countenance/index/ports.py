"""The port that every index engine stands behind."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Templates
from countenance.index.model import BlockRows, IndexState, Nearest

RowNumbers = NDArray[np.int64]


class Originals(Protocol):
    """Where an engine gets full-precision templates from, to score in full precision what its scan could not settle."""

    def __call__(self, rows: Collection[int]) -> Mapping[int, Templates]:
        """Return templates by row, each float32, shape (dim,); rows that were erased are left out."""


class TemplateSearch(Protocol):
    """A search of an index: see `TemplateIndex.search`."""

    def __call__(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """Find the best row of each of the `limit` nearest subjects, for each probe."""


class TemplateIndex(Protocol):
    """Templates in blocks, one block a source; searched over named blocks only.

    The index is derived: it may be thrown away and filled again from the records, and then answers the same.
    """

    @property
    def dim(self) -> int:
        """Number of columns of a template."""

    def __len__(self) -> int:
        """Number of rows in all blocks."""

    def add(self, *parts: BlockRows) -> None:
        """Add rows to blocks, all of them or none; the next search sees them.

        Args:
            parts: Row numbers are unique over all blocks; copied, not modified.

        Raises:
            ValueError: wrong shapes, rows that are not unit vectors, or a row number that is there already; nothing was
                added.
        """

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """Take rows out; the next search does not see them. Row numbers that aren't there are passed over."""

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """Find the best row of each of the `limit` nearest subjects, for each probe.

        Only rows of the named blocks take part; a block that is unknown counts as empty.

        Args:
            probes: float32, shape (n, dim), unit L2 rows; not modified.
            blocks: Eligible sources' ids.
            limit: Most subjects to return, at least 1.
            threshold: Keep rows with score >= threshold only, compared as Python floats; None keeps all.

        Returns:
            An answer a probe.

        Raises:
            ValueError: wrong shapes or limit; nothing was searched.
            IntegrityError: code `index-mismatch`, the index was condemned; nothing was searched.
        """


class FollowingIndex(TemplateIndex, Protocol):
    """An engine that can be kept equal to the records, and compared with them.

    Several processes may share what it holds; whoever changes it does so while `following`.

    Attributes:
        revision: The records' revision that it was brought to; -1 where that is not known, and once it was cleared.
    """

    revision: int

    def following(self) -> AbstractContextManager[None]:
        """Keep everybody else from changing what is held, until the block ends; waits for whoever does. Nests.

        Raises:
            UnavailableError: codes `index-unavailable`, `index-unwritable`, `index-superseded`; nothing was changed.
        """

    def pinned(self) -> TemplateSearch:
        """Return a search of what is held now: it sees nothing of what is added later, and lacks nothing.

        Raises:
            IntegrityError: code `index-mismatch`, the index was condemned.

        The search raises, besides what `search` does:
            IndexChangedError: rows that it needed were taken out since, or are not on record any more. Nothing was
                answered; pin again.
        """

    @property
    def last_row(self) -> int:
        """The highest row number that was ever added, 0 before the first; also after a restart, where rows stayed.

        Rows that were added together count together: where an addition was cut short, the next restart or `following`
        finds none of it.
        """

    def blocks(self) -> Collection[str]:
        """Return the names of the blocks that hold rows."""

    def newest(self) -> Collection[int]:
        """Return the highest row number of each block, by which an index of other records shows."""

    def count(self, block: str) -> int:
        """Return how many rows a block holds; 0 where it is unknown."""

    def rows(self, block: str | None = None) -> RowNumbers:
        """Return a block's row numbers, or those of all; int64, rising; none where it is unknown."""

    def keep(self, block: str, rows: RowNumbers) -> None:
        """Take all rows out of a block but some; the next search does not see them.

        Args:
            rows: int64, rising, all of them held; not modified. None of them: the block goes.
        """

    def differing(self, part: BlockRows) -> RowNumbers:
        """Return those of the rows that the block does not hold just so; int64, rising. Nothing is modified.

        Raises:
            ValueError: rows that are not unit vectors.
        """

    def condemn(self) -> None:
        """Refuse every search from now on, here and wherever the same index is served, until it was cleared."""

    def settle(self, gone: Collection[int] = ()) -> str:
        """Wait until what was removed is overwritten on disk too, where the index is stored.

        Args:
            gone: Rows that were erased from the records: none of them is stored once this returns, and none ever will
                be, whichever process held or stored it. Rows that aren't there are passed over.

        Returns:
            What may keep copies of it for some time, in words; empty where nothing does.

        Raises:
            UnavailableError: code `index-unwritable`: it may still stand there; the next call tries again.
                `index-superseded`: it may stand in the index that took this one's place; another process, opened since,
                has to settle it.
        """

    def clear(self) -> None:
        """Throw everything away."""

    def state(self) -> IndexState:
        """Say what is stored, and where."""

    def close(self) -> None:
        """Store what is not stored yet, and let go of what is held open."""

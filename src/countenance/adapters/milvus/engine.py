"""The index's port over one collection of a Milvus server.

The server scans without an index that could lose somebody (FLAT) and answers in single precision; who is in the answer
is decided here, in full precision.

Source:
    docs/adr/0014-milvus.md.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import numpy as np

from countenance.adapters.exact.segments import rising
from countenance.adapters.milvus.server import MOST_ROWS, Filter, NearRows, TemplateCollection
from countenance.core.arrays import Templates, as_templates, cosine
from countenance.core.errors import UnavailableError
from countenance.index.model import BlockRows, Nearest, Neighbour, checked_parts, index_behind
from countenance.index.ports import Originals, RowNumbers
from countenance.index.ranking import best_per_subject
from countenance.index.rotation import Rotation

SPARE_ROWS = 32
"""Rows more than subjects that are asked for at first."""

ATTEMPTS = 20
"""Times that a probe is asked for while others add."""

FLOAT32_SLACK = 1e-5
"""How far a score of the server may be from the true one: rounding of up to 4,096 float32 products, both ways, and of
vectors that were turned."""


class MilvusIndex:
    """Implements `TemplateIndex`; not certified, since the server's answer can't be checked from here. Thread-safe.

    Attributes:
        collection: What is searched and changed; others may change it too.
        last_row: The highest row number that was ever added. A server shows an addition source by source; rows past
            this number are passed over, so that a search sees all rows that were added together, or none.
    """

    def __init__(
        self, dim: int, originals: Originals, *, collection: TemplateCollection, rotation: Rotation | None = None
    ) -> None:
        """Search a collection as it is.

        Args:
            originals: The full-precision templates of the rows. A row that is missing there was erased, and is passed
                over.
            rotation: What rows are turned by before they are sent, and probes too; scores are those of the templates
                as they are.
        """
        self.collection = collection
        self.last_row = 0
        self._dim = dim
        self._originals = originals
        self._rotation = rotation

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    def __len__(self) -> int:
        """See the port."""
        return self.collection.count()

    def add(self, *parts: BlockRows) -> None:
        """See the port; sent some thousand rows at a time, and a server that fails in between leaves some of them."""
        checked = checked_parts(parts, dim=self._dim)
        if not checked:
            return
        rows = np.concatenate([part.rows for part in checked])
        if rows.min() <= self.last_row and self.collection.held(rows):
            raise ValueError("a row number is in the index already")
        self.collection.insert([replace(part, templates=self._turned(part.templates)) for part in checked])
        self.last_row = max(self.last_row, int(rows.max()))

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """See the port."""
        self.collection.delete_rows(rows)

    def count(self, block: str) -> int:
        """See `FollowingIndex`."""
        return self.collection.count(Filter.of(block=block))

    def rows(self, block: str | None = None) -> RowNumbers:
        """See `FollowingIndex`."""
        parts = [
            self.collection.rows(Filter.of(block=block, low=low, high=low + MOST_ROWS))
            for low in range(0, self.last_row + 1, MOST_ROWS)
        ]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def keep(self, block: str, rows: RowNumbers) -> None:
        """See `FollowingIndex`."""
        if not len(rows):
            self.collection.delete(Filter.of(block=block))
        for others in self._others(block, rising(rows), 0, self.last_row + 1):
            self.collection.delete_rows(others)

    def differing(self, part: BlockRows) -> RowNumbers:
        """See `FollowingIndex`; vectors are compared bit by bit."""
        vectors = self._turned(as_templates(part.templates, dim=self._dim))
        held = self.collection.held(part.rows)
        differing = [
            row
            for row, subject, vector in zip(part.rows.tolist(), part.subjects.tolist(), vectors, strict=True)
            if (one := held.get(row)) is None
            or (one.block, one.subject) != (part.block, subject)
            or not np.array_equal(one.vector, vector)
        ]
        return rising(np.array(differing, dtype=np.int64))

    def search(
        self,
        probes: Templates,
        *,
        blocks: Collection[str],
        limit: int,
        threshold: float | None = None,
        last_row: Callable[[], int] | None = None,
        passes_over: bool = True,
    ) -> list[Nearest]:
        """See the port.

        Args:
            last_row: Returns what `last_row` is now, for who knows of others' additions; None takes this object's.
            passes_over: Whether rows near the probe that are not on record any more are passed over.

        Raises:
            IndexChangedError: there are such rows, and they are not.
            UnavailableError: also code `index-behind`: each time that it was asked, others were adding people like the
                probe; safe to retry.
        """
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        checked = as_templates(probes, dim=self._dim)
        whole = (lambda: self.last_row) if last_row is None else last_row
        return [
            Nearest(
                neighbours=self._nearest(probe, blocks, limit, threshold, whole, passes_over=passes_over),
                certificate=None,
            )
            for probe in checked
        ]

    def _turned(self, templates: Templates) -> Templates:
        """Turn rows, where there is a rotation; float32, since the server holds no other."""
        return templates if self._rotation is None else self._rotation.turned(templates).astype(np.float32)

    def _others(self, block: str, kept: RowNumbers, low: int, high: int) -> Iterator[RowNumbers]:
        """Yield a block's rows in a range but those to be kept, looking closer only where the counts differ."""
        ours = kept[np.searchsorted(kept, low) : np.searchsorted(kept, high)]
        condition = Filter.of(block=block, low=low, high=high)
        if self.collection.count(condition) == len(ours):
            return
        if high - low <= MOST_ROWS:
            yield np.setdiff1d(self.collection.rows(condition), ours)
            return
        middle = (low + high) // 2
        yield from self._others(block, ours, low, middle)
        yield from self._others(block, ours, middle, high)

    def _nearest(
        self,
        probe: Templates,
        blocks: Collection[str],
        limit: int,
        threshold: float | None,
        whole: Callable[[], int],
        *,
        passes_over: bool,
    ) -> tuple[Neighbour, ...]:
        """Rank what is near; again where rows were passed over of an addition that ended meanwhile.

        Those it was made in the place of may be gone by then, and a person be missing who has one more photograph now.
        """
        if not blocks:
            return ()
        for _ in range(ATTEMPTS):
            last_row = whole()
            near, here, templates = self._near(probe, blocks, limit, last_row)
            if not passes_over and (near.rows[~here] <= last_row).any():
                raise index_behind()
            if whole() == last_row or not (near.rows > last_row).any():
                if not here.any():
                    return ()
                scores = cosine(probe, np.stack(templates))
                return best_per_subject(near.rows[here], near.subjects[here], scores, limit=limit, threshold=threshold)
        raise UnavailableError(
            "others add to the index faster than it is searched", code="index-behind", hint="try again in a moment"
        )

    def _near(
        self, probe: Templates, blocks: Collection[str], limit: int, last_row: int
    ) -> tuple[NearRows, np.ndarray, list[Templates]]:
        """Ask for more and more rows until all that can be among the first `limit` subjects are there.

        Returns:
            The rows; which of them count, bool, shape (n,); and the templates of those.
        """
        [vector], condition = self._turned(probe[None]), Filter.blocks(blocks)
        wanted = min(limit + SPARE_ROWS, MOST_ROWS)
        while True:
            near = self.collection.nearest(vector, condition, wanted)
            rows = near.rows.tolist()
            stored = self._originals(rows)
            here = np.array([row <= last_row and row in stored for row in rows], dtype=bool)
            if len(rows) < wanted or wanted == MOST_ROWS or _has_all(near, here, limit):
                return near, here, [stored[row] for row in near.rows[here].tolist()]
            wanted = min(4 * wanted, MOST_ROWS)


def _has_all(near: NearRows, here: np.ndarray, limit: int) -> bool:
    """Say whether no row beyond those found can belong to the first `limit` subjects, rounding counted."""
    _, first = np.unique(near.subjects[here], return_index=True)
    if len(first) < limit:
        return False
    last_subject = near.scores[here][np.sort(first)[limit - 1]]
    return bool(last_subject - 2 * FLOAT32_SLACK > near.scores[-1])

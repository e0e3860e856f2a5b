"""What one search may look at, laid end to end."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from countenance.adapters.exact.kernel import Laid
from countenance.adapters.exact.parallel import parts_of
from countenance.adapters.exact.segments import Positions, Runs, Segment
from countenance.index.ports import RowNumbers


class Eligible:
    """The segments that one search may look at, laid end to end. Immutable."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Lay them end to end."""
        self.segments = segments
        self.starts = np.cumsum([0, *(len(segment) for segment in segments)])
        self.rows = int(self.starts[-1])

    @cached_property
    def parts(self) -> list[Laid]:
        """What each core scans."""
        return parts_of([segment.piece for segment in self.segments])

    @cached_property
    def subjects(self) -> int:
        """How many subjects the rows are of."""
        if not self.segments:
            return 0
        least = min(segment.subject_base for segment in self.segments)
        most = max(segment.subject_base + int(segment.subjects.max()) for segment in self.segments)
        if most - least > 8 * self.rows:
            return len(np.unique(np.concatenate([segment.subjects_at() for segment in self.segments])))
        seen = np.zeros(most - least + 1, dtype=bool)
        for segment in self.segments:
            seen[segment.subjects_at() - least] = True
        return int(np.count_nonzero(seen))

    @cached_property
    def _bases(self) -> RowNumbers:
        """The segments' subject bases."""
        return np.array([segment.subject_base for segment in self.segments], dtype=np.int64)

    @cached_property
    def _runs(self) -> Runs:
        """The row numbers of all segments, end to end."""
        laid = zip(self.segments, self.starts.tolist(), strict=False)
        starts = [segment.rows.starts[:-1] + start for segment, start in laid]
        firsts = [segment.rows.firsts for segment in self.segments]
        return Runs(
            starts=np.concatenate([*starts, self.starts[-1:]]), firsts=np.concatenate([np.zeros(0, np.int64), *firsts])
        )

    def owners(self, positions: Positions) -> tuple[RowNumbers, RowNumbers]:
        """Return row and subject numbers by the rows' positions, rising."""
        ends = np.searchsorted(positions, self.starts[1:])
        counts = np.diff(ends, prepend=0)
        places = positions - np.repeat(self.starts[:-1], counts)
        subjects = np.repeat(self._bases, counts)
        for at in np.flatnonzero(counts).tolist():
            found = slice(ends[at] - counts[at], ends[at])
            subjects[found] += self.segments[at].subjects[places[found]]
        return self._runs.numbers(positions), subjects

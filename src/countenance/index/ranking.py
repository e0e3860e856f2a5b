"""From scored rows to neighbours: one a subject, best first."""

import numpy as np

from countenance.core.arrays import Scores
from countenance.index.model import Neighbour
from countenance.index.ports import RowNumbers


def best_per_subject(
    rows: RowNumbers, subjects: RowNumbers, scores: Scores, *, limit: int, threshold: float | None
) -> tuple[Neighbour, ...]:
    """Rank rows and keep each subject's first one, up to `limit` subjects.

    Args:
        rows: int64, shape (n,), different from each other; not modified.
        subjects: int64, shape (n,); not modified.
        scores: float64, shape (n,), of full-precision templates; not modified.

    Returns:
        By falling score, then rising row number.
    """
    order = np.lexsort((rows, -scores))
    if threshold is not None:
        order = order[scores[order] >= threshold]
    _, first = np.unique(subjects[order], return_index=True)
    best = order[np.sort(first)[:limit]]
    return tuple(map(Neighbour, rows[best].tolist(), subjects[best].tolist(), scores[best].tolist()))

"""What was compared or searched, as arrays, and what came of it: the values that metrics work on."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Scores

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
"""The rank of a mate that stands in no candidate list, however long: probe or mate gave no template."""


class UndefinedMetricError(ValueError):
    """The data can't show this metric; `str(error)` says why, in words. It is never replaced by 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """Photographs compared in pairs. A pair of which one gave no template has the score minus infinity.

    Attributes:
        scores: float64, shape (n,).
        same: bool, shape (n,): both are of one person.
        acquired: bool, shape (n,): both gave a template.
        folds: int64, shape (n,), from 0.
    """

    scores: Scores
    same: Flags
    acquired: Flags
    folds: Numbers

    def __post_init__(self) -> None:
        """Refuse arrays that don't fit together, and scores that are no numbers."""
        _require_shape(self.scores, self.same, self.acquired, self.folds)
        _require_numbers(self.scores)
        if np.any(np.isfinite(self.scores) != self.acquired):
            raise ValueError("a pair has a score exactly when both of its photographs gave a template")

    @property
    def size(self) -> int:
        """How many comparisons."""
        return self.scores.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """Searches of one gallery with known truth.

    A probe that gave no template found nobody: its scores are minus infinity. So does a mate without a template.

    Attributes:
        subjects: int64, shape (n,): whose probe it is, any numbers; the bootstrap draws these.
        mated: bool, shape (n,): the subject is meant to be in the gallery.
        acquired: bool, shape (n,): the probe gave a template.
        mate_scores: float64, shape (n,): the mate's; minus infinity in non-mated searches.
        mate_ranks: int64, shape (n,), from 1: 1 and how many others score at least as high; NEVER without a score.
        stranger_scores: float64, shape (n,): the highest of any subject who isn't the mate.
        gallery_size: N, the subjects who could be found.
    """

    subjects: Numbers
    mated: Flags
    acquired: Flags
    mate_scores: Scores
    mate_ranks: Numbers
    stranger_scores: Scores
    gallery_size: int

    def __post_init__(self) -> None:
        """Refuse arrays that don't fit together, and scores that are no numbers."""
        _require_shape(
            self.subjects, self.mated, self.acquired, self.mate_scores, self.mate_ranks, self.stranger_scores
        )
        _require_numbers(self.mate_scores, self.stranger_scores)
        if np.any(self.mate_ranks < 1) or self.gallery_size < 1:
            raise ValueError("ranks start at 1, and nobody can be found in an empty gallery")
        if np.any((self.mate_ranks == NEVER) != (self.mate_scores == -np.inf)):
            raise ValueError("a mate has a rank exactly when it has a score")
        if np.any(self.mate_scores[~self.mated] != -np.inf):
            raise ValueError("a non-mated search has no mate")
        if np.any(np.maximum(self.mate_scores, self.stranger_scores)[~self.acquired] != -np.inf):
            raise ValueError("a probe without a template finds nobody")

    @property
    def size(self) -> int:
        """How many searches."""
        return self.subjects.size

    def normalised(self, offsets: Scores) -> "Searches":
        """Return the same searches with each probe's offset taken from its scores; ranks stay.

        Args:
            offsets: float64, shape (n,), from `search.cohort.ReferenceCohort.offsets`.
        """
        return replace(self, mate_scores=self.mate_scores - offsets, stranger_scores=self.stranger_scores - offsets)

    def only(self, chosen: Flags) -> "Searches":
        """Return some of the searches; the gallery stays as it is.

        Args:
            chosen: bool, shape (n,), at least one of them True.
        """
        return replace(
            self,
            subjects=self.subjects[chosen],
            mated=self.mated[chosen],
            acquired=self.acquired[chosen],
            mate_scores=self.mate_scores[chosen],
            mate_ranks=self.mate_ranks[chosen],
            stranger_scores=self.stranger_scores[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A metric's value, or why there is none.

    Attributes:
        value: None where the data can't show it.
        interval: Bootstrap interval around it; None where it was not made.
        undefined: Why there is no value; None where there is one.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    undefined: str | None = None

    def __post_init__(self) -> None:
        """Refuse an estimate that is both or neither."""
        if (self.value is None) != (self.undefined is not None):
            raise ValueError("an estimate has a value, or a reason why not")

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "undefined": self.undefined,
        }


def _require_shape(*arrays: NDArray[Any]) -> None:
    """Refuse arrays that are not all of one length, and empty ones."""
    [shape, *others] = {array.shape for array in arrays}
    if others or len(shape) != 1 or shape[0] == 0:
        raise ValueError("arrays must all have one shape (n,), n at least 1")


def _require_numbers(*arrays: Scores) -> None:
    """Refuse NaN and plus infinity."""
    if any(np.isnan(array).any() or np.isposinf(array).any() for array in arrays):
        raise ValueError("scores must be numbers, or minus infinity where there is none")

"""Curves of error rates: points at every score where a rate changes."""

from dataclasses import dataclass

import numpy as np

from countenance.core.arrays import Scores
from countenance.evaluation.model import Comparisons, Searches, UndefinedMetricError

CMC_RANKS = 50
"""Longest candidate list of the cumulative match characteristic: what a person can be asked to go through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of a curve, in the order of rising x.

    Attributes:
        x: float64, shape (n,).
        y: float64, shape (n,).
    """

    x: Scores
    y: Scores


def det_of_searches(searches: Searches) -> Curve:
    """Return FNIR(N, N, T) (y) against FPIR(N, T) (x) over all T.

    Raises:
        UndefinedMetricError: there are no mated, or no non-mated searches.
    """
    return _trade_off(searches.stranger_scores[~searches.mated], searches.mate_scores[searches.mated])


def det_of_comparisons(comparisons: Comparisons) -> Curve:
    """Return the false reject rate (y) against the false accept rate (x) over all T.

    Raises:
        UndefinedMetricError: there are no comparisons of one person, or none of two.
    """
    return _trade_off(comparisons.scores[~comparisons.same], comparisons.scores[comparisons.same])


def cmc(searches: Searches) -> Curve:
    """Return 1 - FNIR(N, R, 0) (y) for the ranks R = 1, 2, ... (x).

    Raises:
        UndefinedMetricError: there are no mated searches.
    """
    ranks = searches.mate_ranks[searches.mated]
    if ranks.size == 0:
        raise UndefinedMetricError("there are no mated searches")
    lengths = np.arange(1, min(CMC_RANKS, searches.gallery_size) + 1)
    return Curve(x=lengths.astype(np.float64), y=(ranks[None, :] <= lengths[:, None]).mean(axis=1))


def _trade_off(strangers: Scores, mates: Scores) -> Curve:
    """Return the share of mates below T against the share of strangers from T up, for T from above all scores down."""
    if strangers.size == 0 or mates.size == 0:
        raise UndefinedMetricError("it takes scores of mates and of strangers")
    finite = np.concatenate([strangers, mates])
    thresholds = np.unique(finite[np.isfinite(finite)])
    thresholds = np.append(thresholds, np.inf)[::-1]
    rising = np.sort(strangers), np.sort(mates)
    from_up = strangers.size - np.searchsorted(rising[0], thresholds, side="left")
    below = np.searchsorted(rising[1], thresholds, side="left")
    return Curve(x=from_up / strangers.size, y=below / mates.size)

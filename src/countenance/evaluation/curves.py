"""Curves of error rates, with points at every score where a rate changes, and histograms of scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from countenance.core.arrays import Scores
from countenance.evaluation.model import Comparisons, Searches, UndefinedMetricError

CMC_RANKS = 50
"""Longest candidate list of the cumulative match characteristic: what a person can be asked to go through."""


LISTED = 100
"""Most points of a trade-off in the JSON: some 30 a decade."""

BINS = 60
"""Bars of a histogram."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of a curve, in the order of rising x.

    Attributes:
        x: float64, shape (n,).
        y: float64, shape (n,).
        at: float64, shape (n,): the threshold T, or the rank R, of each.
    """

    x: Scores
    y: Scores
    at: Scores

    def listed(self) -> "Curve":
        """Return the lowest point of up to `LISTED` values of x above 0, evenly spaced by their logarithms."""
        [lowest] = np.nonzero(np.append(self.x[1:] > self.x[:-1], True) & (self.x > 0))
        if lowest.size > LISTED:
            wanted = np.geomspace(self.x[lowest[0]], self.x[lowest[-1]], LISTED)
            lowest = lowest[np.unique(np.searchsorted(self.x[lowest], wanted * (1 - 1e-12)).clip(max=lowest.size - 1))]
        return Curve(x=self.x[lowest], y=self.y[lowest], at=self.at[lowest])


@dataclass(frozen=True, slots=True, kw_only=True)
class Histograms:
    """Histograms of several kinds of scores over the same bars.

    Attributes:
        edges: float64, shape (BINS + 1,), rising.
        shares: By kind: float64, shape (BINS,), adding up to 1.
        counts: By kind, how many scores.
    """

    edges: Scores
    shares: Mapping[str, Scores]
    counts: Mapping[str, int]


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
    exact = lengths.astype(np.float64)
    return Curve(x=exact, y=(ranks[None, :] <= lengths[:, None]).mean(axis=1), at=exact)


def search_scores(searches: Searches) -> Mapping[str, Scores]:
    """Return the scores that histograms of searches are made of, by what they are of."""
    mated = searches.mated
    return {
        "the mate": searches.mate_scores[mated],
        "the best stranger, mated searches": searches.stranger_scores[mated],
        "the best stranger, non-mated searches": searches.stranger_scores[~mated],
    }


def comparison_scores(comparisons: Comparisons) -> Mapping[str, Scores]:
    """Return the scores that histograms of comparisons are made of, by what they are of."""
    return {
        "one person": comparisons.scores[comparisons.same],
        "two people": comparisons.scores[~comparisons.same],
    }


def histograms(scores: Mapping[str, Scores]) -> Histograms:
    """Count scores in bars, each as a share of its own kind; what has no template is left out.

    Args:
        scores: float64, any length, by kind.

    Raises:
        UndefinedMetricError: there are no scores.
    """
    known = {kind: values[np.isfinite(values)] for kind, values in scores.items()}
    known = {kind: values for kind, values in known.items() if values.size}
    if not known:
        raise UndefinedMetricError("there are no scores")
    every = np.concatenate(list(known.values()))
    edges = np.linspace(float(every.min()), max(float(every.max()), float(every.min()) + 0.01), BINS + 1)
    return Histograms(
        edges=edges,
        shares={kind: np.histogram(values, edges)[0] / values.size for kind, values in known.items()},
        counts={kind: int(values.size) for kind, values in known.items()},
    )


def search_curves_json(first: Searches, systems: Mapping[str, Searches]) -> dict[str, Any]:
    """Return what the plots of an identification show, as plain JSON types; null where the data can't show it.

    Args:
        first: Searches whose scores and ranks are shown.
        systems: What is compared in one trade-off, by what to call it.
    """
    rank = defined(partial(cmc, first))
    return {
        "det": {
            label: _trade_off_json(defined(partial(det_of_searches, searches)), ("fpir", "fnir"))
            for label, searches in systems.items()
        },
        "cmc": None if rank is None else {"rank": rank.x.astype(int).tolist(), "rate": rank.y.tolist()},
        "scores": _histograms_json(search_scores(first)),
    }


def comparison_curves_json(comparisons: Comparisons) -> dict[str, Any]:
    """Return what the plots of a verification show, as plain JSON types; null where the data can't show it."""
    return {
        "det": _trade_off_json(defined(partial(det_of_comparisons, comparisons)), ("far", "frr")),
        "scores": _histograms_json(comparison_scores(comparisons)),
    }


def defined(make: Callable[[], Value]) -> Value | None:
    """Return what can be made of the data; None where they can't show it."""
    try:
        return make()
    except UndefinedMetricError:
        return None


def _trade_off_json(curve: Curve | None, names: tuple[str, str]) -> dict[str, list[float]] | None:
    if curve is None:
        return None
    few = curve.listed()
    return {names[0]: few.x.tolist(), names[1]: few.y.tolist(), "threshold": few.at.tolist()}


def _histograms_json(scores: Mapping[str, Scores]) -> dict[str, Any] | None:
    found = defined(partial(histograms, scores))
    if found is None:
        return None
    shares = {kind: values.tolist() for kind, values in found.shares.items()}
    return {"edges": found.edges.tolist(), "shares": shares, "counts": dict(found.counts)}


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
    return Curve(x=from_up / strangers.size, y=below / mates.size, at=thresholds)

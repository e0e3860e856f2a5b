"""Error rates of verification and of open-set identification, and the registry of those that are reported.

Each metric takes a weight for every search or comparison (how often the bootstrap drew it), gives the same whatever
their order, refuses NaN (`evaluation.model` does), and raises `UndefinedMetricError` where the data can't show it. A
score reaches a threshold when `score >= T`.

Source:
    ISO/IEC 19795-1:2021 for the rates; NIST FRTE 1:N (IR 8271) for FNIR(N, R, T) and FPIR(N, T). Failures to acquire
    stand in the denominators as the generalised rates of ISO/IEC 19795-1 have it: a mated search misses, a non-mated
    one finds nobody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Scores
from countenance.evaluation.model import Comparisons, Estimate, Flags, Searches, UndefinedMetricError

Weights = NDArray[np.float64]
"""How often each search or comparison counts: float64, shape (n,), at least 0."""

FPIRS = (0.1, 0.01, 0.003)
"""False positive identification rates that thresholds are set to; 0.003 is NIST FRTE's."""

FARS = (0.01, 0.001)
"""False acceptance rates that thresholds are set to."""

RANKS = (1, 20)
"""Lengths of candidate lists: the best candidate alone, and the product's list where none is asked for."""

ROUNDING = 1e-9
"""What a product like 0.003 x 1000 may fall short of a whole number by."""


def fnir(searches: Searches, weights: Weights, *, threshold: float, rank: int | None = None) -> float:
    """Return FNIR(N, R, T): the share of mated searches whose mate is not among the first R at or above T.

    Args:
        rank: R; None means no limit, that is R = N.

    Raises:
        UndefinedMetricError: there are no mated searches.
    """
    missed = searches.mate_scores < threshold
    if rank is not None:
        missed |= searches.mate_ranks > rank
    # Without a template there is no candidate, however low the threshold.
    missed |= searches.mate_scores == -np.inf
    return _share(missed, weights, of=searches.mated, what="mated searches")


def fpir(searches: Searches, weights: Weights, *, threshold: float) -> float:
    """Return FPIR(N, T): the share of non-mated searches with anybody at or above T.

    Raises:
        UndefinedMetricError: there are no non-mated searches.
    """
    false = (searches.stranger_scores >= threshold) & (searches.stranger_scores > -np.inf)
    return _share(false, weights, of=~searches.mated, what="non-mated searches")


def threshold_at_fpir(searches: Searches, weights: Weights, *, wanted: float) -> float:
    """Return the lowest T with FPIR(N, T) at most as wanted.

    Raises:
        UndefinedMetricError: fewer than 1 / wanted non-mated searches, so that not one may be false.
    """
    chosen = ~searches.mated
    return lowest_threshold(
        searches.stranger_scores[chosen], weights[chosen], wanted=wanted, rate="FPIR", what="non-mated searches"
    )


def fnir_at_fpir(searches: Searches, weights: Weights, *, wanted: float, rank: int | None = None) -> float:
    """Return FNIR(N, R, T) at the lowest T with FPIR(N, T) at most as wanted.

    Raises:
        UndefinedMetricError: no mated searches, or too few non-mated ones.
    """
    return fnir(searches, weights, threshold=threshold_at_fpir(searches, weights, wanted=wanted), rank=rank)


def rank_hit_rate(searches: Searches, weights: Weights, *, rank: int) -> float:
    """Return 1 - FNIR(N, R, 0): how often the mate is among the first R, whatever its score.

    Raises:
        UndefinedMetricError: there are no mated searches.
    """
    return 1 - fnir(searches, weights, threshold=-np.inf, rank=rank)


def false_accept_rate(comparisons: Comparisons, weights: Weights, *, threshold: float) -> float:
    """Return FAR(T): the share of comparisons of two people that reach T.

    Raises:
        UndefinedMetricError: there are none of two people.
    """
    accepted = (comparisons.scores >= threshold) & comparisons.acquired
    return _share(accepted, weights, of=~comparisons.same, what="comparisons of two people")


def true_accept_rate(comparisons: Comparisons, weights: Weights, *, threshold: float) -> float:
    """Return TAR(T): the share of comparisons of one person that reach T.

    Raises:
        UndefinedMetricError: there are none of one person.
    """
    accepted = (comparisons.scores >= threshold) & comparisons.acquired
    return _share(accepted, weights, of=comparisons.same, what="comparisons of one person")


def threshold_at_far(comparisons: Comparisons, weights: Weights, *, wanted: float) -> float:
    """Return the lowest T with FAR(T) at most as wanted.

    Raises:
        UndefinedMetricError: fewer than 1 / wanted comparisons of two people.
    """
    chosen = ~comparisons.same
    return lowest_threshold(
        comparisons.scores[chosen], weights[chosen], wanted=wanted, rate="FAR", what="comparisons of two people"
    )


def tar_at_far(comparisons: Comparisons, weights: Weights, *, wanted: float) -> float:
    """Return TAR(T) at the lowest T with FAR(T) at most as wanted.

    Raises:
        UndefinedMetricError: no comparisons of one person, or too few of two.
    """
    return true_accept_rate(comparisons, weights, threshold=threshold_at_far(comparisons, weights, wanted=wanted))


def fold_accuracies(comparisons: Comparisons) -> Scores:
    """Return each fold's share of right decisions, with the threshold that is best on all other folds.

    A comparison without both templates is a wrong decision, whoever is in it.

    Raises:
        UndefinedMetricError: there is one fold only, so no others to choose a threshold from.

    Source:
        Huang et al. 2007, Labeled Faces in the Wild, view 2.
    """
    numbers = np.unique(comparisons.folds)
    if len(numbers) < 2:
        raise UndefinedMetricError("there is one fold only, and the threshold is chosen on the others")
    accuracies = []
    for number in numbers:
        held_out = comparisons.folds == number
        chosen = ~held_out & comparisons.acquired
        threshold = most_accurate_threshold(comparisons.scores[chosen], comparisons.same[chosen])
        right = ((comparisons.scores >= threshold) == comparisons.same) & comparisons.acquired
        accuracies.append(right[held_out].mean())
    return np.asarray(accuracies, dtype=np.float64)


def most_accurate_threshold(scores: Scores, same: Flags) -> float:
    """Return the threshold with the most right decisions, half-way between two scores; the lowest of equally good ones.

    Raises:
        UndefinedMetricError: there are no scores.
    """
    if scores.size == 0:
        raise UndefinedMetricError("no comparison outside the fold has both of its templates")
    rising, place = np.unique(scores, return_inverse=True)
    of_one = np.bincount(place[same], minlength=rising.size)
    of_two = np.bincount(place[~same], minlength=rising.size)
    # Right at T = rising[i]: of one person from there up, of two people below; the last is a T above them all.
    right = np.append(np.cumsum(of_one[::-1])[::-1], 0) + np.append(0, np.cumsum(of_two))
    halfway = (rising[:-1] + rising[1:]) / 2
    thresholds = np.concatenate([rising[:1], halfway, [np.nextafter(rising[-1], np.inf)]])
    return float(thresholds[np.argmax(right)])


def lowest_threshold(scores: Scores, weights: Weights, *, wanted: float, rate: str, what: str) -> float:
    """Return the lowest T that at most a wanted share of the weight reaches.

    Args:
        scores: float64, shape (n,); not modified.
        rate: Name of the rate, for the message.
        what: What the scores are of, for the message.

    Raises:
        UndefinedMetricError: n < 1 / wanted: then no score may reach T, and any high T would do.
    """
    if scores.size * wanted < 1 - ROUNDING:
        known = (
            f"{scores.size:,}: the least {rate} above 0 that they can show is {1 / scores.size:.2%}"
            if scores.size
            else "none"
        )
        raise UndefinedMetricError(
            f"{rate} {wanted:.3g} needs at least {int(np.ceil(1 / wanted - ROUNDING)):,} {what}, and there are {known}"
        )
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(weights[order])
    [too_many] = np.nonzero(reached > wanted * reached[-1] + ROUNDING)
    return float(np.nextafter(scores[order[too_many[0]]], np.inf))


def _share(flags: Flags, weights: Weights, *, of: Flags, what: str) -> float:
    """Return the weighted share of flags among those chosen."""
    total = float(weights[of].sum())
    if total == 0:
        raise UndefinedMetricError(f"there are no {what}")
    return float(weights[of & flags].sum()) / total


Data = TypeVar("Data", Searches, Comparisons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Generic[Data]):
    """A metric that is reported.

    Attributes:
        title: In the field's terms.
        compute: Gives the value for weighted data.
        threshold: Gives the threshold that it is for; None where it has none.
        errors: A share of errors, so lower is better; else a share of right answers.
        mated: A share of the mated searches; else of the non-mated ones. Of verification it says nothing.
    """

    title: str
    compute: Callable[[Data, Weights], float]
    threshold: Callable[[Data, Weights], float] | None = None
    errors: bool
    mated: bool = True


IDENTIFICATION_METRICS: Mapping[str, Metric[Searches]] = MappingProxyType(
    {
        **{
            f"fnir_at_fpir_{wanted:g}": Metric(
                title=f"FNIR(N, N, T) at FPIR {wanted:.3g}",
                compute=partial(fnir_at_fpir, wanted=wanted),
                threshold=partial(threshold_at_fpir, wanted=wanted),
                errors=True,
            )
            for wanted in FPIRS
        },
        "rank_1": Metric(title="rank-1 rate, 1 - FNIR(N, 1, 0)", compute=partial(rank_hit_rate, rank=1), errors=False),
        **{
            f"fnir_rank_{rank}": Metric(
                title=f"FNIR(N, {rank}, 0)", compute=partial(fnir, threshold=-np.inf, rank=rank), errors=True
            )
            for rank in RANKS
        },
    }
)
"""Every metric of identification that is reported whatever the threshold in use, by its key in the JSON.

FNIR(N, N, T) at an FPIR is the identification regime of NIST FRTE: an answer counts only from T up. FNIR(N, R, 0) is
the investigation regime: a person goes through R candidates.
"""


SET_BY_FPIR = MappingProxyType({name: one for name, one in IDENTIFICATION_METRICS.items() if one.threshold is not None})
"""Those of them that normalised scores change: ranks within a search stay."""


def metrics_at(threshold: float) -> Mapping[str, Metric[Searches]]:
    """Return the metrics of a threshold in use."""
    return {
        "fnir_at_threshold": Metric(
            title=f"FNIR(N, N, T) at T = {threshold:.3f}", compute=partial(fnir, threshold=threshold), errors=True
        ),
        "fpir_at_threshold": Metric(
            title=f"FPIR(N, T) at T = {threshold:.3f}",
            compute=partial(fpir, threshold=threshold),
            errors=True,
            mated=False,
        ),
    }


VERIFICATION_METRICS: Mapping[str, Metric[Comparisons]] = MappingProxyType(
    {
        f"tar_at_far_{wanted:g}": Metric(
            title=f"TAR at FAR {wanted:.3g}",
            compute=partial(tar_at_far, wanted=wanted),
            threshold=partial(threshold_at_far, wanted=wanted),
            errors=False,
        )
        for wanted in FARS
    }
)
"""Every metric of verification that is reported besides the accuracy over folds, by its key in the JSON."""


def point_estimate(metric: Metric[Data], data: Data) -> Estimate:
    """Compute a metric without an interval; where it is undefined, say why."""
    try:
        return Estimate(value=metric.compute(data, np.ones(data.size)))
    except UndefinedMetricError as error:
        return Estimate(value=None, undefined=str(error))


def threshold_of(metric: Metric[Data], data: Data) -> float | None:
    """Return the threshold that a metric is for; None where it has none, or is not defined."""
    try:
        return None if metric.threshold is None else metric.threshold(data, np.ones(data.size))
    except UndefinedMetricError:
        return None


def metric_json(metric: Metric[Data], data: Data, estimate: Estimate) -> dict[str, Any]:
    """Return a metric's title, its estimate, and the threshold that it is for, as plain JSON types."""
    threshold = None if estimate.value is None else threshold_of(metric, data)
    return {"title": metric.title, **estimate.as_json(), "threshold": threshold}

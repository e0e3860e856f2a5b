"""Bootstrap over subjects: what an error rate, or the difference of two, could have been with other people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.evaluation.metrics import Metric, Weights, point_estimate
from countenance.evaluation.model import Estimate, Flags, Numbers, Searches

REPLICATES = 1000
LEVEL = 0.95
SEED = 19795
"""Of the generator, so that the same data give the same interval."""

Metrics = Mapping[str, Metric[Searches]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEstimate:
    """A metric of two systems on the same searches, and the second's minus the first's.

    Attributes:
        difference: Its interval comes from drawing the same people for both, so it may leave 0 out although the two
            systems' own intervals overlap.
    """

    first: Estimate
    second: Estimate
    difference: Estimate

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        names = ("first", "second", "difference")
        return dict(zip(names, (one.as_json() for one in (self.first, self.second, self.difference)), strict=True))


def estimates(metrics: Metrics, searches: Searches) -> dict[str, Estimate]:
    """Compute metrics and their percentile intervals over drawn subjects; where one is undefined, say why.

    Where no search or each one is an error, so is every draw: the interval is the exact one of as many subjects then.
    """
    points = {name: point_estimate(metric, searches) for name, metric in metrics.items()}
    defined = [name for name, point in points.items() if point.value is not None]
    values = _replicates([metrics[name] for name in defined], [searches])[:, :, 0]
    for column, name in enumerate(defined):
        value = points[name].value
        subjects = searches.subjects[searches.mated == metrics[name].mated]
        exact = _exact(np.unique(subjects).size)
        interval = exact[value] if value in exact else _interval(values[:, column])
        points[name] = Estimate(value=value, interval=interval)
    return points


def paired_estimates(metrics: Metrics, first: Searches, second: Searches) -> dict[str, PairedEstimate]:
    """Compare two systems on the same searches.

    Raises:
        ValueError: they are not the same searches.
    """
    if not np.array_equal(first.subjects, second.subjects) or not np.array_equal(first.mated, second.mated):
        raise ValueError("only the same searches can be compared in pairs")
    of_first, of_second = estimates(metrics, first), estimates(metrics, second)
    defined = [name for name in metrics if of_first[name].value is not None and of_second[name].value is not None]
    values = _replicates([metrics[name] for name in defined], [first, second])
    intervals = {name: _interval(values[:, at, 1] - values[:, at, 0]) for at, name in enumerate(defined)}
    return {
        name: PairedEstimate(
            first=of_first[name],
            second=of_second[name],
            difference=_difference(of_first[name], of_second[name], intervals.get(name)),
        )
        for name in metrics
    }


def apart(first: Estimate, second: Estimate) -> Estimate:
    """Return the second's value minus the first's, for searches of different people.

    Source:
        Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10; for any
        intervals: Zou and Donner 2008, "Construction of confidence limits about effect measures".
    """
    if first.interval is None or second.interval is None:
        return _difference(first, second, None)
    (low_1, high_1), (low_2, high_2) = first.interval, second.interval
    one, other = float(first.value or 0), float(second.value or 0)
    below, above = np.hypot(other - low_2, high_1 - one), np.hypot(high_2 - other, one - low_1)
    return _difference(first, second, (other - one - float(below), other - one + float(above)))


def drawn_weights(searches: Searches) -> Iterator[Weights]:
    """Draw subjects with replacement, mated and non-mated ones apart, and count how often each search is in.

    All searches of a subject go together, since they are alike. The gallery stays as it is, so N does; thresholds are
    set anew on every draw by whoever computes a metric with these weights.

    Source:
        Efron and Tibshirani 1993, section 8; by subject as ISO/IEC 19795-1:2021 asks for attempts that depend on one
        another.
    """
    generator = np.random.default_rng(SEED)
    strata = [_clusters(searches.subjects, chosen) for chosen in (searches.mated, ~searches.mated) if chosen.any()]
    for _ in range(REPLICATES):
        weights = np.zeros(searches.size)
        for rows, cluster, size in strata:
            weights[rows] = np.bincount(generator.integers(0, size, size), minlength=size)[cluster]
        yield weights


def bootstrap_json() -> dict[str, Any]:
    """Say how intervals were made."""
    return {"over": "subjects", "replicates": REPLICATES, "level": LEVEL, "seed": SEED, "of_0_and_1": "exact binomial"}


def _replicates(metrics: Sequence[Metric[Searches]], systems: Sequence[Searches]) -> NDArray[np.float64]:
    """Compute metrics on every draw: float64, shape (replicates, metrics, systems)."""
    values = np.empty((REPLICATES, len(metrics), len(systems)))
    for draw, weights in enumerate(drawn_weights(systems[0])):
        for at, metric in enumerate(metrics):
            values[draw, at] = [metric.compute(system, weights) for system in systems]
    return values


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the percentile interval."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _exact(subjects: int) -> Mapping[float | None, tuple[float, float]]:
    """Return the intervals of the shares 0 and 1 of so many subjects.

    Source:
        Clopper and Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial".
    """
    rest = float(((1 - LEVEL) / 2) ** (1 / subjects))
    return {0.0: (0.0, 1 - rest), 1.0: (rest, 1.0)}


def _difference(first: Estimate, second: Estimate, interval: tuple[float, float] | None) -> Estimate:
    """Return the second value minus the first's, or why there is none."""
    if first.value is None or second.value is None:
        return Estimate(value=None, undefined=first.undefined or second.undefined)
    return Estimate(value=second.value - first.value, interval=interval)


def _clusters(subjects: Numbers, chosen: Flags) -> tuple[Numbers, Numbers, int]:
    """Return the rows of a stratum, which of its subjects each belongs to, and how many subjects there are."""
    [rows] = np.nonzero(chosen)
    found, cluster = np.unique(subjects[rows], return_inverse=True)
    return rows, cluster, found.size

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
    """Compute metrics and their percentile intervals over drawn subjects; where one is undefined, say why."""
    points = {name: point_estimate(metric, searches) for name, metric in metrics.items()}
    defined = [name for name, point in points.items() if point.value is not None]
    values = _replicates([metrics[name] for name in defined], [searches])[:, :, 0]
    for column, name in enumerate(defined):
        points[name] = Estimate(value=points[name].value, interval=_interval(values[:, column]))
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


def differences(metrics: Metrics, first: Searches, second: Searches) -> dict[str, Estimate]:
    """Return the second's value minus the first's, for searches of different people.

    Raises:
        ValueError: somebody is in both.
    """
    if np.intersect1d(first.subjects, second.subjects).size:
        raise ValueError("searches of different people are drawn apart, and somebody is in both")
    points = {name: (point_estimate(metric, first), point_estimate(metric, second)) for name, metric in metrics.items()}
    defined = [name for name, (one, other) in points.items() if one.value is not None and other.value is not None]
    chosen = [metrics[name] for name in defined]
    values = _replicates(chosen, [second], seed=SEED + 1) - _replicates(chosen, [first])
    intervals = {name: _interval(values[:, at, 0]) for at, name in enumerate(defined)}
    return {name: _difference(one, other, intervals.get(name)) for name, (one, other) in points.items()}


def drawn_weights(searches: Searches, *, seed: int = SEED) -> Iterator[Weights]:
    """Draw subjects with replacement, mated and non-mated ones apart, and count how often each search is in.

    All searches of a subject go together, since they are alike. The gallery stays as it is, so N does; thresholds are
    set anew on every draw by whoever computes a metric with these weights.

    Source:
        Efron and Tibshirani 1993, section 8; by subject as ISO/IEC 19795-1:2021 asks for attempts that depend on one
        another.
    """
    generator = np.random.default_rng(seed)
    strata = [_clusters(searches.subjects, chosen) for chosen in (searches.mated, ~searches.mated) if chosen.any()]
    for _ in range(REPLICATES):
        weights = np.zeros(searches.size)
        for rows, cluster, size in strata:
            weights[rows] = np.bincount(generator.integers(0, size, size), minlength=size)[cluster]
        yield weights


def bootstrap_json() -> dict[str, Any]:
    """Say how intervals were made."""
    return {"over": "subjects", "replicates": REPLICATES, "level": LEVEL, "seed": SEED}


def _replicates(
    metrics: Sequence[Metric[Searches]], systems: Sequence[Searches], *, seed: int = SEED
) -> NDArray[np.float64]:
    """Compute metrics on every draw: float64, shape (replicates, metrics, systems)."""
    values = np.empty((REPLICATES, len(metrics), len(systems)))
    for draw, weights in enumerate(drawn_weights(systems[0], seed=seed)):
        for at, metric in enumerate(metrics):
            values[draw, at] = [metric.compute(system, weights) for system in systems]
    return values


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the percentile interval."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


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

"""Bootstrap over subjects: what an error rate could have been with other people."""

from collections.abc import Iterator

import numpy as np

from countenance.evaluation.metrics import Metric, Weights, point_estimate
from countenance.evaluation.model import Estimate, Flags, Numbers, Searches

REPLICATES = 1000
LEVEL = 0.95
SEED = 19795
"""Of the generator, so that the same data give the same interval."""


def estimate(metric: Metric[Searches], searches: Searches) -> Estimate:
    """Compute a metric and its percentile interval over drawn subjects; where it is undefined, say why."""
    point = point_estimate(metric, searches)
    if point.value is None:
        return point
    replicates = [metric.compute(searches, weights) for weights in drawn_weights(searches)]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Estimate(value=point.value, interval=(float(low), float(high)))


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


def _clusters(subjects: Numbers, chosen: Flags) -> tuple[Numbers, Numbers, int]:
    """Return the rows of a stratum, which of its subjects each belongs to, and how many subjects there are."""
    [rows] = np.nonzero(chosen)
    found, cluster = np.unique(subjects[rows], return_inverse=True)
    return rows, cluster, found.size

"""What holds for every metric in the registries, whatever the data: a new one cannot dodge these."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from countenance.evaluation.metrics import (
    IDENTIFICATION_METRICS,
    VERIFICATION_METRICS,
    Metric,
    fnir,
    fpir,
    metrics_at,
    point_estimate,
)
from countenance.evaluation.model import NEVER, Comparisons, Searches

SCORES = st.floats(-1, 1, width=16)
ROWS = ("subjects", "mated", "acquired", "mate_scores", "mate_ranks", "stranger_scores")
IDENTIFICATION = [
    pytest.param(metric, id=name) for name, metric in {**IDENTIFICATION_METRICS, **metrics_at(0.4)}.items()
]
VERIFICATION = [pytest.param(metric, id=name) for name, metric in VERIFICATION_METRICS.items()]


def searches(seed: int, *, n: int = 1200) -> Searches:
    """Searches with ties, failures and several probes a subject."""
    random = np.random.default_rng(seed)
    mated = random.random(n) < 0.5
    failed = random.random(n) < 0.05
    mates = np.where(mated & ~failed, np.round(random.uniform(-0.2, 1, n), 2), -np.inf)
    return Searches(
        subjects=random.integers(0, n // 2, n) * 2 + mated,
        mated=mated,
        acquired=~failed,
        mate_scores=mates,
        mate_ranks=np.where(mates > -np.inf, random.integers(1, 20, n), NEVER),
        stranger_scores=np.where(failed, -np.inf, np.round(random.uniform(0, 0.7, n), 2)),
        gallery_size=100,
    )


def comparisons(seed: int, *, n: int = 2400) -> Comparisons:
    """Comparisons with ties and failures."""
    random = np.random.default_rng(seed)
    acquired = random.random(n) > 0.05
    return Comparisons(
        scores=np.where(acquired, np.round(random.uniform(-1, 1, n), 2), -np.inf),
        same=random.random(n) < 0.5,
        acquired=acquired,
        folds=random.integers(0, 3, n),
    )


def reordered(data: Any, order: np.ndarray) -> Any:
    """The same rows in another order."""
    names = ROWS if isinstance(data, Searches) else ("scores", "same", "acquired", "folds")
    return replace(data, **{name: getattr(data, name)[order] for name in names})


@pytest.mark.parametrize("metric", IDENTIFICATION)
@given(seed=st.integers(0, 99))
def test_the_order_of_searches_does_not_matter(metric: Metric[Searches], seed: int) -> None:
    data = searches(seed)
    order = np.random.default_rng(seed).permutation(data.size)

    assert point_estimate(metric, reordered(data, order)) == point_estimate(metric, data)


@pytest.mark.parametrize("metric", VERIFICATION)
@given(seed=st.integers(0, 99))
def test_the_order_of_comparisons_does_not_matter(metric: Metric[Comparisons], seed: int) -> None:
    data = comparisons(seed)
    order = np.random.default_rng(seed).permutation(data.size)

    assert point_estimate(metric, reordered(data, order)) == point_estimate(metric, data)


@pytest.mark.parametrize("metric", IDENTIFICATION)
@given(seed=st.integers(0, 99))
def test_a_weight_of_two_is_the_same_search_twice(metric: Metric[Searches], seed: int) -> None:
    data = searches(seed)
    weights = np.random.default_rng(seed).integers(1, 3, data.size).astype(np.float64)
    repeated = reordered(data, np.repeat(np.arange(data.size), weights.astype(int)))

    assert metric.compute(data, weights) == pytest.approx(metric.compute(repeated, np.ones(repeated.size)), abs=1e-12)


@pytest.mark.parametrize("metric", IDENTIFICATION)
@given(seed=st.integers(0, 99), worse=st.floats(0.001, 0.5))
def test_lower_mate_scores_never_look_better(metric: Metric[Searches], seed: int, worse: float) -> None:
    data = searches(seed)

    value = metric.compute(data, np.ones(data.size))
    shifted = metric.compute(
        replace(data, mate_scores=data.mate_scores - worse, mate_ranks=np.where(data.mate_ranks == NEVER, NEVER, 20)),
        np.ones(data.size),
    )

    assert shifted >= value if metric.errors else shifted <= value


@pytest.mark.parametrize("metric", IDENTIFICATION)
def test_values_are_shares_and_thresholds_belong_to_them(metric: Metric[Searches]) -> None:
    data = searches(1)

    value = metric.compute(data, np.ones(data.size))

    assert 0 <= value <= 1
    if metric.threshold is not None:
        assert fnir(data, np.ones(data.size), threshold=metric.threshold(data, np.ones(data.size))) == value


@given(seed=st.integers(0, 99), low=SCORES, high=SCORES)
def test_raising_the_threshold_never_lowers_fnir_or_raises_fpir(seed: int, low: float, high: float) -> None:
    data, ones = searches(seed, n=50), np.ones(50)
    assume(data.mated.any() and not data.mated.all())
    low, high = sorted((low, high))

    assert fnir(data, ones, threshold=low) <= fnir(data, ones, threshold=high)
    assert fpir(data, ones, threshold=low) >= fpir(data, ones, threshold=high)


@given(seed=st.integers(0, 99), short=st.integers(1, 30), long=st.integers(1, 30))
def test_a_longer_list_never_misses_more(seed: int, short: int, long: int) -> None:
    data, ones = searches(seed, n=50), np.ones(50)
    assume(data.mated.any())
    short, long = sorted((short, long))

    assert fnir(data, ones, threshold=0, rank=long) <= fnir(data, ones, threshold=0, rank=short)


@pytest.mark.parametrize("field", ["mate_scores", "stranger_scores"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_searches_refuse_what_is_no_number(field: str, value: float) -> None:
    data = searches(1)
    scores = getattr(data, field).copy()
    scores[np.flatnonzero(data.mated & data.acquired)[0]] = value

    with pytest.raises(ValueError, match="numbers"):
        replace(data, **{field: scores})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_comparisons_refuse_what_is_no_number(value: float) -> None:
    data = comparisons(1)
    scores = data.scores.copy()
    scores[0] = value

    with pytest.raises(ValueError, match="numbers"):
        replace(data, scores=scores)

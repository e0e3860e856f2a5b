"""Every number here was worked out by hand."""

import math
from functools import partial

import numpy as np
import pytest

from countenance.evaluation.metrics import (
    false_accept_rate,
    fnir,
    fnir_at_fpir,
    fold_accuracies,
    fpir,
    most_accurate_threshold,
    rank_hit_rate,
    tar_at_far,
    threshold_at_far,
    threshold_at_fpir,
    true_accept_rate,
)
from countenance.evaluation.model import NEVER, Comparisons, Searches, UndefinedMetricError

NONE = -math.inf

SEARCHES = Searches(
    subjects=np.array([1, 1, 2, 3, 4, 5, 6, 7]),
    mated=np.array([True, True, True, True, False, False, False, False]),
    acquired=np.array([True, True, True, False, True, True, True, False]),
    mate_scores=np.array([0.9, 0.5, 0.3, NONE, NONE, NONE, NONE, NONE]),
    mate_ranks=np.array([1, 1, 4, NEVER, NEVER, NEVER, NEVER, NEVER]),
    stranger_scores=np.array([0.4, 0.2, 0.6, NONE, 0.45, 0.35, 0.35, NONE]),
    gallery_size=10,
)
"""Four mated searches, one without a template, and four non-mated ones, one without a template."""

ONES = np.ones(8)

COMPARISONS = Comparisons(
    scores=np.array([0.8, 0.6, 0.2, NONE, 0.5, 0.3, 0.1, NONE]),
    same=np.array([True, True, True, True, False, False, False, False]),
    acquired=np.array([True, True, True, False, True, True, True, False]),
    folds=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
)


@pytest.mark.parametrize(
    ("threshold", "rank", "expected"),
    [
        pytest.param(0.5, None, 2 / 4, id="a score equal to T reaches it"),
        pytest.param(0.51, None, 3 / 4, id="just above it misses"),
        pytest.param(0.0, None, 1 / 4, id="without a template it misses at any T"),
        pytest.param(-math.inf, 4, 1 / 4, id="rank 4 is among the first 4"),
        pytest.param(-math.inf, 3, 2 / 4, id="rank 4 is not among the first 3"),
        pytest.param(0.5, 1, 2 / 4, id="both T and R"),
        pytest.param(1.5, None, 1.0, id="nobody reaches a T above 1"),
    ],
)
def test_fnir(threshold: float, rank: int | None, expected: float) -> None:
    assert fnir(SEARCHES, ONES, threshold=threshold, rank=rank) == expected


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        pytest.param(0.35, 3 / 4, id="ties count, each search once"),
        pytest.param(0.36, 1 / 4, id="one left"),
        pytest.param(0.46, 0.0, id="none"),
        pytest.param(-math.inf, 3 / 4, id="without a template nobody is found"),
    ],
)
def test_fpir(threshold: float, expected: float) -> None:
    assert fpir(SEARCHES, ONES, threshold=threshold) == expected


def test_the_threshold_at_an_fpir_is_the_lowest_that_keeps_it() -> None:
    quarter = threshold_at_fpir(SEARCHES, ONES, wanted=0.25)
    half = threshold_at_fpir(SEARCHES, ONES, wanted=0.5)
    most = threshold_at_fpir(SEARCHES, ONES, wanted=0.75)

    assert quarter == half == math.nextafter(0.35, 1)
    assert fpir(SEARCHES, ONES, threshold=quarter) == 0.25
    assert most == math.nextafter(-math.inf, 0)


def test_fnir_at_fpir_is_fnir_at_that_threshold() -> None:
    assert fnir_at_fpir(SEARCHES, ONES, wanted=0.25) == 2 / 4


def test_an_fpir_that_so_few_searches_cannot_show_is_undefined_and_not_zero() -> None:
    with pytest.raises(
        UndefinedMetricError, match=r"FPIR 0\.003 needs at least 334 non-mated searches, .* are 4: .*25"
    ):
        fnir_at_fpir(SEARCHES, ONES, wanted=0.003)


def test_rank_hit_rate() -> None:
    assert rank_hit_rate(SEARCHES, ONES, rank=1) == 2 / 4
    assert rank_hit_rate(SEARCHES, ONES, rank=10) == 3 / 4


def test_a_search_that_is_drawn_twice_counts_twice() -> None:
    weights = np.array([2.0, 0, 1, 1, 0, 2, 1, 1])

    assert fnir(SEARCHES, weights, threshold=0.5) == 2 / 4
    assert fpir(SEARCHES, weights, threshold=0.35) == 3 / 4
    assert threshold_at_fpir(SEARCHES, weights, wanted=0.25) == math.nextafter(0.35, 1)


def test_verification_rates() -> None:
    assert true_accept_rate(COMPARISONS, ONES, threshold=0.6) == 2 / 4
    assert false_accept_rate(COMPARISONS, ONES, threshold=0.3) == 2 / 4
    assert threshold_at_far(COMPARISONS, ONES, wanted=0.25) == math.nextafter(0.3, 1)
    assert tar_at_far(COMPARISONS, ONES, wanted=0.25) == 2 / 4


def test_a_far_that_so_few_comparisons_cannot_show_is_undefined() -> None:
    with pytest.raises(UndefinedMetricError, match=r"FAR 0\.01 needs at least 100 .*25\.00%"):
        tar_at_far(COMPARISONS, ONES, wanted=0.01)


@pytest.mark.parametrize(
    ("scores", "same", "expected"),
    [
        pytest.param([0.9, 0.7, 0.4, 0.2], [True, True, False, False], 0.55, id="separable"),
        pytest.param([0.9, 0.7, 0.4, 0.2], [False, True, False, True], 0.2, id="the lowest of equally good ones"),
        pytest.param([0.5, 0.5, 0.5], [False, False, True], math.nextafter(0.5, 1), id="ties go together"),
        pytest.param([0.5], [True], 0.5, id="one pair of one person"),
        pytest.param([0.5], [False], math.nextafter(0.5, 1), id="one pair of two"),
    ],
)
def test_the_most_accurate_threshold(scores: list[float], same: list[bool], expected: float) -> None:
    assert most_accurate_threshold(np.array(scores), np.array(same)) == expected


def test_each_folds_threshold_comes_from_the_others_and_failures_are_wrong() -> None:
    accuracies = fold_accuracies(COMPARISONS)

    # Fold 0: from fold 1 T = 0.15, which all four reach: two right. Fold 1: from fold 0 T = 0.55: 0.2 wrong, 0.1 right,
    # and both failures wrong.
    assert accuracies.tolist() == [2 / 4, 1 / 4]


def test_one_fold_has_no_others_to_choose_a_threshold_from() -> None:
    alone = Comparisons(
        scores=COMPARISONS.scores, same=COMPARISONS.same, acquired=COMPARISONS.acquired, folds=np.zeros(8, np.int64)
    )

    with pytest.raises(UndefinedMetricError, match="one fold only"):
        fold_accuracies(alone)


@pytest.mark.parametrize(
    ("mated", "compute"),
    [
        pytest.param(False, partial(fnir, threshold=0.5), id="fnir without mated searches"),
        pytest.param(True, partial(fpir, threshold=0.5), id="fpir without non-mated searches"),
        pytest.param(True, partial(threshold_at_fpir, wanted=0.1), id="threshold without non-mated searches"),
    ],
)
def test_a_rate_over_nothing_is_undefined(mated: bool, compute: partial[float]) -> None:
    searches = SEARCHES.only(SEARCHES.mated == mated)

    with pytest.raises(UndefinedMetricError):
        compute(searches, np.ones(4))


def test_searches_refuse_arrays_that_contradict_each_other() -> None:
    one, score = np.array([1]), np.array([0.5])
    facts = {"subjects": one, "acquired": np.array([True]), "stranger_scores": score, "gallery_size": 3}

    with pytest.raises(ValueError, match="a rank exactly when it has a score"):
        Searches(mated=np.array([True]), mate_scores=score, mate_ranks=np.array([NEVER]), **facts)
    with pytest.raises(ValueError, match="no mate"):
        Searches(mated=np.array([False]), mate_scores=score, mate_ranks=one, **facts)
    with pytest.raises(ValueError, match="one shape"):
        Searches(mated=np.array([True, True]), mate_scores=score, mate_ranks=one, **facts)
    with pytest.raises(ValueError, match="start at 1"):
        Searches(mated=np.array([True]), mate_scores=score, mate_ranks=np.array([0]), **facts)
    with pytest.raises(ValueError, match="finds nobody"):
        Searches(mated=np.array([True]), mate_scores=score, mate_ranks=one, **{**facts, "acquired": np.array([False])})

import math

import numpy as np
import pytest

from countenance.evaluation.metrics import IDENTIFICATION_METRICS, metrics_at
from countenance.evaluation.model import NEVER, Estimate, Searches
from countenance.evaluation.resampling import REPLICATES, apart, drawn_weights, estimates, paired_estimates

RANK_1 = {"rank_1": IDENTIFICATION_METRICS["rank_1"]}


def mated(*, subjects: list[int], ranks: list[int]) -> Searches:
    """Mated searches, and one non-mated one."""
    n = len(subjects)
    return Searches(
        subjects=np.array([*subjects, 99]),
        mated=np.array([True] * n + [False]),
        acquired=np.full(n + 1, True),
        mate_scores=np.array([0.5] * n + [-np.inf]),
        mate_ranks=np.array([*ranks, NEVER]),
        stranger_scores=np.full(n + 1, 0.1),
        gallery_size=10,
    )


def test_all_searches_of_a_subject_are_drawn_together_and_the_two_kinds_apart() -> None:
    searches = mated(subjects=[1, 1, 2, 3], ranks=[1, 1, 1, 1])

    for weights in drawn_weights(searches):
        assert weights[0] == weights[1]
        assert weights[0] + weights[2] + weights[3] == 3
        assert weights[4] == 1


def test_the_interval_is_that_of_independent_subjects_and_not_of_their_searches() -> None:
    # 40 subjects with 25 searches each, all missed or none: the standard error is that of 40 draws, about 7.9 %.
    subjects = [number for number in range(40) for _ in range(25)]
    searches = mated(subjects=subjects, ranks=[1 if number % 2 else 5 for number in subjects])

    result = estimates(RANK_1, searches)["rank_1"]

    assert result.value == 0.5
    assert result.interval is not None
    low, high = result.interval
    assert 0.30 <= low <= 0.40
    assert 0.60 <= high <= 0.70


def test_the_same_data_give_the_same_interval() -> None:
    searches = mated(subjects=[1, 2, 3, 4], ranks=[1, 2, 1, 1])

    assert estimates(RANK_1, searches) == estimates(RANK_1, searches)
    assert sum(1 for _ in drawn_weights(searches)) == REPLICATES


def test_an_undefined_metric_keeps_its_reason() -> None:
    result = estimates(IDENTIFICATION_METRICS, mated(subjects=[1], ranks=[1]))["fnir_at_fpir_0.01"]

    assert result.value is None
    assert result.undefined is not None
    assert "100 non-mated searches" in result.undefined


def test_a_small_difference_on_the_same_people_shows_although_each_interval_is_wide() -> None:
    # The first misses half of 40 subjects; the second finds four of those, and loses nobody.
    ranks = [1 if number % 2 else 5 for number in range(40)]
    better = [1 if number in {0, 10, 20, 30} else rank for number, rank in enumerate(ranks)]
    first, second = (mated(subjects=list(range(40)), ranks=one) for one in (ranks, better))

    result = paired_estimates(RANK_1, first, second)["rank_1"]

    assert (result.first.value, result.second.value) == (0.5, 0.6)
    assert result.difference.value == pytest.approx(0.1)
    assert result.first.interval is not None
    assert result.second.interval is not None
    assert result.difference.interval is not None
    assert result.first.interval[1] > result.second.interval[0]
    assert result.difference.interval[0] > 0


def test_a_system_compared_with_itself_does_not_differ() -> None:
    searches = mated(subjects=[1, 2, 3, 4], ranks=[1, 2, 1, 1])

    result = paired_estimates(IDENTIFICATION_METRICS, searches, searches)

    assert result["rank_1"].difference == Estimate(value=0.0, interval=(0.0, 0.0))
    assert "100 non-mated searches" in str(result["fnir_at_fpir_0.01"].difference.undefined)


def test_only_the_same_searches_are_compared() -> None:
    with pytest.raises(ValueError, match="only the same searches"):
        paired_estimates(RANK_1, mated(subjects=[1, 2], ranks=[1, 1]), mated(subjects=[1, 3], ranks=[1, 1]))


def test_the_difference_of_different_people_is_as_wide_as_both() -> None:
    first = Estimate(value=0.5, interval=(0.35, 0.65))
    second = Estimate(value=0.7, interval=(0.5, 0.8))

    result = apart(first, second)

    assert result.value == pytest.approx(0.2)
    assert result.interval == (pytest.approx(0.2 - math.hypot(0.2, 0.15)), pytest.approx(0.2 + math.hypot(0.1, 0.15)))


def test_the_difference_to_what_is_undefined_is_undefined() -> None:
    result = apart(Estimate(value=0.5, interval=(0.4, 0.6)), Estimate(value=None, undefined="there are none"))

    assert result == Estimate(value=None, undefined="there are none")


@pytest.mark.parametrize(
    ("ranks", "value", "interval"),
    [
        pytest.param([1, 1, 1, 1], 1.0, (0.025**0.5, 1.0), id="all found"),
        pytest.param([5, 5, 5, 5], 0.0, (0.0, 1 - 0.025**0.5), id="nobody found"),
    ],
)
def test_what_always_or_never_happens_has_the_exact_interval_of_as_many_people(
    ranks: list[int], value: float, interval: tuple[float, float]
) -> None:
    # Four searches, but of two people.
    result = estimates(RANK_1, mated(subjects=[1, 1, 2, 2], ranks=ranks))["rank_1"]

    assert result.value == value
    assert result.interval == pytest.approx(interval)


def test_a_rate_of_strangers_counts_the_people_who_are_not_enrolled() -> None:
    result = estimates(metrics_at(0.5), mated(subjects=[1, 2, 3], ranks=[1, 1, 1]))["fpir_at_threshold"]

    assert result == Estimate(value=0.0, interval=(0.0, 1 - 0.025))

import numpy as np

from countenance.evaluation.metrics import IDENTIFICATION_METRICS
from countenance.evaluation.model import NEVER, Searches
from countenance.evaluation.resampling import REPLICATES, drawn_weights, estimate

MISS = IDENTIFICATION_METRICS["rank_1"]


def mated(*, subjects: list[int], ranks: list[int]) -> Searches:
    """Mated searches, and one non-mated one."""
    n = len(subjects)
    return Searches(
        subjects=np.array([*subjects, 99]),
        mated=np.array([True] * n + [False]),
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

    result = estimate(MISS, searches)

    assert result.value == 0.5
    assert result.interval is not None
    low, high = result.interval
    assert 0.30 <= low <= 0.40
    assert 0.60 <= high <= 0.70


def test_the_same_data_give_the_same_interval() -> None:
    searches = mated(subjects=[1, 2, 3, 4], ranks=[1, 2, 1, 1])

    assert estimate(MISS, searches) == estimate(MISS, searches)
    assert sum(1 for _ in drawn_weights(searches)) == REPLICATES


def test_an_undefined_metric_keeps_its_reason() -> None:
    result = estimate(IDENTIFICATION_METRICS["fnir_at_fpir_0.01"], mated(subjects=[1], ranks=[1]))

    assert result.value is None
    assert result.undefined is not None
    assert "100 non-mated searches" in result.undefined

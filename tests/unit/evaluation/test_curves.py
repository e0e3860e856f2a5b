import pytest

from countenance.evaluation.curves import cmc, det_of_comparisons, det_of_searches
from countenance.evaluation.model import UndefinedMetricError
from tests.unit.evaluation.test_metrics import COMPARISONS, SEARCHES


def test_det_of_searches_has_a_point_wherever_a_rate_changes() -> None:
    curve = det_of_searches(SEARCHES)

    # T = inf, 0.9, 0.5, 0.45, 0.35, 0.3.
    assert curve.x.tolist() == [0, 0, 0, 1 / 4, 3 / 4, 3 / 4]
    assert curve.y.tolist() == [1, 3 / 4, 2 / 4, 2 / 4, 2 / 4, 1 / 4]


def test_det_of_comparisons() -> None:
    curve = det_of_comparisons(COMPARISONS)

    assert curve.x.tolist() == [0, 0, 0, 1 / 4, 2 / 4, 2 / 4, 3 / 4]
    assert curve.y.tolist() == [1, 3 / 4, 2 / 4, 2 / 4, 2 / 4, 1 / 4, 1 / 4]


def test_cmc_counts_up_to_the_gallerys_size() -> None:
    curve = cmc(SEARCHES)

    assert curve.x.tolist() == list(range(1, 11))
    assert curve.y.tolist() == [2 / 4] * 3 + [3 / 4] * 7


def test_a_curve_without_mates_is_undefined() -> None:
    strangers = SEARCHES.only(~SEARCHES.mated)

    with pytest.raises(UndefinedMetricError):
        det_of_searches(strangers)
    with pytest.raises(UndefinedMetricError):
        cmc(strangers)

import math

import numpy as np
import pytest

from countenance.evaluation.curves import (
    BINS,
    LISTED,
    Curve,
    cmc,
    comparison_curves_json,
    det_of_comparisons,
    det_of_searches,
    histograms,
    search_curves_json,
)
from countenance.evaluation.model import UndefinedMetricError
from tests.unit.evaluation.test_metrics import COMPARISONS, SEARCHES


def test_det_of_searches_has_a_point_wherever_a_rate_changes() -> None:
    curve = det_of_searches(SEARCHES)

    # T = inf, 0.9, 0.5, 0.45, 0.35, 0.3.
    assert curve.x.tolist() == [0, 0, 0, 1 / 4, 3 / 4, 3 / 4]
    assert curve.y.tolist() == [1, 3 / 4, 2 / 4, 2 / 4, 2 / 4, 1 / 4]
    assert curve.at.tolist() == [math.inf, 0.9, 0.5, 0.45, 0.35, 0.3]


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


def test_listed_are_the_lowest_points_of_each_rate_of_false_answers() -> None:
    few = det_of_searches(SEARCHES).listed()

    assert (few.x.tolist(), few.y.tolist(), few.at.tolist()) == ([1 / 4, 3 / 4], [2 / 4, 1 / 4], [0.45, 0.3])


def test_of_many_points_those_spaced_by_logarithm_are_listed_with_both_ends() -> None:
    x = np.arange(10_001) / 10_000

    few = Curve(x=x, y=1 - x, at=-x).listed()

    assert LISTED / 2 < few.x.size <= LISTED
    assert (few.x[0], few.x[-1]) == (1 / 10_000, 1.0)
    assert set(few.x) <= set(x)
    np.testing.assert_array_equal(few.y, 1 - few.x)
    assert np.diff(np.log(few.x[few.x > 0.01])).max() < 2 * np.log(10_000) / LISTED


def test_a_histogram_is_of_shares_and_leaves_missing_templates_out() -> None:
    found = histograms({"a": np.array([0.0, 0.0, 1.0, -np.inf]), "b": np.array([0.5])})

    assert found.edges.size == BINS + 1
    assert (found.edges[0], found.edges[-1]) == (0.0, 1.0)
    assert (found.shares["a"][0], found.shares["a"][-1], found.shares["a"].sum()) == (2 / 3, 1 / 3, 1.0)
    assert found.counts == {"a": 3, "b": 1}


def test_curves_as_json_hold_what_the_plots_show() -> None:
    searches = search_curves_json(SEARCHES, {"one": SEARCHES})
    comparisons = comparison_curves_json(COMPARISONS)

    assert searches["det"]["one"] == {"fpir": [1 / 4, 3 / 4], "fnir": [2 / 4, 1 / 4], "threshold": [0.45, 0.3]}
    assert searches["cmc"] == {"rank": list(range(1, 11)), "rate": [2 / 4] * 3 + [3 / 4] * 7}
    assert searches["scores"]["counts"]["the mate"] == 3
    assert comparisons["det"]["far"] == [1 / 4, 2 / 4, 3 / 4]
    assert comparisons["scores"]["counts"] == {"one person": 3, "two people": 3}


def test_a_curve_that_the_data_cannot_show_is_null() -> None:
    strangers = SEARCHES.only(~SEARCHES.mated)

    curves = search_curves_json(strangers, {"one": strangers})

    assert (curves["det"], curves["cmc"]) == ({"one": None}, None)
    assert list(curves["scores"]["counts"]) == ["the best stranger, non-mated searches"]

"""Expected strangers: right where the distribution is known, a bound where the data end, monotone everywhere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.search.cohort import COHORT, Proportion
from countenance.search.strangers import (
    HIGHEST_RATE,
    Known,
    StrangerCurve,
    Strangers,
    expected_strangers,
    fit_curve,
    fit_tail,
    in_words,
    interval_in_short,
    rounded,
)

PROBES, STRANGERS = 200, 20_000
SCALE = 0.025


def curve(*, shares: float | NDArray[np.float64] = 1.0, tenth: float = 0.1, seed: int = 0) -> StrangerCurve:
    """Fit the curve to exponential scores above 0: P(score >= z) = shares * HIGHEST_RATE * 1.5 * exp(-z / SCALE)."""
    rng = np.random.default_rng(seed)
    counts = rng.binomial(STRANGERS, shares * np.full(PROBES, HIGHEST_RATE * 1.5))
    scores = rng.exponential(SCALE, counts.sum())
    return fit_curve(
        scores,
        np.repeat(np.arange(PROBES), counts),
        strangers=np.full(PROBES, STRANGERS),
        above_tenth=rng.binomial(STRANGERS, shares * np.full(PROBES, tenth)),
    )


CURVE = curve()
PLACE = Proportion(offset=0.3, scores=np.linspace(-0.3, 0.35, COHORT))


def true_rate(normalised: float) -> float:
    return HIGHEST_RATE * 1.5 * math.exp(-normalised / SCALE)


@pytest.mark.parametrize("rate", [pytest.param(10.0**at, id=f"1e{at}") for at in (-2, -3, -4, -5, -6)])
def test_the_curve_is_the_distribution_that_scores_came_from(rate: float) -> None:
    normalised = -SCALE * math.log(rate / (HIGHEST_RATE * 1.5))

    found = CURVE.rate(normalised)

    assert found == pytest.approx(rate, rel=0.6 if rate < 1e-5 else 0.15)


@pytest.mark.parametrize("rate", [pytest.param(10.0**at, id=f"1e{at}") for at in (-2, -4, -5, -6)])
def test_score_at_is_the_inverse_of_rate(rate: float) -> None:
    assert CURVE.rate(CURVE.score_at(rate)) == pytest.approx(rate, rel=1e-6)


def test_probes_that_are_alike_have_no_spread_and_those_that_differ_have() -> None:
    apart = curve(shares=np.random.default_rng(3).lognormal(-0.08, 0.4, PROBES), seed=3)

    for decade in (-1, -2):
        assert CURVE.spread[decade] < 0.05
        assert apart.spread[decade] == pytest.approx(0.4, abs=0.1)


def test_the_spread_vanishes_where_everybody_reaches_the_score() -> None:
    apart = curve(shares=np.random.default_rng(3).lognormal(-0.08, 0.4, PROBES))

    assert apart.relative_spread(1.0) < 0.001
    assert apart.relative_spread(0.3) < apart.relative_spread(0.1)


def test_the_spread_grows_beyond_where_it_was_measured() -> None:
    spreads = [CURVE.relative_spread(10.0**decade) for decade in (-2, -4, -6)]

    assert spreads == sorted(spreads)
    assert spreads[-1] > 0.3


def test_the_estimate_lies_in_its_interval_and_scales_with_the_people() -> None:
    thousand, million = (expected_strangers(0.4, PLACE, CURVE, people=people) for people in (1001, 1_000_001))

    for found in (thousand, million):
        assert found.known is Known.ESTIMATED
        assert found.expected is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.expected < found.high
    assert million.expected == pytest.approx(1000 * thousand.expected)  # type: ignore[operator]
    assert thousand.expected == pytest.approx(1000 * true_rate(0.1), rel=0.15)


def test_a_common_score_is_counted_in_the_probes_own_cohort() -> None:
    found = expected_strangers(0.025, PLACE, CURVE, people=1001)

    assert found.expected == pytest.approx(500, abs=1)


def test_a_share_of_the_cohort_is_brought_into_line_with_strangers() -> None:
    crowded = curve(tenth=0.2)

    found = expected_strangers(0.285, PLACE, crowded, people=1001)

    assert found.expected == pytest.approx(200, rel=0.02)
    assert found.low is not None
    assert found.low < 200


def test_where_the_data_end_there_is_a_bound_and_no_number() -> None:
    found = expected_strangers(0.9, PLACE, CURVE, people=1001)

    assert found == Strangers(known=Known.FEWER_THAN, expected=1000 * CURVE.floor)


def test_nobody_else_is_expected_where_nobody_else_was_searched() -> None:
    found = expected_strangers(0.4, PLACE, CURVE, people=1)

    assert found.expected == 0
    assert in_words(found, people=1) == "there is nobody else to be compared with"


@given(low=st.floats(-1, 1), high=st.floats(-1, 1))
def test_a_higher_score_never_has_more_strangers(low: float, high: float) -> None:
    low, high = sorted((low, high))

    more, fewer = (expected_strangers(score, PLACE, CURVE, people=10_000).expected for score in (low, high))

    assert more is not None
    assert fewer is not None
    assert fewer <= more * (1 + 1e-9)


def test_a_tail_with_an_end_is_recognised() -> None:
    scores = np.sort(np.random.default_rng(1).beta(1, 3, 50_000))[::-1]

    tail = fit_tail(scores, 1_000_000)

    assert tail.shape == pytest.approx(-1 / 3, abs=0.15)
    assert tail.survival(2.0) == 0.0


@pytest.mark.parametrize(
    ("strangers", "words"),
    [
        pytest.param(
            Strangers(known=Known.ESTIMATED, expected=2.9, low=2, high=4),
            "about 3 other people among 1.2 million would look this similar",
            id="a few",
        ),
        pytest.param(
            Strangers(known=Known.ESTIMATED, expected=0.9, low=0.5, high=2),
            "about 1 other person among 1.2 million would look this similar",
            id="one",
        ),
        pytest.param(
            Strangers(known=Known.ESTIMATED, expected=12_345, low=1, high=2e4),
            "about 12,000 other people among 1.2 million would look this similar",
            id="many",
        ),
        pytest.param(
            Strangers(known=Known.ESTIMATED, expected=0.0031, low=0.001, high=0.01),
            "about 1 chance in 320 that anybody else among 1.2 million would look this similar",
            id="rare",
        ),
        pytest.param(
            Strangers(known=Known.FEWER_THAN, expected=0.004),
            "fewer than 1 chance in 250 that anybody else among 1.2 million would look this similar",
            id="a bound below one",
        ),
        pytest.param(
            Strangers(known=Known.FEWER_THAN, expected=7.2),
            "fewer than 7 other people among 1.2 million would look this similar",
            id="a bound above one",
        ),
        pytest.param(
            Strangers(known=Known.NOT_KNOWN),
            "how many others among 1.2 million would look this similar is not known",
            id="not known",
        ),
    ],
)
def test_words(strangers: Strangers, words: str) -> None:
    assert in_words(strangers, people=1_234_567) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        pytest.param(1.24, 83.4, "1.2 to 83", id="people"),
        pytest.param(0.004, 2.0, "1 in 250 to 2", id="chances and people"),
        pytest.param(0.0, 0.0, "", id="nobody else was searched"),
        pytest.param(None, None, "", id="not estimated"),
    ],
)
def test_the_interval_in_short(low: float | None, high: float | None, words: str) -> None:
    assert interval_in_short(Strangers(known=Known.ESTIMATED, expected=1.0, low=low, high=high)) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.6, "1"),
        (9.4, "9"),
        (9.7, "10"),
        (99.6, "100"),
        (1_234, "1,200"),
        (1_000_000, "1 million"),
        (9.96e8, "1 billion"),
    ],
)
def test_counts_are_said_to_two_digits(number: float, words: str) -> None:
    assert rounded(number) == words

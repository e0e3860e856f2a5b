from datetime import UTC, datetime

import pytest

from countenance.cli.strip import strip_lines
from countenance.search.scale import ScaleFacts


def scale(shares: tuple[float, ...]) -> ScaleFacts:
    """Facts of which only the strip matters: from 0 in steps of a tenth."""
    return ScaleFacts(
        fpir=None,
        offset=0.3,
        people=10,
        made_from="gallery",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        data="0" * 64,
        stale=False,
        strip_low=0.0,
        strip_step=0.1,
        strip=shares,
    )


def test_rare_scores_stay_visible_and_the_best_of_a_bin_is_named() -> None:
    bars, marks, words = strip_lines(scale((0.0, 0.64, 0.16, 0.0001, 0.0)), [0.45, 0.35, 0.31, 0.12])

    assert bars == " 0.00  █▄▁  0.50"
    assert marks == "       4 21"
    assert words.startswith("Above: what strangers score")


@pytest.mark.parametrize(
    ("score", "place"),
    [
        pytest.param(-0.7, 0, id="below the strip"),
        pytest.param(0.999, 4, id="above it"),
        pytest.param(0.25, 2, id="within"),
    ],
)
def test_a_candidate_stands_in_the_nearest_bin(score: float, place: int) -> None:
    _, marks, _ = strip_lines(scale((0.2,) * 5), [score])

    assert marks == " " * (6 + place) + "1"


def test_ranks_of_two_digits_are_a_plus_sign() -> None:
    _, marks, _ = strip_lines(scale((0.2,) * 5), [0.45] * 9 + [0.05])

    assert marks == "      +   1"

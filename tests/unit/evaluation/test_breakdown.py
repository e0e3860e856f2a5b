import math

import numpy as np
import pytest

from countenance.evaluation.breakdown import UNKNOWN, broken_down, quality_bands
from countenance.vision.model import Quality
from tests.unit.evaluation.test_metrics import SEARCHES


def quality(*, eye_distance: float, yaw: float = 0.0) -> Quality:
    """A face's quality of which one measure matters."""
    return Quality(
        eye_distance=eye_distance,
        sharpness=100,
        brightness=120,
        clipped=0,
        yaw=yaw,
        pitch=0,
        roll=0,
        detector_score=0.9,
    )


def test_each_part_is_measured_at_the_same_threshold_and_unknown_comes_last() -> None:
    labels = ["b", "b", "a", "a", "a", UNKNOWN, "a", "a"]

    parts = broken_down(SEARCHES, labels, threshold=0.4)

    assert [part.label for part in parts] == ["a", "b", UNKNOWN]
    a, b, unknown = parts
    assert (a.mated, a.non_mated, a.subjects, a.refused) == (2, 3, 5, 2)
    assert (a.fnir.value, a.fpir.value) == (1.0, 1 / 3)
    assert (b.mated, b.non_mated, b.subjects, b.refused) == (2, 0, 1, 0)
    assert b.fnir.value == 0.0
    assert b.fpir.undefined == "there are no non-mated searches"
    assert unknown.fpir.value == 0.0
    assert unknown.fnir.undefined == "there are no mated searches"


def test_bands_are_thirds_and_a_probe_without_a_face_has_none() -> None:
    qualities = [quality(eye_distance=value) for value in (10, 20, 30, 40, 50, 60)]

    labels = quality_bands([*qualities, None], "eye_distance")

    assert [label[0] for label in labels] == ["1", "1", "2", "2", "3", "3", "("]
    assert labels[0] == "1: 10 to 27"
    assert labels[-1] == UNKNOWN


def test_turned_left_or_right_is_the_same() -> None:
    left, right, frontal = (quality(eye_distance=40, yaw=yaw) for yaw in (-30.0, 30.0, 0.0))

    labels = quality_bands([left, right, frontal], "yaw")

    assert labels[0] == labels[1] != labels[2]


def test_probes_without_any_face_have_no_band() -> None:
    assert quality_bands([None, None], "sharpness") == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize("threshold", [0.0, 0.35, 0.5, 1.0])
def test_parts_add_up_to_the_whole(threshold: float) -> None:
    parts = broken_down(SEARCHES, list("aabbaabb"), threshold=threshold)

    missed = sum(part.mated * part.fnir.value for part in parts if part.fnir.value is not None)

    whole = np.count_nonzero(SEARCHES.mate_scores[SEARCHES.mated] < threshold)
    assert math.isclose(missed, whole)

from dataclasses import replace

import numpy as np
import pytest

from countenance.evaluation.acquisition import Sample
from countenance.evaluation.duplicates import suspected_duplicates
from tests.unit.evaluation.test_breakdown import quality


def sample(reference: str, degrees: float, sha256: str = "") -> Sample:
    """A sample in a plane."""
    angle = np.radians(degrees)
    return Sample(
        reference=reference,
        sha256=sha256 or reference,
        template=np.array([np.cos(angle), np.sin(angle)], dtype=np.float32),
        quality=quality(eye_distance=40),
    )


def test_a_pair_of_subjects_is_listed_once_with_its_most_similar_photographs() -> None:
    samples = [sample("a1", 0), sample("a2", 10), sample("b1", 14), sample("b2", 18), sample("c1", 90)]

    [found] = suspected_duplicates(samples, ["A", "A", "B", "B", "C"], threshold=np.cos(np.radians(20)))

    assert (found.first, found.second) == ("A", "B")
    assert (found.first_image, found.second_image) == ("a2", "b1")
    assert found.score == pytest.approx(np.cos(np.radians(4)), abs=1e-6)
    assert not found.same_file


def test_the_same_file_under_two_names_is_said_to_be_so() -> None:
    samples = [sample("b1", 0, sha256="same"), sample("a1", 0, sha256="same")]

    [found] = suspected_duplicates(samples, ["B", "A"], threshold=1.0 - 1e-6)

    assert (found.first, found.first_image, found.same_file) == ("A", "a1", True)


def test_the_same_file_is_found_whatever_it_scores_and_shown_before_another_pair() -> None:
    samples = [sample("a1", 37, sha256="same"), sample("b1", 37, sha256="same"), sample("a2", 0), sample("b2", 0)]
    shorter = replace(samples[0], template=samples[0].template * np.float32(1 - 1e-7))

    [found] = suspected_duplicates([shorter, *samples[1:]], ["A", "B", "A", "B"], threshold=1.0)

    assert (found.first_image, found.second_image, found.same_file) == ("a1", "b1", True)
    assert found.score == pytest.approx(1.0, abs=1e-6)
    assert found.score < 1.0


def test_the_same_file_under_one_name_is_no_duplicate() -> None:
    assert suspected_duplicates([sample("a1", 0, "same"), sample("a2", 0, "same")], ["A", "A"], threshold=1.0) == ()


def test_photographs_of_one_subject_are_no_duplicates() -> None:
    assert suspected_duplicates([sample("a1", 0), sample("a2", 1)], ["A", "A"], threshold=0.5) == ()
    assert suspected_duplicates([], [], threshold=0.5) == ()


def test_the_most_similar_come_first() -> None:
    samples = [sample("a", 0), sample("b", 5), sample("c", 11)]

    found = suspected_duplicates(samples, ["A", "B", "C"], threshold=0.9)

    assert [(one.first, one.second) for one in found] == [("A", "B"), ("B", "C"), ("A", "C")]

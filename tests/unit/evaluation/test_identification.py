import math

import numpy as np
import pytest

from countenance.evaluation.identification import searched
from countenance.evaluation.model import NEVER


def rows(*degrees: float) -> np.ndarray:
    """Unit rows in a plane: the cosine of two is that of their angle."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_subjects_templates_are_fused_and_strangers_are_ranked_once_each() -> None:
    gallery, owners = rows(0, 60, 30, 40), np.array([7, 7, 2, 2])

    searches = searched(rows(52), gallery, owners=owners, subjects=np.array([7]), mated=np.array([True]))

    assert searches.gallery_size == 2
    assert searches.mate_scores[0] == pytest.approx(math.cos(math.radians(22)), abs=1e-6)
    assert searches.stranger_scores[0] == pytest.approx(math.cos(math.radians(17)), abs=1e-6)
    assert searches.mate_ranks[0] == 2


def test_ranks_count_subjects_and_ties_go_against_the_mate() -> None:
    gallery, owners = rows(0, 0, 0, 90), np.array([3, 1, 1, 2])

    searches = searched(rows(0, 90), gallery, owners=owners, subjects=np.array([3, 3]), mated=np.array([True, True]))

    assert searches.mate_ranks.tolist() == [2, 3]


def test_a_non_mated_probe_has_strangers_only() -> None:
    searches = searched(rows(10), rows(0, 90), owners=np.array([1, 2]), subjects=np.array([9]), mated=np.array([False]))

    assert searches.mate_scores[0] == -np.inf
    assert searches.mate_ranks[0] == NEVER
    assert searches.stranger_scores[0] == pytest.approx(math.cos(math.radians(10)), abs=1e-6)


def test_a_probe_without_a_template_finds_nobody_and_a_mate_without_one_is_never_found() -> None:
    probes = np.concatenate([np.zeros((1, 2), np.float32), rows(0)])

    searches = searched(probes, rows(0), owners=np.array([1]), subjects=np.array([1, 4]), mated=np.array([True, True]))

    assert searches.mate_ranks.tolist() == [NEVER, NEVER]
    assert searches.stranger_scores[0] == -np.inf
    assert searches.stranger_scores[1] == pytest.approx(1.0)

"""Rotations keep angles, say nothing to each other, and fall to known pairs, as their documentation says."""

import numpy as np
import pytest

from countenance.index.rotation import Rotation
from tests.index_engines import unit_rows

DIM = 64


def test_angles_stay() -> None:
    rows = unit_rows(seed=1, n=200, dim=DIM)

    turned = Rotation.random(DIM).turned(rows)

    exact = rows.astype(np.float64)
    assert np.abs(turned @ turned.T - exact @ exact.T).max() < 1e-13


def test_a_row_comes_out_the_same_wherever_it_stands() -> None:
    rotation, rows = Rotation.random(DIM), unit_rows(seed=1, n=1300, dim=DIM)

    whole = rotation.turned(rows)

    for at in (0, 1, 511, 512, 700, 1299):
        assert np.array_equal(rotation.turned(rows[at : at + 1])[0], whole[at])
    assert np.array_equal(rotation.turned(rows[300:900]), whole[300:900])


def test_the_same_template_under_two_rotations_is_no_more_like_itself_than_a_stranger() -> None:
    rows = unit_rows(seed=1, n=2000, dim=DIM)

    first, second = Rotation.random(DIM).turned(rows), Rotation.random(DIM).turned(rows)

    # Cosines of unrelated directions have standard deviation 1 / sqrt(dim).
    themselves = np.einsum("ij,ij->i", first, second)
    assert abs(themselves.mean()) < 0.5 / np.sqrt(DIM)
    assert themselves.std() < 1.3 / np.sqrt(DIM)


def test_who_knows_as_many_pairs_as_there_are_dimensions_computes_it() -> None:
    rotation, rows = Rotation.random(DIM), unit_rows(seed=1, n=DIM, dim=DIM)

    computed = np.linalg.solve(rows.astype(np.float64), rotation.turned(rows))

    assert np.abs(computed - rotation.matrix).max() < 1e-6


def test_what_is_no_rotation_is_refused() -> None:
    with pytest.raises(ValueError, match="orthogonal"):
        Rotation(np.eye(DIM) * 1.01)

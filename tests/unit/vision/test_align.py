"""Alignment: landmarks land where the recogniser was taught to expect them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.core.arrays import Pixels
from countenance.vision.align import ARCFACE_112, align, similarity
from countenance.vision.model import Landmarks, Point


def landmarks(*, turn: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> Landmarks:
    """Return the template's points turned by degrees, scaled and shifted."""
    z = (ARCFACE_112[:, 0] + 1j * ARCFACE_112[:, 1]) * scale * np.exp(1j * np.radians(turn)) + complex(*shift)
    return Landmarks(*(Point(float(one.real), float(one.imag)) for one in z))


def gradient(height: int, width: int) -> Pixels:
    """Return a picture whose red tells x and whose green tells y, smoothly."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 / width, y * 255 / height, np.full_like(x, 128)], axis=-1).round().astype(np.uint8)


@given(
    turn=st.floats(-180, 180),
    scale=st.floats(0.05, 40),
    x=st.floats(-5000, 5000),
    y=st.floats(-5000, 5000),
    size=st.integers(32, 512),
)
def test_any_similarity_is_undone(turn: float, scale: float, x: float, y: float, size: int) -> None:
    points = landmarks(turn=turn, scale=scale, shift=(x, y))

    matrix = similarity(points, size=size)

    back = np.column_stack([points, np.ones(5)]) @ matrix.T
    np.testing.assert_allclose(back, ARCFACE_112 * size / 112, atol=1e-6 * size)


def test_a_fit_has_no_reflection() -> None:
    mirrored = Landmarks(*(Point(200 - point.x, point.y) for point in landmarks()))

    matrix = similarity(mirrored, size=112)

    assert np.linalg.det(matrix[:, :2]) > 0


def test_points_that_are_one_point_give_a_finite_crop() -> None:
    same = Landmarks(*[Point(5.0, 5.0)] * 5)

    crop = align(gradient(20, 20), same, size=112)

    assert crop.shape == (112, 112, 3)


def test_an_upright_face_at_its_size_is_cut_out_unchanged() -> None:
    picture = gradient(300, 400)

    crop = align(picture, landmarks(shift=(120, 80)), size=112)

    np.testing.assert_array_equal(crop, picture[80:192, 120:232])


@pytest.mark.parametrize("scale", [2.0, 3.7, 8.0])
@pytest.mark.parametrize("turn", [0.0, 33.0, 180.0])
def test_shrinking_first_keeps_the_place(scale: float, turn: float) -> None:
    picture = gradient(1200, 1600)
    middle = np.asarray(landmarks(turn=turn, scale=scale)).mean(axis=0)
    points = landmarks(turn=turn, scale=scale, shift=(800 - middle[0], 600 - middle[1]))

    crop = align(picture, points, size=112)

    back = np.linalg.inv(np.vstack([similarity(points, size=112), [0, 0, 1]]))
    x, y, _ = back @ np.array([56.0, 71.0, 1.0])
    assert crop[71, 56, 0] == pytest.approx(x * 255 / 1600, abs=1.5)
    assert crop[71, 56, 1] == pytest.approx(y * 255 / 1200, abs=1.5)


def test_shrinking_first_does_not_alias() -> None:
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[:, ::2] = 255

    crop = align(stripes, landmarks(scale=8.0, shift=(300, 300)), size=112)

    assert abs(crop.mean() - 127.5) < 2
    assert crop.std() < 20  # picking pixels instead of averaging them gives 127


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_outside_the_picture_is_black(scale: float) -> None:
    white = np.full((int(112 * scale), int(112 * scale), 3), 255, np.uint8)

    crop = align(white, landmarks(scale=scale, shift=(-56 * scale, 0)), size=112)

    assert crop[:, :52].max() == 0
    assert crop[2:110, 60:110].min() > 250


def test_the_picture_is_left_as_it_is() -> None:
    picture = gradient(500, 500)
    before = picture.copy()

    align(picture, landmarks(scale=3.0), size=112)

    np.testing.assert_array_equal(picture, before)

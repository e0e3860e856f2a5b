"""Quality: each measure moves the right way, each refusal has its sentence."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from countenance.adapters.openvino import OpenVinoRuntime
from countenance.core.arrays import Pixels
from countenance.vision.align import ARCFACE_112
from countenance.vision.decode import decode_image
from countenance.vision.model import Landmarks, Point, Quality
from countenance.vision.pack import builtin_packs
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE, Gate, measure, pose
from countenance.vision.service import PackAnalyser

GOOD = Quality(
    eye_distance=80, sharpness=300, brightness=120, clipped=0.02, yaw=5, pitch=-5, roll=0, detector_score=0.95
)

FRONTAL = Landmarks(*(Point(x, y) for x, y in ARCFACE_112.tolist()))


def crop(*, seed: int = 0) -> Pixels:
    """Return an aligned crop's worth of grain around mid-grey."""
    return np.random.default_rng(seed).integers(60, 190, (112, 112, 3), dtype=np.uint8)


def turned(yaw: float, pitch: float) -> Landmarks:
    """Project a head of five points, nose 0.6 eye distances in front, turned by degrees, without perspective."""
    eyes, nose, mouth = [(-0.5, 0, 0), (0.5, 0, 0)], (0, 0.6, 0.6), [(-0.4, 1.15, 0), (0.4, 1.15, 0)]
    points = np.array([*eyes, nose, *mouth])
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    flat = (points @ about_y.T @ about_x.T)[:, :2] * 60 + 200
    return Landmarks(*(Point(x, y) for x, y in flat.tolist()))


@pytest.mark.parametrize("gate", [pytest.param(ENROL_GATE, id="enrol"), pytest.param(SEARCH_GATE, id="search")])
def test_a_good_face_passes(gate: Gate) -> None:
    assert gate.refusals(GOOD) == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"eye_distance": 14.2}, "eyes 14 pixels apart, 24 needed", id="small"),
        pytest.param({"sharpness": 3.6}, "too blurred: sharpness 3, 15 needed", id="blurred"),
        pytest.param({"brightness": 12.0}, "too dark: mean grey level 12, 30 needed", id="dark"),
        pytest.param({"brightness": 240.0}, "too bright: mean grey level 240, at most 225 wanted", id="bright"),
        pytest.param({"clipped": 0.8}, "80% of the face is pure black or white, at most 50% wanted", id="clipped"),
        pytest.param({"yaw": -70.0}, "turned 70 degrees to the side, at most 60 wanted", id="turned"),
        pytest.param({"pitch": 50.0}, "tilted 50 degrees up or down, at most 45 wanted", id="tilted"),
        pytest.param({"detector_score": 0.63}, "hardly a face: detector score 0.63, 0.70 needed", id="hardly a face"),
    ],
)
def test_each_refusal_has_its_sentence(change: Mapping[str, float], sentence: str) -> None:
    assert ENROL_GATE.refusals(replace(GOOD, **change)) == (sentence,)


def test_all_reasons_are_given_at_once() -> None:
    poor = replace(GOOD, eye_distance=5, sharpness=1, brightness=5, clipped=0.9)

    assert len(SEARCH_GATE.refusals(poor)) == 4


@pytest.mark.parametrize(
    ("field", "limit"),
    [("eye_distance", 24), ("sharpness", 15), ("brightness", 30), ("clipped", 0.5), ("yaw", 60), ("pitch", 45)],
)
def test_the_limit_itself_passes(field: str, limit: float) -> None:
    assert ENROL_GATE.refusals(replace(GOOD, **{field: limit})) == ()


@pytest.mark.parametrize(
    ("value", "limit", "field"),
    [
        pytest.param(23.9, 24, "eye_distance", id="eyes"),
        pytest.param(14.6, 15, "sharpness", id="sharpness"),
        pytest.param(60.3, 60, "yaw", id="yaw"),
    ],
)
def test_a_refusal_never_shows_the_limit_as_the_value(value: float, limit: int, field: str) -> None:
    [sentence] = ENROL_GATE.refusals(replace(GOOD, **{field: value}))

    shown = [word for word in sentence.replace(",", "").split() if word.replace(".", "").isdigit()]
    assert len(shown) == 2
    assert shown[0] != shown[1], sentence
    assert str(limit) in shown


def test_enrolment_asks_for_at_least_what_a_search_does() -> None:
    least = ("min_eye_distance", "min_sharpness", "min_brightness", "min_detector_score")
    most = ("max_brightness", "max_clipped", "max_yaw", "max_pitch")

    assert all(getattr(ENROL_GATE, name) >= getattr(SEARCH_GATE, name) for name in least)
    assert all(getattr(ENROL_GATE, name) <= getattr(SEARCH_GATE, name) for name in most)


def test_blur_lowers_sharpness_step_by_step() -> None:
    steps = [crop(), *(np.asarray(cv2.GaussianBlur(crop(), (0, 0), sigma), np.uint8) for sigma in (0.6, 1.2, 2.5, 5))]

    measured = [measure(step, FRONTAL, detector_score=0.9).sharpness for step in steps]

    assert measured == sorted(measured, reverse=True)
    assert measured[0] > 20 * measured[-1]


def test_darkening_lowers_brightness_and_raises_clipping() -> None:
    steps = [(crop() * factor).astype(np.uint8) for factor in (1.0, 0.5, 0.2, 0.03)]

    measured = [measure(step, FRONTAL, detector_score=0.9) for step in steps]

    assert [one.brightness for one in measured] == sorted((one.brightness for one in measured), reverse=True)
    assert measured[0].clipped == 0
    assert measured[-1].clipped > 0.95


def test_overexposure_raises_brightness_and_clipping() -> None:
    bright = np.clip(crop().astype(int) + 150, 0, 255).astype(np.uint8)

    measured = measure(bright, FRONTAL, detector_score=0.9)

    assert measured.brightness > 220
    assert measured.clipped > 0.4


def test_eye_distance_is_of_the_original_picture() -> None:
    larger = Landmarks(*(Point(point.x * 3, point.y * 3) for point in FRONTAL))

    assert measure(crop(), larger, detector_score=0.9).eye_distance == pytest.approx(3 * 35.24, abs=0.01)


def test_a_frontal_face_looks_ahead() -> None:
    assert pose(FRONTAL) == pytest.approx((0, 0, 0), abs=0.5)


@pytest.mark.parametrize("angle", [-30.0, -15.0, 15.0, 30.0])
def test_turning_moves_yaw_alone(angle: float) -> None:
    yaw, pitch, _ = pose(turned(angle, 0))

    assert yaw == pytest.approx(angle, abs=10)
    assert abs(pitch) < 3


@pytest.mark.parametrize("angle", [-20.0, 20.0])
def test_nodding_moves_pitch_alone(angle: float) -> None:
    yaw, pitch, _ = pose(turned(0, angle))

    assert pitch * angle > 0
    assert abs(pitch) > 5
    assert abs(yaw) < 1


@pytest.mark.parametrize("angle", [-120.0, -45.0, 30.0, 90.0])
def test_tilting_moves_roll_alone(angle: float) -> None:
    z = np.array([complex(*point) for point in FRONTAL]) * np.exp(1j * np.radians(angle))
    tilted = Landmarks(*(Point(one.real, one.imag) for one in z.tolist()))

    yaw, pitch, roll = pose(tilted)

    assert roll == pytest.approx(angle, abs=1)
    assert (yaw, pitch) == pytest.approx(pose(FRONTAL)[:2], abs=1e-6)


def test_points_that_are_one_point_give_finite_angles() -> None:
    assert np.isfinite(pose(Landmarks(*[Point(3.0, 3.0)] * 5))).all()


def test_a_real_face_gets_worse_as_its_picture_does(portraits: Mapping[str, Path], tmp_path: Path) -> None:
    [pack] = builtin_packs()
    analyser = PackAnalyser(pack, OpenVinoRuntime(), threads=1, cache=tmp_path)
    pixels = decode_image(portraits["obama2.jpg"].read_bytes()).pixels
    blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 12), np.uint8)
    dark = (pixels * 0.12).astype(np.uint8)

    whole, soft, dim = (analyser.find(picture, ENROL_GATE)[0] for picture in (pixels, blurred, dark))

    assert whole.passes
    assert any(reason.startswith("too blurred") for reason in soft.refusals)
    assert any(reason.startswith("too dark") for reason in dim.refusals)
    assert soft.quality.sharpness < whole.quality.sharpness / 10
    assert dim.quality.brightness < whole.quality.brightness / 4

"""Detection: pictures of any size and shape, faces at the border, turned, small ones in large pictures, none."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from countenance.adapters.openvino import OpenVinoRuntime
from countenance.core.arrays import Pixels
from countenance.vision.decode import decode_image
from countenance.vision.detect import YuNetDetector
from countenance.vision.fold import folded_file
from countenance.vision.model import Box, DetectedFace
from countenance.vision.pack import builtin_packs
from countenance.vision.ports import Network, Tensor
from countenance.vision.quality import ENROL_GATE


class CountingNetwork:
    """A network that counts the pixels it is given."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.passes: list[int] = []

    def run(self, batch: Tensor) -> Mapping[str, Tensor]:
        self.passes.append(batch.shape[2] * batch.shape[3])
        return self._network.run(batch)


class Bench(NamedTuple):
    """A detector, and the network below it."""

    detector: YuNetDetector
    network: CountingNetwork

    def detect(self, pixels: Pixels) -> tuple[DetectedFace, ...]:
        """Detect, counting from zero."""
        self.network.passes.clear()
        return self.detector.detect(pixels)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The default pack's detector."""
    [pack] = builtin_packs()
    spec = pack.manifest.detector
    path = folded_file(pack.path(spec), sha256=spec.sha256, cache=tmp_path_factory.mktemp("cache"), any_size=True)
    network = CountingNetwork(OpenVinoRuntime().load(path, threads=1))
    return Bench(YuNetDetector(network, spec), network)


@pytest.fixture(scope="module")
def portrait(portraits: Mapping[str, Path]) -> Pixels:
    """One face, ordinary size."""
    return decode_image(portraits["obama2.jpg"].read_bytes()).pixels


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    both = max(width, 0.0) * max(height, 0.0)
    return both / (one.area + other.area - both)


@pytest.mark.parametrize(
    ("height", "width"),
    [
        pytest.param(1, 1, id="one pixel"),
        pytest.param(1, 5000, id="one row"),
        pytest.param(5000, 1, id="one column"),
        pytest.param(31, 33, id="smaller than a stride"),
        pytest.param(400, 1200, id="three to one"),
        pytest.param(1200, 400, id="one to three"),
        pytest.param(3000, 20, id="strip"),
    ],
)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_of_any_shape_has_no_face(bench: Bench, height: int, width: int, level: int) -> None:
    assert bench.detect(np.full((height, width, 3), level, np.uint8)) == ()


def test_noise_has_no_face(bench: Bench) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (480, 640, 3), dtype=np.uint8)

    assert bench.detect(noise) == ()


@pytest.mark.parametrize("shape", [pytest.param((700, 2100), id="3:1"), pytest.param((2100, 700), id="1:3")])
def test_a_face_is_found_in_a_long_picture(bench: Bench, portrait: Pixels, shape: tuple[int, int]) -> None:
    small = np.asarray(cv2.resize(portrait, (313, 600), interpolation=cv2.INTER_AREA), np.uint8)
    picture = np.full((*shape, 3), 90, np.uint8)
    picture[50:650, 200:513] = small
    [alone] = bench.detect(small)

    [found] = bench.detect(picture)

    moved = Box(alone.box.left + 200, alone.box.top + 50, alone.box.right + 200, alone.box.bottom + 50)
    assert overlap(found.box, moved) > 0.8


def test_the_landmarks_of_an_upright_face_stand_in_order(bench: Bench, portrait: Pixels) -> None:
    [face] = bench.detect(portrait)

    points = face.landmarks
    assert points.left_eye.x < points.nose.x < points.right_eye.x
    assert points.left_mouth.x < points.right_mouth.x
    assert max(points.left_eye.y, points.right_eye.y) < points.nose.y < min(points.left_mouth.y, points.right_mouth.y)
    assert face.score > 0.9


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_picture_gives_the_turned_face(bench: Bench, portrait: Pixels, quarters: int) -> None:
    [upright] = bench.detect(portrait)
    picture = np.ascontiguousarray(np.rot90(portrait, quarters))
    height, width = portrait.shape[:2]

    [face] = bench.detect(picture)

    def turned(x: float, y: float) -> tuple[float, float]:
        for size in (width, height, width)[:quarters]:
            x, y = y, size - x
        return x, y

    expected = [turned(*point) for point in upright.landmarks]
    eyes = np.hypot(*np.subtract(upright.landmarks.left_eye, upright.landmarks.right_eye))
    np.testing.assert_allclose(face.landmarks, expected, atol=0.1 * eyes)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_face_cut_by_the_border_is_found_and_its_box_clipped(bench: Bench, portrait: Pixels, side: str) -> None:
    [whole] = bench.detect(portrait)
    box = whole.box
    cut = {
        "left": portrait[:, int(box.left + 0.3 * box.width) :],
        "right": portrait[:, : int(box.right - 0.3 * box.width)],
        "top": portrait[int(box.top + 0.25 * box.height) :],
        "bottom": portrait[: int(box.bottom - 0.25 * box.height)],
    }[side]
    picture = np.ascontiguousarray(cut)

    found = bench.detect(picture)

    assert len(found) == 1
    assert found[0].box.left >= 0
    assert found[0].box.top >= 0
    assert found[0].box.right <= picture.shape[1]
    assert found[0].box.bottom <= picture.shape[0]
    assert found[0].box.area > 0.4 * box.area


def group(faces: list[Pixels], *, rows: int, columns: int) -> tuple[Pixels, list[Box]]:
    """Paste faces on a grid over a 12-megapixel picture of soft noise; say where each was pasted."""
    noise = np.random.default_rng(5).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(noise, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    places = []
    for number in range(rows * columns):
        face = faces[number % len(faces)]
        top, left = 150 + 2700 // rows * (number // columns), 150 + 3700 // columns * (number % columns)
        picture[top : top + face.shape[0], left : left + face.shape[1]] = face
        places.append(Box(left, top, left + face.shape[1], top + face.shape[0]))
    return picture, places


def inside(face: DetectedFace, place: Box) -> bool:
    """Return whether a face's middle lies in a place."""
    x, y = (face.box.left + face.box.right) / 2, (face.box.top + face.box.bottom) / 2
    return place.left < x < place.right and place.top < y < place.bottom


def test_faces_of_24_pixels_are_found_in_a_group_photograph_of_12_megapixels(
    bench: Bench, portraits: Mapping[str, Path]
) -> None:
    heads = []
    for name in ("obama2.jpg", "biden.jpg", "person_a_1.jpg", "person_b_1.jpg"):
        pixels = decode_image(portraits[name].read_bytes()).pixels
        box = bench.detect(pixels)[0].box
        left, top = max(0, int(box.left - box.width / 2)), max(0, int(box.top - box.height / 2))
        head = pixels[top : int(box.bottom + box.height / 2), left : int(box.right + box.width / 2)]
        scale = 24 / box.height
        size = (round(head.shape[1] * scale), round(head.shape[0] * scale))
        heads.append(np.asarray(cv2.resize(head, size, interpolation=cv2.INTER_AREA), np.uint8))

    picture, places = group(heads, rows=6, columns=10)

    found = bench.detect(picture)

    heights = np.array([face.box.height for face in found])
    hits = [sum(inside(face, place) for face in found) for place in places]
    assert hits.count(1) >= 0.9 * 60
    # One soft blob of the background is taken for a face, at 0.61: no stray may be sure enough to be enrolled.
    strays = [face for face in found if not any(inside(face, place) for place in places)]
    assert all(face.score < ENROL_GATE.min_detector_score for face in strays)
    assert np.median(heights) == pytest.approx(24, abs=4)


@pytest.mark.parametrize("size", [pytest.param((640, 480), id="small"), pytest.param((4000, 3000), id="12 megapixels")])
def test_an_ordinary_photograph_takes_one_pass_at_the_working_size(
    bench: Bench, portrait: Pixels, size: tuple[int, int]
) -> None:
    width, height = size
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[:, : height * 626 // 1200] = cv2.resize(portrait, (height * 626 // 1200, height))

    found = bench.detect(picture)

    assert len(found) == 1
    assert bench.network.passes == [704 * 544]


def test_the_picture_is_left_as_it_is(bench: Bench, portrait: Pixels) -> None:
    before = portrait.copy()

    bench.detect(portrait)

    np.testing.assert_array_equal(portrait, before)


def test_faces_come_largest_first(bench: Bench, portrait: Pixels) -> None:
    small = np.asarray(cv2.resize(portrait, (104, 200), interpolation=cv2.INTER_AREA), np.uint8)
    picture = np.full((1200, 1000, 3), 90, np.uint8)
    picture[:, :626] = portrait
    picture[40:240, 700:804] = small

    found = bench.detect(picture)

    assert len(found) == 2
    assert found[0].box.area > 10 * found[1].box.area

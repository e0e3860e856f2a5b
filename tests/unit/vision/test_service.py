"""The analyser: the same templates in batches and alone, in a mirror, and with a pack of another kind."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from countenance.adapters.openvino import OpenVinoRuntime
from countenance.core.arrays import Pixels, as_templates
from countenance.vision.align import align
from countenance.vision.decode import decode_image
from countenance.vision.model import Box, Face, Landmarks, Point
from countenance.vision.pack import builtin_packs, read_pack
from countenance.vision.quality import SEARCH_GATE
from countenance.vision.service import BATCH, CROP_SIDE, PackAnalyser
from tests.model_packs import make_pack

SAME = 1e-5
"""Largest difference of a template's number between one crop a call and many: sums in another order."""


@pytest.fixture(scope="module")
def analyser(tmp_path_factory: pytest.TempPathFactory) -> PackAnalyser:
    """The default pack at work."""
    [pack] = builtin_packs()
    return PackAnalyser(pack, OpenVinoRuntime(), threads=1, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def pixels(portraits: Mapping[str, Path]) -> Pixels:
    """A portrait."""
    return decode_image(portraits["obama2.jpg"].read_bytes()).pixels


@pytest.fixture(scope="module")
def face(analyser: PackAnalyser, pixels: Pixels) -> Face:
    """The face in it."""
    [only] = analyser.find(pixels, SEARCH_GATE)
    return only


def shifted(face: Face, number: int) -> Face:
    """Return a face whose landmarks are a little off: another crop."""
    landmarks = Landmarks(*(Point(point.x + number % 5, point.y - number % 7) for point in face.landmarks))
    return Face(number=number, box=face.box, landmarks=landmarks, quality=face.quality, refusals=())


def mirrored(face: Face, width: int) -> Face:
    """Return the face as it stands in the picture's mirror image."""
    left_eye, right_eye, nose, left_mouth, right_mouth = (
        Point(width - 1 - point.x, point.y) for point in face.landmarks
    )
    return Face(
        number=face.number,
        box=Box(width - face.box.right, face.box.top, width - face.box.left, face.box.bottom),
        landmarks=Landmarks(right_eye, left_eye, nose, right_mouth, left_mouth),
        quality=face.quality,
        refusals=(),
    )


@pytest.mark.parametrize("count", [1, 2, BATCH, BATCH + 1])
def test_a_batch_gives_what_one_by_one_gives(analyser: PackAnalyser, pixels: Pixels, face: Face, count: int) -> None:
    faces = [shifted(face, number) for number in range(1, count + 1)]
    alone = np.concatenate([analyser.encode(pixels, [one]) for one in faces])

    together = analyser.encode(pixels, faces)

    np.testing.assert_allclose(together, alone, atol=SAME)


def test_templates_are_unit_rows_in_the_order_given(analyser: PackAnalyser, pixels: Pixels, face: Face) -> None:
    first, second = shifted(face, 1), shifted(face, 13)

    rows = as_templates(analyser.encode(pixels, [first, second]), dim=128)
    swapped = analyser.encode(pixels, [second, first])

    np.testing.assert_allclose(swapped[::-1], rows, atol=SAME)
    assert not np.allclose(rows[0], rows[1], atol=1e-3)


def test_no_faces_give_no_rows(analyser: PackAnalyser, pixels: Pixels) -> None:
    assert analyser.encode(pixels, []).shape == (0, 128)


def test_a_crop_and_its_mirror_image_have_one_template(analyser: PackAnalyser, pixels: Pixels, face: Face) -> None:
    crop = align(pixels, face.landmarks, size=112)

    there = analyser._embed([crop])
    back = analyser._embed([np.ascontiguousarray(crop[:, ::-1])])

    np.testing.assert_allclose(there, back, atol=1e-5 * np.linalg.norm(there))


def test_a_picture_and_its_mirror_image_have_nearly_one_template(
    analyser: PackAnalyser, pixels: Pixels, face: Face
) -> None:
    mirror = np.ascontiguousarray(pixels[:, ::-1])

    there = analyser.encode(pixels, [face])
    back = analyser.encode(mirror, [mirrored(face, pixels.shape[1])])

    # The alignment template is not quite symmetric, so the two crops differ by a fraction of a pixel.
    assert float(there[0] @ back[0]) > 0.98


def test_the_same_picture_gives_the_same_bytes(analyser: PackAnalyser, pixels: Pixels, face: Face) -> None:
    first = analyser.encode(pixels, [face])

    again = analyser.encode(pixels, analyser.find(pixels, SEARCH_GATE))

    assert first.tobytes() == again.tobytes()


def test_threads_at_once_get_the_same_templates(analyser: PackAnalyser, pixels: Pixels, face: Face) -> None:
    faces = [shifted(face, number) for number in range(1, 13)]
    alone = [analyser.encode(pixels, [one]) for one in faces]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: analyser.encode(pixels, [one]), faces))

    np.testing.assert_array_equal(np.concatenate(together), np.concatenate(alone))


def test_two_photographs_of_a_person_score_above_those_of_two_people(
    analyser: PackAnalyser, portraits: Mapping[str, Path]
) -> None:
    def template(name: str) -> np.ndarray:
        picture = decode_image(portraits[name].read_bytes()).pixels
        return analyser.encode(picture, analyser.find(picture, SEARCH_GATE)[:1])[0]

    a, a_later, b, b_later = (template(f"person_{name}.jpg") for name in ("a_1", "a_2", "b_1", "b_2"))

    assert min(a @ a_later, b @ b_later) > 0.4
    assert max(a @ b, a @ b_later, a_later @ b, a_later @ b_later) < 0.25


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(Box(0, 0, 40, 50), id="corner"),
        pytest.param(Box(10, 10, 11, 11), id="one pixel"),
        pytest.param(Box(0, 0, 2000, 2000), id="larger than the picture"),
    ],
)
def test_a_crop_for_people_lies_inside_and_is_bounded(analyser: PackAnalyser, face: Face, box: Box) -> None:
    picture = np.full((700, 900, 3), 7, np.uint8)
    placed = Face(number=1, box=box, landmarks=face.landmarks, quality=face.quality, refusals=())

    crop = analyser.crop(picture, placed)

    assert 1 <= min(crop.shape[:2]) <= max(crop.shape[:2]) <= CROP_SIDE
    assert (crop == 7).all()


def test_an_arcface_like_pack_is_fed_as_its_manifest_says(tmp_path: Path, pixels: Pixels, face: Face) -> None:
    folder = make_pack(tmp_path / "pack")
    pack = read_pack(folder)
    analyser = PackAnalyser(pack, OpenVinoRuntime(), threads=1, cache=tmp_path / "cache")
    crop = align(pixels, face.landmarks, size=112).astype(np.float64)
    spec = pack.manifest.recogniser
    inputs = [
        ((view - 127.5) * spec.scale).astype(np.float32).transpose(2, 0, 1)[None] for view in (crop, crop[:, ::-1])
    ]
    network = ReferenceEvaluator(onnx.load(folder / spec.file))
    [here], [there] = (network.run(None, {"crop": given}) for given in inputs)
    expected = (here + there)[0] / np.linalg.norm(here + there)

    template = analyser.encode(pixels, [face])

    assert (analyser.dim, template.shape) == (512, (1, 512))
    assert analyser.pack_digest == pack.digest
    np.testing.assert_allclose(template[0], expected, atol=1e-5)


def test_several_faces_of_one_person_are_summed_before_they_are_brought_to_unit_norm(
    tmp_path: Path, pixels: Pixels, face: Face
) -> None:
    pack = read_pack(make_pack(tmp_path / "pack"))
    analyser = PackAnalyser(pack, OpenVinoRuntime(), threads=1, cache=tmp_path / "cache")
    dark = (pixels // 4).astype(np.uint8)
    crops = [align(picture, face.landmarks, size=112) for picture in (pixels, dark)]
    network = ReferenceEvaluator(onnx.load(pack.folder / pack.manifest.recogniser.file))
    inputs = [((crop - 127.5) * pack.manifest.recogniser.scale).astype(np.float32) for crop in crops]
    views = [view.transpose(2, 0, 1)[None] for one in inputs for view in (one, one[:, ::-1])]
    total = np.sum([network.run(None, {"crop": view})[0] for view in views], axis=0)[0]

    together = analyser.encode_together([(pixels, face), (dark, face)])

    assert (together.dtype, together.shape) == (np.float32, (512,))
    np.testing.assert_allclose(together, total / np.linalg.norm(total), atol=1e-5)


def test_one_face_gives_the_same_template_alone_and_together(
    analyser: PackAnalyser, pixels: Pixels, face: Face
) -> None:
    assert np.array_equal(analyser.encode_together([(pixels, face)]), analyser.encode(pixels, [face])[0])


def test_a_pack_without_mirroring_gives_the_networks_own_embedding(tmp_path: Path, pixels: Pixels, face: Face) -> None:
    folder = make_pack(tmp_path / "pack")
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("mirror = true", "mirror = false"), "utf-8")
    pack = read_pack(folder)
    crop = align(pixels, face.landmarks, size=112).astype(np.float32)
    given = ((crop - 127.5) * np.float32(pack.manifest.recogniser.scale)).transpose(2, 0, 1)[None]
    [expected] = ReferenceEvaluator(onnx.load(folder / pack.manifest.recogniser.file)).run(None, {"crop": given})

    template = PackAnalyser(pack, OpenVinoRuntime(), threads=1, cache=tmp_path / "cache").encode(pixels, [face])

    np.testing.assert_allclose(template, expected / np.linalg.norm(expected), atol=1e-5)

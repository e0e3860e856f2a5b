"""The contract of `Runtime`: every adapter runs it, on a small network and on the default model pack."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from countenance.adapters.onnxruntime import OnnxRuntimeRuntime
from countenance.adapters.openvino import OpenVinoRuntime
from countenance.core.errors import IntegrityError
from countenance.vision.decode import decode_image
from countenance.vision.pack import builtin_packs
from countenance.vision.ports import Runtime, Tensor
from countenance.vision.quality import SEARCH_GATE
from countenance.vision.service import PackAnalyser
from tests.networks import plain

ADAPTERS: tuple[Callable[[], Runtime], ...] = (OpenVinoRuntime, OnnxRuntimeRuntime)


@pytest.fixture(params=[pytest.param(adapter, id=adapter.name) for adapter in ADAPTERS])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """One adapter."""
    made: Runtime = request.param()
    return made


@pytest.fixture
def network_file(tmp_path: Path) -> Path:
    """A small network."""
    return plain(tmp_path / "plain.onnx")


def batch(n: int, height: int, width: int, *, seed: int = 1) -> Tensor:
    """Return random input."""
    return np.random.default_rng(seed).standard_normal((n, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("shape", [pytest.param(s, id=str(s)) for s in [(1, 8, 8), (5, 8, 8), (2, 1, 40), (1, 33, 7)]])
def test_a_network_gives_what_onnx_defines(runtime: Runtime, network_file: Path, shape: tuple[int, int, int]) -> None:
    given = batch(*shape)
    [expected] = ReferenceEvaluator(onnx.load(network_file)).run(None, {"picture": given})

    outputs = runtime.load(network_file, threads=1).run(given)

    assert list(outputs) == ["maps"]
    assert outputs["maps"].dtype == np.float32
    np.testing.assert_allclose(outputs["maps"], expected, rtol=1e-4, atol=1e-4)


def test_batch_and_size_may_change_between_calls(runtime: Runtime, network_file: Path) -> None:
    network = runtime.load(network_file, threads=1)

    shapes = [network.run(batch(*shape))["maps"].shape for shape in [(1, 8, 8), (3, 8, 8), (1, 16, 4), (1, 8, 8)]]

    assert shapes == [(1, 4, 8, 8), (3, 4, 8, 8), (1, 4, 16, 4), (1, 4, 8, 8)]


def test_the_input_is_left_as_it_is(runtime: Runtime, network_file: Path) -> None:
    given = batch(2, 8, 8)
    before = given.copy()

    runtime.load(network_file, threads=1).run(given)

    np.testing.assert_array_equal(given, before)


def test_a_later_call_does_not_overwrite_an_answer(runtime: Runtime, network_file: Path) -> None:
    network = runtime.load(network_file, threads=1)
    first = network.run(batch(1, 8, 8, seed=1))["maps"]
    kept = first.copy()

    network.run(batch(1, 8, 8, seed=2))

    np.testing.assert_array_equal(first, kept)


def test_threads_at_once_get_their_own_answers(runtime: Runtime, network_file: Path) -> None:
    network = runtime.load(network_file, threads=1)
    inputs = [batch(1 + seed % 3, 8, 8, seed=seed) for seed in range(60)]
    alone = [network.run(given)["maps"] for given in inputs]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda given: network.run(given)["maps"], inputs))

    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("content", [pytest.param(b"", id="empty"), pytest.param(b"not a network" * 9, id="text")])
def test_a_file_that_is_no_network_is_unreadable(runtime: Runtime, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)

    with pytest.raises(IntegrityError) as caught:
        runtime.load(path, threads=1)

    assert caught.value.code == "model-unreadable"
    assert "\n" not in str(caught.value)


def test_all_runtimes_find_the_same_faces_and_make_the_same_templates(
    portraits: Mapping[str, Path], tmp_path: Path
) -> None:
    [pack] = builtin_packs()
    analysers = [PackAnalyser(pack, adapter(), threads=1, cache=tmp_path) for adapter in ADAPTERS]
    pictures = [decode_image(path.read_bytes()).pixels for path in portraits.values()]

    found = [[analyser.find(pixels, SEARCH_GATE) for pixels in pictures] for analyser in analysers]
    templates = [
        np.concatenate([analyser.encode(pixels, faces) for pixels, faces in zip(pictures, of_one, strict=True)])
        for analyser, of_one in zip(analysers, found, strict=True)
    ]

    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose([face.box for face in one], [face.box for face in other], atol=0.05)
    scores = np.sum(templates[0].astype(np.float64) * templates[1], axis=1)
    assert len(scores) >= len(pictures)
    assert scores.min() > 0.9999

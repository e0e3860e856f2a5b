"""One face on one core: OpenVINO and ONNX Runtime in one run, turn by turn.

Run: `python -m benchmarks.embed`, with nothing else running.

Timed for each runtime, single-threaded, the process bound to one core:
- `network`: one call of the recogniser with one aligned crop;
- `template`: from a decoded picture and a found face to a template: alignment, the crop and its mirror image through
  the recogniser, pooling;
- `find`: detection and grading in a decoded picture of 640 x 480 pixels;
- `product`: one product of two matrices of `SIDE` x `SIDE`, by the same runtime: the most the processor can do, which
  tells a slow network from a slow machine.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.environment import environment, write_result
from benchmarks.photographs import make_photographs
from countenance.adapters.onnxruntime import OnnxRuntimeRuntime
from countenance.adapters.openvino import OpenVinoRuntime
from countenance.bootstrap.settings import Settings
from countenance.core.arrays import Pixels
from countenance.vision.decode import decode_image
from countenance.vision.fold import folded_file
from countenance.vision.pack import builtin_packs
from countenance.vision.ports import Network, Runtime
from countenance.vision.quality import SEARCH_GATE
from countenance.vision.service import PackAnalyser

SEED = 1
ROUNDS = 200
WARM_UP = 10

SIDE = 1024
"""Rows and columns of the product's matrices: 2 * SIDE ** 3 operations on floating point numbers."""

RECOGNISER_OPERATIONS = 2 * 574_138_880
"""Operations of one call of the default pack's recogniser: twice the multiplications of its convolutions and its last
matrix product, counted from the shapes in its graph."""


def main() -> None:
    """Measure and write the raw times."""
    facts = environment(seed=SEED, distributions=("countenance", "numpy", "onnx", "onnxruntime", "openvino"))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as place:
        made = make_photographs(Path(place), count=WARM_UP, seed=SEED)
        pictures = [decode_image(path.read_bytes()).pixels for path in sorted(Path(place).rglob("*.jpg"))]
    runtimes = (OpenVinoRuntime(), OnnxRuntimeRuntime())
    calls = {(runtime.name, what): call for runtime in runtimes for what, call in _calls(runtime, pictures).items()}
    times: dict[str, dict[str, list[int]]] = {runtime.name: {} for runtime in runtimes}
    for round_ in range(-WARM_UP, ROUNDS):
        for (name, what), call in calls.items():
            started = perf_counter_ns()
            call(round_ % len(pictures))
            spent = perf_counter_ns() - started
            if round_ >= 0:
                times[name].setdefault(what, []).append(spent)
    operations = {"network": RECOGNISER_OPERATIONS, "product": 2 * SIDE**3}
    result = {
        "environment": facts,
        "pictures": made,
        "threads": 1,
        "operations": operations,
        "nanoseconds": times,
    }
    print(write_result("embed", result))


def _calls(runtime: Runtime, pictures: list[Pixels]) -> dict[str, Callable[[int], object]]:
    """Load the default pack and return what is timed, as calls that take the number of a picture."""
    [pack] = builtin_packs()
    cache = Settings().cache / "networks"
    analyser = PackAnalyser(pack, runtime, threads=1, cache=cache)
    spec = pack.manifest.recogniser
    network = runtime.load(folded_file(pack.path(spec), sha256=spec.sha256, cache=cache, any_size=False), threads=1)
    crop = np.random.default_rng(SEED).uniform(0, 255, (1, 3, spec.size, spec.size)).astype(np.float32)
    faces = [analyser.find(pixels, SEARCH_GATE)[:1] for pixels in pictures]
    product, matrix = _product(runtime), np.random.default_rng(SEED).normal(size=(1, 1, SIDE, SIDE)).astype(np.float32)
    return {
        "network": lambda _: network.run(crop),
        "template": lambda number: analyser.encode(pictures[number], faces[number]),
        "find": lambda number: analyser.find(pictures[number], SEARCH_GATE),
        "product": lambda _: product.run(matrix),
    }


def _product(runtime: Runtime) -> Network:
    """Load a network that multiplies its input with one matrix."""
    weights = np.random.default_rng(SEED).normal(size=(SIDE, SIDE)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [numpy_helper.from_array(weights, "w")],
    )
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "product.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
        return runtime.load(path, threads=1)


if __name__ == "__main__":
    main()

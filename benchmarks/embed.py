"""One face on one core: OpenVINO and ONNX Runtime in one run, turn by turn.

Run: `python -m benchmarks.embed`, with nothing else running.

Timed for each runtime, single-threaded, the process bound to one core:
- `network`: one call of the recogniser with one aligned crop;
- `template`: from a decoded picture and a found face to a template: alignment, the crop and its mirror image through
  the recogniser, pooling;
- `find`: detection and grading in a decoded picture of 640 x 480 pixels.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

import numpy as np

from benchmarks.environment import environment, write_result
from benchmarks.photographs import make_photographs
from countenance.adapters.onnxruntime import OnnxRuntimeRuntime
from countenance.adapters.openvino import OpenVinoRuntime
from countenance.bootstrap.settings import Settings
from countenance.core.arrays import Pixels
from countenance.vision.decode import decode_image
from countenance.vision.fold import folded_file
from countenance.vision.pack import builtin_packs
from countenance.vision.ports import Runtime
from countenance.vision.quality import SEARCH_GATE
from countenance.vision.service import PackAnalyser

SEED = 1
ROUNDS = 200
WARM_UP = 10


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
    result = {"environment": facts, "pictures": made, "threads": 1, "nanoseconds": times}
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
    return {
        "network": lambda _: network.run(crop),
        "template": lambda number: analyser.encode(pictures[number], faces[number]),
        "find": lambda number: analyser.find(pictures[number], SEARCH_GATE),
    }


if __name__ == "__main__":
    main()

"""Networks run by OpenVINO: the default runtime, the fastest measured on CPUs (ADR 0002).

Importing OpenVINO reports the import to Google Analytics, unless its package for that can't be imported. So that one is
barred first, in this process and in those that it starts.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import numpy as np

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # None means: can't be imported

import openvino  # noqa: E402

from countenance.vision.fold import unreadable  # noqa: E402
from countenance.vision.ports import Tensor  # noqa: E402


class OpenVinoNetwork:
    """One compiled network. Thread-safe: calls wait for each other, since each call uses all its threads anyway."""

    def __init__(self, compiled: openvino.CompiledModel, names: Sequence[str]) -> None:
        """Keep one request for the compiled network, and its outputs' names in order."""
        self._request = compiled.create_infer_request()
        self._names = tuple(names)
        self._lock = Lock()

    def run(self, batch: Tensor) -> Mapping[str, Tensor]:
        """See the port."""
        with self._lock:
            results = self._request.infer({0: batch}, share_inputs=True)
            return {name: np.array(results[at], dtype=np.float32) for at, name in enumerate(self._names)}


class OpenVinoRuntime:
    """Loads networks for the CPU, in float32 on purpose: lower precisions give other scores on other machines."""

    name = "openvino"

    def __init__(self) -> None:
        """Open the CPU plug-in."""
        self._core = openvino.Core()

    def load(self, path: Path, *, threads: int) -> OpenVinoNetwork:
        """See the port."""
        try:
            model = self._core.read_model(path)
            # Compiling gives outputs further names, so they are noted before.
            names = [output.get_any_name() for output in model.outputs]
            compiled = self._core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": "f32",
                    "INFERENCE_NUM_THREADS": threads,
                    "NUM_STREAMS": 1,
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            raise unreadable(path, error) from None
        return OpenVinoNetwork(compiled, names)

"""Networks run by ONNX Runtime: the extra `[onnxruntime]`, for machines that OpenVINO has no build for."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from countenance.vision.fold import unreadable
from countenance.vision.ports import Tensor


class OnnxRuntimeNetwork:
    """One session. Thread-safe."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """Keep the session and the names of what goes in and comes out."""
        self._session = session
        self._input = session.get_inputs()[0].name
        self._names = tuple(output.name for output in session.get_outputs())

    def run(self, batch: Tensor) -> Mapping[str, Tensor]:
        """See the port."""
        results = self._session.run(None, {self._input: batch})
        return {name: np.asarray(value, dtype=np.float32) for name, value in zip(self._names, results, strict=True)}


class OnnxRuntimeRuntime:
    """Loads networks for the CPU provider. Telemetry is off."""

    name = "onnxruntime"

    def __init__(self) -> None:
        """Turn telemetry off before anything is loaded."""
        onnxruntime.disable_telemetry_events()

    def load(self, path: Path, *, threads: int) -> OnnxRuntimeNetwork:
        """See the port."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except (RuntimeError, ValueError) as error:
            raise unreadable(path, error) from None
        return OnnxRuntimeNetwork(session)

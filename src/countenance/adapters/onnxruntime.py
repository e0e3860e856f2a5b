"""Networks run by ONNX Runtime: the extra `[onnxruntime]`, for machines that OpenVINO has no build for.

Since 1.29 its packages for Linux send telemetry. `disable_telemetry_events` leaves the first event of each process, so
the environment variable that leaves nothing is set before the import (ADR 0002).
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from countenance.vision.fold import unreadable
from countenance.vision.ports import Tensor

_LOADING_FAILED = (
    RuntimeError,
    ValueError,
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NoSuchFile,
    states.NotImplemented,
    states.RuntimeException,
)
"""What ONNX Runtime raises over a file that it can't load; its own errors have no root in common."""


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
    """Loads networks for the CPU provider."""

    name = "onnxruntime"

    def load(self, path: Path, *, threads: int) -> OnnxRuntimeNetwork:
        """See the port."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except _LOADING_FAILED as error:
            raise unreadable(path, error) from None
        return OnnxRuntimeNetwork(session)

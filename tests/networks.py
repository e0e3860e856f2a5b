"""Small ONNX networks, made in code: one with block-quantised weights, one with plain ones."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROWS, COLUMNS, BLOCK = 12, 70, 16
"""Of the quantised layer: the last block is short, 70 = 4 x 16 + 6."""


def plain(path: Path, *, seed: int = 0) -> Path:
    """Write a network of one convolution: any batch, any size, `picture` in, `maps` out."""
    weights = np.random.default_rng(seed).standard_normal((4, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["picture", "weights"], ["maps"], pads=[1, 1, 1, 1])],
        "plain",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", 4, "h", "w"])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(_model(graph), path)
    return path


def quantised(*, seed: int = 0) -> onnx.ModelProto:
    """Return a linear layer whose weights are int8 blocks of 16 with a scale each, also listed as an input."""
    rng = np.random.default_rng(seed)
    blocks = (ROWS, -(-COLUMNS // BLOCK))
    constants = {
        "q": rng.integers(-128, 128, (ROWS, COLUMNS)).astype(np.int8),
        "scale": rng.uniform(0.01, 0.1, blocks).astype(np.float32),
        "zero": rng.integers(-5, 6, blocks).astype(np.int8),
        "shape": np.array([COLUMNS, ROWS]),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["flat"], axis=1, block_size=BLOCK),
        helper.make_node("Reshape", ["flat", "shape"], ["weights"]),
        helper.make_node("MatMul", ["x", "weights"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "quantised",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, COLUMNS]),
            helper.make_tensor_value_info("q", TensorProto.INT8, [ROWS, COLUMNS]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, ROWS])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return _model(graph)


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

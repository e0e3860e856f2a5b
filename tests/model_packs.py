"""A model pack in the style of ArcFace's, made in code: a small network from a 112 x 112 crop to an embedding."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.made_packs import write_manifest


def make_pack(
    folder: Path,
    *,
    name: str = "arcface-like",
    dimension: int = 512,
    claimed: int | None = None,
    seed: int = 0,
    licence: str = "test",
) -> Path:
    """Write a pack into a folder and return the folder.

    Args:
        dimension: Columns of the embedding that the network gives.
        claimed: What the manifest says; None means the truth.
        seed: Of the weights: another seed, another pack.
    """
    (folder / "networks").mkdir(parents=True, exist_ok=True)
    network = folder / "networks" / "embed.onnx"
    onnx.save(_network(dimension, seed), network)
    write_manifest(
        folder,
        file="networks/embed.onnx",
        name=name,
        dimension=claimed or dimension,
        threshold=0.3,
        licence=licence,
        provenance="random weights",
    )
    return folder


def _network(dimension: int, seed: int) -> onnx.ModelProto:
    """Average a crop over 16 x 16 fields, then one linear layer."""
    weights = np.random.default_rng(seed).standard_normal((147, dimension)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["crop"], ["fields"], kernel_shape=[16, 16], strides=[16, 16]),
            helper.make_node("Flatten", ["fields"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        ],
        "embed",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, dimension])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

"""A model pack in the style of ArcFace's, made in code: a small network from a 112 x 112 crop to an embedding."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from countenance.vision.pack import builtin_packs

MANIFEST = """\
name = "{name}"
dimension = {claimed}
metric = "cosine"
mirror = true
threshold = 0.3

[detector]
kind = "yunet"
file = "{detector.file}"
distribution = "{detector.distribution}"
sha256 = "{detector.sha256}"
licence = "MIT"
provenance = "the default pack's"
colour = "BGR"
mean = [0.0, 0.0, 0.0]
scale = 1.0

[recogniser]
file = "networks/embed.onnx"
sha256 = "{sha256}"
licence = "{licence}"
provenance = "random weights"
colour = "RGB"
mean = [127.5, 127.5, 127.5]
scale = 0.00784313725490196
size = 112
alignment = "arcface-112"
"""


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
    [default] = builtin_packs()
    text = MANIFEST.format(
        name=name,
        claimed=claimed or dimension,
        detector=default.manifest.detector,
        sha256=hashlib.sha256(network.read_bytes()).hexdigest(),
        licence=licence,
    )
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
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

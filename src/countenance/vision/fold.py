"""Block-quantised weights to plain float32, once, cached by hash.

The default pack's files hold their weights as int8 blocks with a scale each (ONNX `DequantizeLinear`, opset 21). ONNX
Runtime refuses that form where a scale is per tensor, so each constant `DequantizeLinear`, and each `Reshape` of a
constant, is computed here and stored as an ordinary float32 initialiser. Networks without any pass through unchanged in
what they compute. ADR 0003 says why.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from countenance.core.errors import IntegrityError

FOLDING = 2
"""Version of the folding; part of the cached file's name, so that a change makes new files."""


def dequantise(
    quantised: NDArray[np.int8], scale: NDArray[np.float32], zero_point: NDArray[np.int8], *, axis: int, block: int
) -> NDArray[np.float32]:
    """Turn quantised weights back into float32: `(q - zero_point) * scale`.

    Args:
        quantised: int8 or uint8, any shape; not modified.
        scale: float32: a scalar, one value along `axis`, or one for each block of `block` elements along `axis`.
        zero_point: Of quantised's dtype and scale's shape.
        axis: Axis that blocks run along.
        block: Elements a block; 0 means per tensor or per axis.

    Source:
        ONNX operator DequantizeLinear, opset 21.
    """
    if block:
        wanted = range(quantised.shape[axis])
        scale = np.repeat(scale, block, axis=axis).take(wanted, axis=axis)
        zero_point = np.repeat(zero_point, block, axis=axis).take(wanted, axis=axis)
    elif scale.ndim == 1:
        shape = [1] * quantised.ndim
        shape[axis] = -1
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    centred = quantised.astype(np.int32) - zero_point.astype(np.int32)
    return centred.astype(np.float32) * scale.astype(np.float32)


def fold(model: onnx.ModelProto, *, any_size: bool) -> onnx.ModelProto:
    """Return a network with the same outputs and float32 weights; the one given is not modified.

    Weights that stand among the graph's inputs too are no longer inputs, and the batch axis of what remains is free.

    Args:
        any_size: Free the input's height and width, and the rows of the outputs that follow from them, as well.
    """
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    graph = folded.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        arguments = [constants[name] for name in node.input if name in constants]
        if len(arguments) != len(node.input) or node.op_type not in {"DequantizeLinear", "Reshape"}:
            kept.append(node)
        elif node.op_type == "Reshape":
            constants[node.output[0]] = arguments[0].reshape(arguments[1])
        else:
            settings = {attribute.name: attribute.i for attribute in node.attribute}
            zero = arguments[2] if len(arguments) > 2 else np.zeros_like(arguments[1], dtype=arguments[0].dtype)
            constants[node.output[0]] = dequantise(
                arguments[0], arguments[1], zero, axis=settings.get("axis", 1), block=settings.get("block_size", 0)
            )
    used = {name for node in kept for name in node.input}
    # A weight that was quantised may still be listed as an input that nothing feeds.
    inputs = [entry for entry in graph.input if entry.name in used and entry.name not in constants]
    del graph.node[:], graph.initializer[:], graph.input[:], graph.value_info[:]
    graph.node.extend(kept)
    graph.input.extend(inputs)
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items() if name in used
    )
    _free_axes(graph, any_size=any_size)
    return folded


def _free_axes(graph: onnx.GraphProto, *, any_size: bool) -> None:
    """Give axes that may change between calls a name instead of a number."""
    names = {0: "n", 2: "h", 3: "w"} if any_size else {0: "n"}
    [entry] = graph.input
    for axis, name in names.items():
        entry.type.tensor_type.shape.dim[axis].dim_param = name
    for output in graph.output:
        axes = output.type.tensor_type.shape.dim
        axes[0].dim_param = "n"
        if any_size:
            axes[1].dim_param = f"{output.name}_rows"


def folded_file(path: Path, *, sha256: str, cache: Path, any_size: bool) -> Path:
    """Return the folded file of a network, making it where the cache has none or a damaged one.

    Safe at the same time from several processes: a file appears whole or not at all.

    Args:
        path: The network, already checked against `sha256`.
        cache: Folder for folded files; made where missing.
        any_size: See `fold`.

    Raises:
        IntegrityError: code `model-unreadable`, the file is not an ONNX network; nothing was cached.
    """
    target = cache / f"{sha256}-fold{FOLDING}{'-any-size' if any_size else ''}.onnx"
    digest_file = target.with_suffix(".sha256")
    if _is_whole(target, digest_file):
        return target
    try:
        data = fold(onnx.load(path), any_size=any_size).SerializeToString()
    except (DecodeError, ValueError, KeyError, IndexError, TypeError) as error:
        raise unreadable(path, error) from None
    cache.mkdir(parents=True, exist_ok=True)
    _write_whole(target, data)
    _write_whole(digest_file, hashlib.sha256(data).hexdigest().encode())
    return target


def unreadable(path: Path, error: Exception) -> IntegrityError:
    """Return the error for a file that no runtime can load."""
    return IntegrityError(
        f"{path.name} can't be loaded as an ONNX network: {str(error).splitlines()[0][:200]}",
        code="model-unreadable",
        hint="check the pack with `countenance models verify`",
    )


def _is_whole(target: Path, digest_file: Path) -> bool:
    """Return whether a cached file is there and undamaged."""
    if not (target.is_file() and digest_file.is_file()):
        return False
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().encode() == digest_file.read_bytes()


def _write_whole(target: Path, data: bytes) -> None:
    """Write beside the target, then rename: readers see the old file or the new one."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)

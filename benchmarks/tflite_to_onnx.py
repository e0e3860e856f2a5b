"""Convert the second model pack's network, for any number of crops at once instead of two: see `second_pack.py`.

It runs in an environment of its own, without Countenance: `python tflite_to_onnx.py SOURCE.tflite TARGET.onnx`.
"""

import sys
from pathlib import Path

import numpy as np


def convert(source: Path, target: Path) -> None:
    """Convert the network."""
    import onnx  # noqa: PLC0415 - it is in that other environment only
    import tflite2onnx  # noqa: PLC0415

    tflite2onnx.convert(str(source), str(target))
    model = onnx.load(str(target))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del model.graph.value_info[:]
    [shape] = [one for one in model.graph.initializer if one.name.endswith("SpatialSqueeze_shape")]
    shape.CopyFrom(onnx.numpy_helper.from_array(np.array([-1, 192], np.int64), shape.name))
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))

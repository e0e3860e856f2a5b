"""From 8-bit pixels to a network's input, as its manifest says."""

import numpy as np

from countenance.core.arrays import Pixels
from countenance.vision.pack import NetworkSpec
from countenance.vision.ports import Tensor


def fill(place: Tensor, pixels: Pixels, spec: NetworkSpec) -> None:
    """Write one picture into its place in a batch: `(pixel - mean) * scale`, a plane a channel.

    Plane by plane from the 8-bit pixels, which takes half the time, or less, of converting the picture and turning it.

    Args:
        place: float32, shape (3, h, w), a view; written.
        pixels: uint8, shape (h, w, 3), RGB; not modified.
    """
    channels = (0, 1, 2) if spec.colour == "RGB" else (2, 1, 0)
    for plane, channel, mean in zip(place, channels, spec.mean, strict=True):
        np.subtract(pixels[:, :, channel], np.float32(mean), out=plane)
        np.multiply(plane, np.float32(spec.scale), out=plane)

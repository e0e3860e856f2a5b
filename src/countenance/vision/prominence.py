"""Which face of a photograph is the one that its label means."""

import math
from collections.abc import Sequence

from countenance.vision.model import Face


def most_prominent(faces: Sequence[Face], *, width: int, height: int) -> Face:
    """Choose the face that a one-person photograph is about: large, and near the middle.

    Box area, weighted by 1 in the picture's centre and falling to 0.25 in its corners, so that a bystander has to be
    far larger to win. Ties go to the lower number.

    Args:
        faces: At least one.
        width: Of the picture, pixels.
        height: Of the picture, pixels.

    Raises:
        ValueError: there are no faces.
    """
    if not faces:
        raise ValueError("no faces to choose from")

    def prominence(face: Face) -> float:
        """Weigh one face."""
        box = face.box
        off_x = ((box.left + box.right) / width - 1) / 2**0.5
        off_y = ((box.top + box.bottom) / height - 1) / 2**0.5
        return box.area * (1 - 0.75 * min(1.0, math.hypot(off_x, off_y)))

    return max(faces, key=lambda face: (prominence(face), -face.number))

"""From five landmarks to the upright square crop that a recogniser was trained on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Pixels
from countenance.vision.model import Landmarks

ARCFACE_112: NDArray[np.float64] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where the eyes, nose and mouth corners of a frontal face stand in a crop of 112 x 112 pixels.

Source:
    Deng et al., ArcFace, 2019 (reference alignment of the InsightFace project); SFace is trained on the same.
"""


def similarity(landmarks: Landmarks, *, size: int) -> NDArray[np.float64]:
    """Fit rotation, uniform scale and shift from picture to crop, least squares over the five points.

    Args:
        landmarks: In pixels of the picture.
        size: Side of the crop, pixels.

    Returns:
        float64, shape (2, 3): crop = matrix @ (x, y, 1).

    Source:
        Umeyama 1991, equations 34 to 43, in two dimensions and without reflection, where it reduces to one complex
        least-squares slope.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    targets = ARCFACE_112 * (size / 112)
    at, to = points.mean(axis=0), targets.mean(axis=0)
    plane, crop = points - at, targets - to
    z, w = plane[:, 0] + 1j * plane[:, 1], crop[:, 0] + 1j * crop[:, 1]
    slope = np.vdot(z, w) / max(float(np.vdot(z, z).real), 1e-12)
    turn = np.array([[slope.real, -slope.imag], [slope.imag, slope.real]])
    return np.column_stack([turn, to - turn @ at])


def align(pixels: Pixels, landmarks: Landmarks, *, size: int) -> Pixels:
    """Cut a face out upright at the recogniser's size; what lies outside the picture is black.

    A face that is more than twice as large as the crop is averaged down first, so that warping doesn't alias.

    Args:
        pixels: uint8, shape (h, w, 3), RGB; not modified.

    Returns:
        uint8, shape (size, size, 3), RGB.
    """
    matrix = similarity(landmarks, size=size)
    shrink = int(1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6))
    if shrink < 2:
        return _warp(pixels, matrix, size)
    corners = cv2.invertAffineTransform(matrix) @ np.array([[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]])
    height, width = pixels.shape[:2]
    left, top = np.clip(np.floor(corners.min(axis=1)).astype(int) - shrink, 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=1)).astype(int) + shrink, (left + 1, top + 1), (width, height))
    part = pixels[top:bottom, left:right]
    small_width, small_height = max(1, (right - left) // shrink), max(1, (bottom - top) // shrink)
    small = np.asarray(cv2.resize(part, (small_width, small_height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    step_x, step_y = (right - left) / small_width, (bottom - top) / small_height
    # A pixel's centre lies at +0.5, so the shrunken picture's (0, 0) is the part's (step / 2 - 0.5).
    back = np.array([[step_x, 0, left + step_x / 2 - 0.5], [0, step_y, top + step_y / 2 - 0.5], [0, 0, 1]])
    return _warp(small, matrix @ back, size)


def _warp(pixels: Pixels, matrix: NDArray[np.float64], size: int) -> Pixels:
    warped = cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(warped, dtype=np.uint8)

"""Find faces in pictures of any size and shape with YuNet.

One pass over the picture at a working size finds the faces of an ordinary photograph. Turned passes are paid for only
where that one finds no face for sure, a finer one only where it finds none or small ones in a picture that was shrunk.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Pixels
from countenance.vision.feed import fill
from countenance.vision.model import Box, DetectedFace, Landmarks, Point
from countenance.vision.pack import DetectorSpec
from countenance.vision.ports import Network, Tensor

WORKING_SIDE = 640
"""Longer side of the first pass, pixels. A face of 1/40 of it (16 pixels) is found; the network was trained at 640."""

FINE_PIXELS = 12_000_000
"""Most pixels that the finest pass works on: of 120 faces 24 pixels high in 12 megapixels, 118 were found at full size,
92 at 6 megapixels, 14 at 3."""

SMALL_FACE = 0.1
"""A picture whose largest face is less than this share of its shorter side is one of small faces: look closer."""

MIN_SCORE = 0.6
"""Least detector score that counts as a face; the gates ask for more."""

SURE_SCORE = 0.9
"""Best score below which the picture may lie on its side or head: it is looked at turned as well.

Source:
    Measured on 55 photographs of 43 people: upright faces score 0.91 to 0.96; the same ones turned by a quarter or a
    half are often still found, with wrong landmarks, at 0.91 and below, always at least 0.04 below the upright score.
"""

MAX_OVERLAP = 0.3
"""Intersection over union above which two boxes are one face (YuNet's own setting)."""

STRIDES = (8, 16, 32)
MARGIN = 32
"""Black border around each pass, pixels: a face cut by the picture's edge is found with its centre outside."""

MAX_FACES = 2000
"""Most faces of one picture; the best by score stay."""


class Found(NamedTuple):
    """Raw detections: boxes float64 (n, 4) xyxy, points float64 (n, 5, 2), scores float64 (n,), in picture pixels."""

    boxes: NDArray[np.float64]
    points: NDArray[np.float64]
    scores: NDArray[np.float64]


class YuNetDetector:
    """YuNet behind pictures of any size: scaling, passes, decoding, suppression."""

    def __init__(self, network: Network, spec: DetectorSpec) -> None:
        """Keep the network and how it is fed."""
        self._network = network
        self._spec = spec

    def detect(self, pixels: Pixels, *, thorough: bool = False) -> tuple[DetectedFace, ...]:
        """Find all faces, largest first.

        Args:
            pixels: uint8, shape (h, w, 3), RGB, upright; not modified.
            thorough: Always make the finer pass, also where large faces were found.

        Source:
            Wu, Peng, Yu: YuNet, Machine Intelligence Research 2023 (network, strides, decoding).
        """
        height, width = pixels.shape[:2]
        first = min(1.0, WORKING_SIDE / max(height, width))
        found = self._pass(pixels, first)
        if _best(found) < SURE_SCORE:
            found = max(found, self._turned(pixels, first), key=_best)
        fine = min(1.0, (FINE_PIXELS / (height * width)) ** 0.5)
        if fine > first and (thorough or _only_small(found, shorter=min(height, width))):
            found = _merge([found, self._pass(pixels, fine)])
        return _faces(_suppress(found), width=width, height=height)

    def _turned(self, pixels: Pixels, scale: float) -> Found:
        """Look again with the picture turned by a quarter, a half and three quarters; keep the surest turn."""
        small = _resized(pixels, scale)
        passes = []
        for quarter in (1, 2, 3):
            found = self._pass(np.ascontiguousarray(np.rot90(small, quarter)), 1.0)
            passes.append(_turned_back(found, quarter, height=small.shape[0], width=small.shape[1]))
        best = max(passes, key=_best)
        return Found(best.boxes / scale, best.points / scale, best.scores)

    def _pass(self, pixels: Pixels, scale: float) -> Found:
        """Run the network once over the whole picture at one scale."""
        small = _resized(pixels, scale)
        height, width = small.shape[:2]
        canvas_shape = tuple(-(-(side + 2 * MARGIN) // 32) * 32 for side in (height, width))
        canvas = np.zeros((1, 3, *canvas_shape), np.float32)
        fill(canvas[0, :, MARGIN : MARGIN + height, MARGIN : MARGIN + width], small, self._spec)
        found = _decode(self._network.run(canvas), width=canvas_shape[1])
        return Found((found.boxes - MARGIN) / scale, (found.points - MARGIN) / scale, found.scores)


def _resized(pixels: Pixels, scale: float) -> Pixels:
    """Shrink by averaging; a scale of 1 gives the picture itself."""
    if scale >= 1.0:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _decode(outputs: Mapping[str, Tensor], *, width: int) -> Found:
    """Turn the network's maps into boxes, points and scores from MIN_SCORE up, in pixels of the canvas."""
    parts = []
    for stride in STRIDES:
        maps = tuple(outputs[f"{kind}_{stride}"][0] for kind in ("cls", "obj", "bbox", "kps"))
        parts.append(_decode_stride(*maps, stride=stride, columns=width // stride))
    return _merge(parts)


def _decode_stride(
    classes: Tensor, objects: Tensor, sides: Tensor, points: Tensor, *, stride: int, columns: int
) -> Found:
    """Decode one stride: score = sqrt(class x object); box centre and points in cells; sides as exponentials."""
    scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1)).astype(np.float64)
    [kept] = np.nonzero(scores >= MIN_SCORE)
    cells = np.stack([kept % columns, kept // columns], axis=1).astype(np.float64)
    centre = (sides[kept, :2] + cells) * stride
    half = np.exp(np.clip(sides[kept, 2:], -10, 10)) * stride / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    places = (points[kept].reshape(-1, 5, 2) + cells[:, None, :]) * stride
    return Found(boxes, places.astype(np.float64), scores[kept])


def _best(found: Found) -> float:
    """Return the surest face's score; 0 without any."""
    return float(found.scores.max(initial=0.0))


def _merge(parts: Sequence[Found]) -> Found:
    return Found(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _turned_back(found: Found, quarter: int, *, height: int, width: int) -> Found:
    """Map detections of a picture that was turned counter-clockwise by quarters back to the picture as it was."""

    def back(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo one turn after the other."""
        x, y = points[..., 0], points[..., 1]
        if quarter == 1:
            return np.stack([width - y, x], axis=-1)
        if quarter == 2:
            return np.stack([width - x, height - y], axis=-1)
        return np.stack([y, height - x], axis=-1)

    corners = back(found.boxes.reshape(-1, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return Found(boxes, back(found.points), found.scores)


def _suppress(found: Found) -> Found:
    """Keep the surest of boxes that overlap."""
    sides = np.column_stack([found.boxes[:, :2], found.boxes[:, 2:] - found.boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(sides.tolist(), found.scores.tolist(), MIN_SCORE, MAX_OVERLAP)
    order = np.asarray(kept, dtype=np.int64).reshape(-1)[:MAX_FACES]
    return Found(found.boxes[order], found.points[order], found.scores[order])


def _only_small(found: Found, *, shorter: int) -> bool:
    """Return whether there is no face, or none larger than SMALL_FACE of the picture's shorter side."""
    heights = found.boxes[:, 3] - found.boxes[:, 1]
    return float(heights.max(initial=0.0)) < SMALL_FACE * shorter


def _faces(found: Found, *, width: int, height: int) -> tuple[DetectedFace, ...]:
    """Make values: boxes clipped to the picture, those outside it dropped, largest first, then from the top left."""
    faces = []
    for sides, places, score in zip(found.boxes.tolist(), found.points.tolist(), found.scores.tolist(), strict=True):
        left, top, right, bottom = sides
        box = Box(max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
        if box.width >= 1 and box.height >= 1:
            landmarks = Landmarks(*(Point(*place) for place in places))
            faces.append(DetectedFace(box=box, landmarks=landmarks, score=min(score, 1.0)))
    return tuple(sorted(faces, key=lambda face: (-face.box.area, face.box.top, face.box.left)))

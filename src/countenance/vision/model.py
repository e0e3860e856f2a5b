"""What vision sees in a picture: boxes, landmarks, quality, faces."""

from dataclasses import dataclass
from typing import NamedTuple

from countenance.core.arrays import Pixels


class Box(NamedTuple):
    """A rectangle, xyxy, pixels, origin top-left, right and bottom exclusive; float, may be fractional."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for a box turned inside out."""
        return max(self.width, 0.0) * max(self.height, 0.0)


class Point(NamedTuple):
    """A place in a picture: pixels, origin top-left."""

    x: float
    y: float


class Landmarks(NamedTuple):
    """Five points of a face; left and right as the viewer of an upright face sees them."""

    left_eye: Point
    right_eye: Point
    nose: Point
    left_mouth: Point
    right_mouth: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedImage:
    """A picture that was decoded within its bounds.

    Attributes:
        pixels: uint8, shape (h, w, 3), RGB, upright.
        media_type: What the bytes are, e.g. `image/jpeg`, by content and not by name.
        sha256: Hex digest of the bytes as they came.
        size_bytes: Length of the bytes as they came.
    """

    pixels: Pixels
    media_type: str
    sha256: str
    size_bytes: int

    @property
    def width(self) -> int:
        """Width in pixels, upright."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels, upright."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What can be measured of one face's picture.

    Attributes:
        eye_distance: Between the eyes' centres, pixels of the original picture.
        sharpness: Variance of the Laplacian of the aligned grey crop, grey levels squared; 0 is flat.
        brightness: Mean grey level of the aligned crop, 0 to 255.
        clipped: Share of the aligned crop's pixels at grey level <= 5 or >= 250, 0 to 1.
        yaw: Turned to a side, degrees, positive to the viewer's right; from landmarks, so +/- 10 degrees at best.
        pitch: Nodding, degrees, positive downwards; from landmarks, as rough as yaw.
        roll: Tilted in the picture's plane, degrees, positive clockwise.
        detector_score: How sure the detector is that this is a face, 0 to 1.
    """

    eye_distance: float
    sharpness: float
    brightness: float
    clipped: float
    yaw: float
    pitch: float
    roll: float
    detector_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedFace:
    """One face that the detector found. Coordinates are of the upright, original picture.

    Attributes:
        box: Clipped to the picture.
        landmarks: Not clipped: a face at the border may have points outside.
        score: The detector's, 0 to 1.
    """

    box: Box
    landmarks: Landmarks
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face of one picture, numbered from 1 by falling box area, graded.

    Attributes:
        number: From 1; the largest face is 1. Stable for the same bytes and the same model pack.
        box: Clipped to the picture.
        landmarks: In the picture's pixels.
        quality: What was measured of it.
        refusals: Why the gate refuses it, one sentence each; empty when it passes.
    """

    number: int
    box: Box
    landmarks: Landmarks
    quality: Quality
    refusals: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """True when the gate that graded it has nothing against it."""
        return not self.refusals

"""How good one face's picture is, and the gates that refuse what is too poor, with reasons a person understands."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from countenance.core.arrays import Pixels
from countenance.vision.model import Landmarks, Quality

DARK, BRIGHT = 5, 250
"""Grey levels at and beyond which a pixel holds no detail: the outermost 2 % of the 8-bit range at each end."""

YAW_SPAN = 90.0
"""Degrees of yaw for each unit of the nose's sideways offset in eye distances: a nose tip stands about 0.6 eye
distances in front of the eyes' plane, so the offset is 0.6 sin(yaw), within 4 degrees of linear up to 30 degrees."""

NOSE_LEVEL_FRONTAL = 0.495
"""Where the nose tip stands between eyes (0) and mouth (1) in the frontal alignment template (align.ARCFACE_112)."""

PITCH_SPAN = 90.0
"""Degrees of pitch for each unit of the nose's level away from frontal: same geometry as YAW_SPAN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The least that a face must reach, and what for.

    Attributes:
        purpose: `enrol` or `search`, for messages.
        min_eye_distance: Pixels.
        min_sharpness: Grey levels squared.
        min_brightness: Grey level, 0 to 255.
        max_brightness: Grey level, 0 to 255.
        max_clipped: Share, 0 to 1.
        max_yaw: Degrees either way.
        max_pitch: Degrees either way.
        min_detector_score: 0 to 1.
    """

    purpose: str
    min_eye_distance: float
    min_sharpness: float
    min_brightness: float
    max_brightness: float
    max_clipped: float
    max_yaw: float
    max_pitch: float
    min_detector_score: float

    def refusals(self, quality: Quality) -> tuple[str, ...]:
        """Say in sentences what is too poor; empty when the face passes.

        Values are rounded away from the limit that they miss, so that no sentence says "24, 24 needed".
        """
        checks = (
            (
                quality.eye_distance < self.min_eye_distance,
                f"eyes {_down(quality.eye_distance)} pixels apart, {self.min_eye_distance:.0f} needed",
            ),
            (
                quality.sharpness < self.min_sharpness,
                f"too blurred: sharpness {_down(quality.sharpness)}, {self.min_sharpness:.0f} needed",
            ),
            (
                quality.brightness < self.min_brightness,
                f"too dark: mean grey level {_down(quality.brightness)}, {self.min_brightness:.0f} needed",
            ),
            (
                quality.brightness > self.max_brightness,
                f"too bright: mean grey level {_up(quality.brightness)}, at most {self.max_brightness:.0f} wanted",
            ),
            (
                quality.clipped > self.max_clipped,
                (
                    f"{_up(quality.clipped * 100)}% of the face is pure black or white, "
                    f"at most {self.max_clipped:.0%} wanted"
                ),
            ),
            (
                abs(quality.yaw) > self.max_yaw,
                f"turned {_up(abs(quality.yaw))} degrees to the side, at most {self.max_yaw:.0f} wanted",
            ),
            (
                abs(quality.pitch) > self.max_pitch,
                f"tilted {_up(abs(quality.pitch))} degrees up or down, at most {self.max_pitch:.0f} wanted",
            ),
            (
                quality.detector_score < self.min_detector_score,
                (
                    f"hardly a face: detector score {_down(quality.detector_score * 100) / 100:.2f}, "
                    f"{self.min_detector_score:.2f} needed"
                ),
            ),
        )
        return tuple(reason for refused, reason in checks if refused)


def _down(value: float) -> int:
    """Round down, but for what is a whole number in all but its last bits."""
    return math.floor(value + 1e-6)


def _up(value: float) -> int:
    """Round up, but for what is a whole number in all but its last bits."""
    return math.ceil(value - 1e-6)


ENROL_GATE = Gate(
    purpose="enrol",
    min_eye_distance=24,
    min_sharpness=15,
    min_brightness=30,
    max_brightness=225,
    max_clipped=0.5,
    max_yaw=60,
    max_pitch=45,
    min_detector_score=0.7,
)
"""For references: they stay for years and are compared with everybody, so they have to be good."""

SEARCH_GATE = Gate(
    purpose="search",
    min_eye_distance=8,
    min_sharpness=4,
    min_brightness=15,
    max_brightness=240,
    max_clipped=0.7,
    max_yaw=75,
    max_pitch=60,
    min_detector_score=0.6,
)
"""For probes: often the only picture there is, so only what can't give a meaningful score is refused."""


def measure(aligned: Pixels, landmarks: Landmarks, *, detector_score: float) -> Quality:
    """Measure one face.

    Args:
        aligned: uint8, shape (112, 112, 3), RGB, the crop that the network sees; not modified.
        landmarks: In pixels of the original picture.
        detector_score: 0 to 1.

    Source:
        Sharpness: variance of the Laplacian, Pech-Pacheco et al. 2000 (one of the operators that ISO/IEC 29794-5:2025,
        7.3.5, builds on). Exposure: ISO/IEC 29794-5:2025, 7.3.3 and 7.3.4, simplified to mean level and clipped share.
    """
    grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
    yaw, pitch, roll = pose(landmarks)
    return Quality(
        eye_distance=float(np.hypot(*np.subtract(landmarks.right_eye, landmarks.left_eye))),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
        brightness=float(grey.mean()),
        clipped=float(np.mean((grey <= DARK) | (grey >= BRIGHT))),
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        detector_score=detector_score,
    )


def pose(landmarks: Landmarks) -> tuple[float, float, float]:
    """Estimate yaw, pitch and roll in degrees from five points.

    Source:
        Roll is the eyes' line. Yaw and pitch are the nose's offset in the frame of eyes and mouth, the geometry of
        Gee and Cipolla 1994 made linear; good for a gate and a reader, not for measuring heads.
    """
    left, right, nose, mouth_left, mouth_right = (np.asarray(point) for point in landmarks)
    across = right - left
    eye_distance = max(float(np.hypot(*across)), 1e-6)
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    down = mouth - eyes
    length = max(float(np.hypot(*down)), 1e-6)
    level = float(np.dot(nose - eyes, down)) / length**2
    on_axis = eyes + level * down
    sideways = float(np.dot(nose - on_axis, across)) / eye_distance**2
    yaw = float(np.clip(sideways * YAW_SPAN, -90, 90))
    pitch = float(np.clip((level - NOSE_LEVEL_FRONTAL) * PITCH_SPAN, -90, 90))
    return yaw, pitch, roll

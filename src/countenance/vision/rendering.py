"""Boxes and faces as plain JSON types: the one shape that the CLI prints and the API returns."""

from typing import Any

from countenance.vision.model import Box, Face


def box_json(box: Box) -> list[float]:
    """Return [left, top, right, bottom], pixels, to a tenth."""
    return [round(value, 1) for value in box]


def face_json(face: Face) -> dict[str, Any]:
    """Return one face of a picture with its quality and what the gate has against it."""
    quality = face.quality
    return {
        "face": face.number,
        "box": box_json(face.box),
        "landmarks": [[round(point.x, 1), round(point.y, 1)] for point in face.landmarks],
        "passes": face.passes,
        "refusals": list(face.refusals),
        "quality": {
            "eye_distance": round(quality.eye_distance, 1),
            "sharpness": round(quality.sharpness, 1),
            "brightness": round(quality.brightness, 1),
            "clipped": round(quality.clipped, 3),
            "yaw": round(quality.yaw, 1),
            "pitch": round(quality.pitch, 1),
            "roll": round(quality.roll, 1),
            "detector_score": round(quality.detector_score, 3),
        },
    }

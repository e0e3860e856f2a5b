"""Pictures of coloured stripes, each a "face", and an analyser that reads them: galleries without networks."""

import io
from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image

from countenance.core.arrays import Pixels, Templates
from countenance.gallery.ports import Records
from countenance.vision.model import Box, Face, Landmarks, Point, Quality
from countenance.vision.quality import Gate

WIDE, HIGH = 16, 16
DIM = 16

QUALITY = Quality(
    eye_distance=60.0,
    sharpness=100.0,
    brightness=120.0,
    clipped=0.01,
    yaw=1.5,
    pitch=-2.5,
    roll=0.5,
    detector_score=0.95,
)


def stripes(*people: tuple[int, int], poor: bool = False, note: int = 0, noise: int = 0) -> bytes:
    """Return a PNG that shows people side by side, each as (who, 1 to 255; which photograph of them, 0 to 255).

    `poor` makes the gate refuse all; another `note` makes another file of the same faces; `noise` adds rows of it, 48
    bytes a person each.
    """
    pixels = np.zeros((HIGH + noise, WIDE * max(len(people), 1), 3), np.uint8)
    for at, (who, which) in enumerate(people):
        pixels[:, at * WIDE : (at + 1) * WIDE] = (who, which, 255 if poor else 0)
    pixels[HIGH:] = np.random.default_rng(note).integers(0, 256, pixels[HIGH:].shape)
    pixels[HIGH - 1, -1, 2] = note
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


def template(who: int, which: int) -> Templates:
    """Return the template of one person in one photograph; two of a person stand at about 0.9, strangers at about 0."""
    person = np.random.default_rng(who).normal(size=DIM)
    aside = np.random.default_rng((who, which)).normal(size=DIM)
    vector = person / np.linalg.norm(person) + 0.3 * aside / np.linalg.norm(aside)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def face(number: int, *, refusals: tuple[str, ...] = ()) -> Face:
    """Return the face that the stripe with this number (from 1) is."""
    left = float((number - 1) * WIDE)
    points = [Point(left + 4, 5), Point(left + 12, 5), Point(left + 8, 8), Point(left + 5, 12), Point(left + 11, 12)]
    return Face(
        number=number,
        box=Box(left, 0.0, left + WIDE, float(HIGH)),
        landmarks=Landmarks(*points),
        quality=QUALITY,
        refusals=refusals,
    )


class StripeAnalyser:
    """Implements `FaceAnalyser` for pictures of stripes."""

    pack_digest = "5" * 64
    dim = DIM

    def find(self, pixels: Pixels, gate: Gate, *, thorough: bool = False) -> tuple[Face, ...]:  # noqa: ARG002 - the port
        shown = [at for at in range(pixels.shape[1] // WIDE) if pixels[0, at * WIDE, 0] > 0]
        return tuple(face(at + 1, refusals=("too dark",) if pixels[0, at * WIDE, 2] > 0 else ()) for at in shown)

    def encode(self, pixels: Pixels, faces: Sequence[Face]) -> Templates:
        rows = [template(*pixels[0, int(one.box.left), :2].tolist()) for one in faces]
        return np.stack(rows) if rows else np.zeros((0, DIM), np.float32)

    def encode_together(self, shown: Sequence[tuple[Pixels, Face]]) -> Templates:
        """Of several photographs of one person the higher numbers count more."""
        rows = [self.encode(pixels, [one])[0] for pixels, one in shown]
        if len(rows) == 1:
            return rows[0]
        lengths = [1.0 + pixels[0, int(one.box.left), 1] for pixels, one in shown]
        total = np.average(rows, axis=0, weights=lengths)
        return np.asarray(total / np.linalg.norm(total), np.float32)

    def crop(self, pixels: Pixels, face: Face) -> Pixels:
        return np.ascontiguousarray(pixels[:, int(face.box.left) : int(face.box.right)])


def templates_of(records: Records, rows: Collection[int]) -> dict[int, Templates]:
    """Return the single templates on record under row numbers, float32, shape (dim,); what isn't there is left out."""
    return {row: one.templates[-1] for row, one in records.references(rows).items()}

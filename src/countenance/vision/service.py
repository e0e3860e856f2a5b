"""The analyser: a picture in, graded faces and templates out."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Pixels, Templates
from countenance.core.errors import IntegrityError
from countenance.vision.align import align
from countenance.vision.detect import YuNetDetector
from countenance.vision.feed import fill
from countenance.vision.fold import folded_file
from countenance.vision.model import DetectedFace, Face
from countenance.vision.pack import ModelPack, NetworkSpec
from countenance.vision.ports import Network, Runtime, Tensor
from countenance.vision.quality import Gate, measure

BATCH = 16
"""Most crops a call of the recogniser: larger batches gain nothing on two cores and hold memory."""

CROP_MARGIN = 0.5
"""Surroundings in a crop for people, in box sides on each side."""

CROP_SIDE = 320
"""Longer side of a crop for people, pixels."""


class PackAnalyser:
    """A model pack at work. Implements `FaceAnalyser`; safe to use from several threads."""

    def __init__(self, pack: ModelPack, runtime: Runtime, *, threads: int, cache: Path) -> None:
        """Check the pack's files against their hashes, fold and load them.

        Args:
            threads: Cores that one call may use.
            cache: Folder for folded networks.

        Raises:
            IntegrityError: codes `model-hash-mismatch`, `model-unreadable`, `model-dimension-wrong`; nothing is served.
            NotFoundError: code `model-file-missing`.
        """
        pack.verify()
        self._pack = pack
        self._digest = pack.digest
        self._recogniser = self._load(pack.manifest.recogniser, runtime, threads, cache, any_size=False)
        self._detector = YuNetDetector(
            self._load(pack.manifest.detector, runtime, threads, cache, any_size=True), pack.manifest.detector
        )
        self._check_dimension()

    @property
    def pack_digest(self) -> str:
        """See the port."""
        return self._digest

    @property
    def dim(self) -> int:
        """See the port."""
        return self._pack.manifest.dimension

    def find(self, pixels: Pixels, gate: Gate, *, thorough: bool = False) -> tuple[Face, ...]:
        """See the port."""
        detected = self._detector.detect(pixels, thorough=thorough)
        return tuple(self._graded(pixels, face, number, gate) for number, face in enumerate(detected, start=1))

    def encode(self, pixels: Pixels, faces: Sequence[Face]) -> Templates:
        """See the port."""
        size = self._pack.manifest.recogniser.size
        crops = [align(pixels, face.landmarks, size=size) for face in faces]
        parts = [_unit_rows(self._embed(crops[at : at + BATCH])) for at in range(0, len(crops), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)

    def encode_together(self, shown: Sequence[tuple[Pixels, Face]]) -> Templates:
        """See the port.

        The embeddings are summed before they are brought to unit norm: a clear face has a longer one, and counts more.

        Source:
            Length and quality: Ranjan, Castillo, Chellappa 2017, "L2-constrained softmax loss for discriminative face
            verification", section 3.1; measured against the mean of the templates: ADR 0018.
        """
        size = self._pack.manifest.recogniser.size
        rows = [self._embed([align(pixels, face.landmarks, size=size)]) for pixels, face in shown]
        total = np.concatenate(rows).sum(axis=0, dtype=np.float64)
        return np.asarray(_unit_rows(total[None])[0])

    def crop(self, pixels: Pixels, face: Face) -> Pixels:
        """See the port."""
        height, width = pixels.shape[:2]
        side = max(face.box.width, face.box.height) * (1 + 2 * CROP_MARGIN)
        middle_x, middle_y = (face.box.left + face.box.right) / 2, (face.box.top + face.box.bottom) / 2
        left, right = (int(np.clip(middle_x + half, 0, width)) for half in (-side / 2, side / 2))
        top, bottom = (int(np.clip(middle_y + half, 0, height)) for half in (-side / 2, side / 2))
        part = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
        shrink = CROP_SIDE / max(part.shape[:2])
        if shrink >= 1:
            return np.ascontiguousarray(part)
        size = (max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink)))
        return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _graded(self, pixels: Pixels, face: DetectedFace, number: int, gate: Gate) -> Face:
        """Measure one detected face and hold it against the gate."""
        aligned = align(pixels, face.landmarks, size=self._pack.manifest.recogniser.size)
        quality = measure(aligned, face.landmarks, detector_score=face.score)
        return Face(
            number=number,
            box=face.box,
            landmarks=face.landmarks,
            quality=quality,
            refusals=gate.refusals(quality),
        )

    def _embed(self, crops: Sequence[Pixels]) -> Tensor:
        """Run aligned crops, with their mirror images where the pack wants them, through the recogniser.

        Returns:
            Embeddings: float32, shape (len(crops), dim), of any length.

        Source:
            Sum of both embeddings, then unit norm: the test-time flip of ArcFace's reference evaluation.
        """
        manifest = self._pack.manifest
        pictures = np.stack(crops)
        if manifest.mirror:
            pictures = np.concatenate([pictures, pictures[:, :, ::-1]])
        [embeddings] = self._recogniser.run(_as_input(pictures, manifest.recogniser)).values()
        return embeddings[: len(crops)] + embeddings[len(crops) :] if manifest.mirror else embeddings

    def _check_dimension(self) -> None:
        """Run one grey crop: the manifest's dimension must be what the network gives, as one finite output."""
        size = self._pack.manifest.recogniser.size
        grey = np.full((1, size, size, 3), 128, np.uint8)
        outputs = self._recogniser.run(_as_input(grey, self._pack.manifest.recogniser))
        shapes = [output.shape for output in outputs.values()]
        if shapes != [(1, self.dim)] or not all(np.isfinite(output).all() for output in outputs.values()):
            raise IntegrityError(
                f"model pack {self._pack.name}: the recogniser gives {shapes}, the manifest says {[(1, self.dim)]}",
                code="model-dimension-wrong",
                hint="correct `dimension` in the manifest, or install the right file",
            )

    def _load(self, spec: NetworkSpec, runtime: Runtime, threads: int, cache: Path, *, any_size: bool) -> Network:
        """Fold, cache and load one network of the pack."""
        path = folded_file(self._pack.path(spec), sha256=spec.sha256, cache=cache, any_size=any_size)
        return runtime.load(path, threads=threads)


def _unit_rows(embeddings: NDArray[np.floating]) -> Templates:
    """Bring embeddings, shape (n, d), to unit norm."""
    norms = np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(embeddings / np.maximum(norms, 1e-12), dtype=np.float32)


def _as_input(pictures: Pixels, spec: NetworkSpec) -> Tensor:
    """Turn uint8 pictures, shape (n, h, w, 3), RGB, into float32, shape (n, 3, h, w), as the manifest says."""
    count, height, width = pictures.shape[:3]
    batch = np.empty((count, 3, height, width), np.float32)
    for place, picture in zip(batch, pictures, strict=True):
        fill(place, picture, spec)
    return batch

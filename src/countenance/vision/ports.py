"""What vision needs from outside: something that runs a network, and something that finds, grades and encodes faces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Pixels, Templates
from countenance.vision.model import Face
from countenance.vision.quality import Gate

Tensor = NDArray[np.float32]


class Network(Protocol):
    """One network, loaded and ready."""

    def run(self, batch: Tensor) -> Mapping[str, Tensor]:
        """Run one batch.

        Args:
            batch: float32, shape (n, channels, h, w), C-contiguous; not modified. Any n; h and w may change between
                calls where the network allows it.

        Returns:
            Output tensors by their graph names, float32, first axis n; fresh arrays that later calls don't overwrite.
        """


class Runtime(Protocol):
    """Loads networks. An adapter each: OpenVINO (default), ONNX Runtime."""

    name: str

    def load(self, path: Path, *, threads: int) -> Network:
        """Load a float32 ONNX file.

        Args:
            path: The file.
            threads: Cores that one call may use, at least 1.

        Raises:
            IntegrityError: code `model-unreadable`; nothing was kept.
        """


class FaceAnalyser(Protocol):
    """Finds, grades and encodes faces: what enrolment, search and evaluation see of vision."""

    @property
    def pack_digest(self) -> str:
        """Hex SHA-256 that names the model pack: templates of different digests must never be compared."""

    @property
    def dim(self) -> int:
        """Number of columns of a template."""

    def find(self, pixels: Pixels, gate: Gate, *, thorough: bool = False) -> tuple[Face, ...]:
        """Find and grade all faces of a picture, largest first.

        Args:
            pixels: uint8, shape (h, w, 3), RGB, upright; not modified.
            gate: What a face must reach; those that don't are returned too, with their refusals.
            thorough: Look for small faces too, even where large ones were found.

        Returns:
            Faces numbered from 1; empty when there is none.
        """

    def encode(self, pixels: Pixels, faces: Sequence[Face]) -> Templates:
        """Make one template a face.

        Args:
            pixels: The picture that the faces were found in; not modified.
            faces: Faces of that picture.

        Returns:
            float32, shape (len(faces), dim), unit L2 rows, in the order given.
        """

    def encode_together(self, shown: Sequence[tuple[Pixels, Face]]) -> Templates:
        """Make one template of one person's faces in several pictures: of one face, what `encode` makes of it.

        Args:
            shown: Each picture and the face that was found in it, at least one; summed in their order; not modified.

        Returns:
            float32, shape (dim,), unit norm.
        """

    def crop(self, pixels: Pixels, face: Face) -> Pixels:
        """Cut the face out with some surroundings, for people to look at; not what the network sees.

        Returns:
            uint8, shape (h, w, 3), RGB, longer side at most 320 pixels.
        """

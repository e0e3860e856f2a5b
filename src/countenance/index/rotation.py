"""A secret rotation of the space that templates lie in: angles stay, and so do scores.

It makes an index renewable, and unlinkable with another home's as long as both rotations are secret. It is no one-way
function: whoever knows some `dim` templates in both forms computes the rotation (ADR 0031).
"""

import secrets
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from countenance.core.arrays import Templates

Matrix = NDArray[np.float64]

ROWS_AT_ONCE = 512
"""Rows that are always multiplied together, filled with zeros, so that a row comes out bit by bit the same whenever
and beside whatever it is turned."""


class Rotation:
    """An orthogonal matrix. Immutable."""

    def __init__(self, matrix: Matrix) -> None:
        """Keep a matrix.

        Args:
            matrix: float64, shape (dim, dim), orthogonal to 1e-12; not modified.

        Raises:
            ValueError: it is not orthogonal.
        """
        if matrix.ndim != 2 or not np.allclose(matrix @ matrix.T, np.eye(len(matrix)), rtol=0, atol=1e-12):
            raise ValueError("a rotation's matrix must be orthogonal")
        self.matrix = matrix

    @classmethod
    def random(cls, dim: int) -> Self:
        """Return one that is drawn evenly from all, from the operating system's random numbers.

        Source:
            QR of a Gaussian matrix with the signs of R's diagonal put right: Mezzadri, Notices of the AMS 54 (2007), 5.
        """
        raw = np.frombuffer(secrets.token_bytes(8 * dim * dim), dtype=np.uint64).reshape(dim, dim)
        gaussian = ndtri(((raw >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52)
        q, r = np.linalg.qr(gaussian)
        return cls(np.ascontiguousarray(q * np.sign(np.diag(r))))

    def turned(self, templates: Templates) -> NDArray[np.float64]:
        """Turn rows; nothing is rounded to float32 again.

        Args:
            templates: float32, shape (n, dim), unit L2 rows; not modified.

        Returns:
            float64, shape (n, dim), the same norms to 1e-12.
        """
        turned = np.empty(templates.shape)
        filled = np.zeros((ROWS_AT_ONCE, templates.shape[1]))
        for at in range(0, len(templates), ROWS_AT_ONCE):
            part = templates[at : at + ROWS_AT_ONCE]
            filled[: len(part)], filled[len(part) :] = part, 0.0
            turned[at : at + len(part)] = (filled @ self.matrix)[: len(part)]
        return turned

    def turned_probe(self, probe: Templates) -> NDArray[np.float64]:
        """Turn one probe, float32, shape (dim,), unit norm; not modified."""
        probed: NDArray[np.float64] = probe.astype(np.float64) @ self.matrix
        return probed

"""The array shapes that are passed around, named once, and the checks that hold them to it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture: uint8, shape (height, width, 3), RGB, C-contiguous, upright (EXIF orientation already applied)."""

Templates = NDArray[np.float32]
"""Rows to compare: float32, shape (n, d), each row of unit L2 norm, finite."""

Scores = NDArray[np.float64]
"""Cosine similarities: float64, any shape, in [-1, 1]."""

UNIT_NORM_TOLERANCE = 1e-4
"""How far a float32 row's norm may be from 1: rounding of 512 float32 squares is below 1e-6, a forgotten
normalisation far above 1e-2."""


def as_templates(rows: NDArray[Any], *, dim: int) -> Templates:
    """Check that rows are templates of the wanted dimension, and give them back as float32, C-contiguous.

    Args:
        rows: Any float dtype, shape (n, dim); not modified.
        dim: Wanted number of columns.

    Raises:
        ValueError: wrong shape, a value that is not finite, or a row that is not of unit norm; nothing was kept.
    """
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise ValueError(f"templates must have shape (n, {dim}), not {rows.shape}")
    templates = np.ascontiguousarray(rows, dtype=np.float32)
    if not np.isfinite(templates).all():
        raise ValueError("templates must be finite")
    norms = np.linalg.norm(templates, axis=1)
    if np.any(np.abs(norms - 1.0) > UNIT_NORM_TOLERANCE):
        raise ValueError("templates must have unit L2 norm")
    return templates


def cosine(probe: Templates, rows: Templates) -> Scores:
    """Score one probe against rows in float64, the arithmetic of every score that is shown.

    Args:
        probe: float32, shape (d,), unit norm; not modified.
        rows: float32, shape (n, d), unit rows; not modified.

    Returns:
        float64, shape (n,), clipped to [-1, 1]; each value depends on its own row alone, never on n.
    """
    products = rows.astype(np.float64) * probe.astype(np.float64)
    sums: Scores = products.sum(axis=1)
    return np.clip(sums, -1.0, 1.0)

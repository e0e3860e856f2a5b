"""Templates as small integers, and how far a score computed from these can be from the true one.

A row y is kept as codes c (int8), a scale s and a residual bound r >= |y - s c|; a probe x as codes q (int16), a step
P and a residual bound t >= |x - P q|. Then

    x.y = P q.y + (x - P q).y = P s q.c + P q.(y - s c) + (x - P q).y

and by Cauchy-Schwarz |x.y - P s q.c| <= |P q| r + t |y|. q.c is an exact integer. What floating point adds to the
right-hand side is below ROUNDING: scores are sums of at most 2,048 float64 products of float32 numbers (error below
2e-12, Higham 2002, 3.1), and the scan's float32 takes five roundings of numbers up to 1.01 (error below 4e-7).
Scale and residual are the upper halves of float32 numbers, rounded up: four bytes a row, and a bound stays a bound.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import UNIT_NORM_TOLERANCE, Scores, Templates

CODES = 127
"""Largest code of a row, both ways."""

ALIGNMENT = 16
"""Codes come in groups of so many; the last group is filled with zeros."""

MAX_DIM = 2048
"""Most columns that the scan has room for."""

CACHED_ROWS = 512
"""Rows that are turned into codes at a time, so that caches hold them in float64."""

ROUNDING = 1e-6
"""More than all rounding errors of a bound together."""

NORM = 1.0 + UNIT_NORM_TOLERANCE
"""Largest norm of a template."""

Turned = NDArray[np.float64]
"""Templates that a rotation turned: what it adds to a score's error, some 1e-14, is far below ROUNDING."""

Codes = NDArray[np.int8]
"""int8, shape (n, padded dim), C-contiguous."""

Terms = NDArray[np.uint32]
"""uint32, shape (n,): the upper half is the scale's float32, the lower half the residual bound's."""


def padded(dim: int) -> int:
    """Return how many codes a row has.

    Raises:
        ValueError: the dimension is not one that can be scanned.
    """
    if not 1 <= dim <= MAX_DIM:
        raise ValueError(f"templates must have 1 to {MAX_DIM} columns, not {dim}")
    return -(-dim // ALIGNMENT) * ALIGNMENT


def quantised(templates: Templates | Turned) -> tuple[Codes, Terms]:
    """Turn rows into codes and terms.

    Args:
        templates: float32, or float64 where a rotation turned them, shape (n, dim), unit L2 rows; not modified.

    Returns:
        The codes, shape (n, padded(dim)), and the terms, shape (n,).
    """
    dim = templates.shape[1]
    codes = np.zeros((len(templates), padded(dim)), dtype=np.int8)
    terms = np.empty(len(templates), dtype=np.uint32)
    for at in range(0, len(templates), CACHED_ROWS):
        here = slice(at, at + CACHED_ROWS)
        exact = templates[here].astype(np.float64)
        halves = _half_up(np.abs(exact).max(axis=1, initial=0.0) / CODES)
        scales = _number(halves).astype(np.float64)
        codes[here, :dim] = np.rint(exact / scales[:, None])
        residuals = np.linalg.norm(exact - codes[here, :dim] * scales[:, None], axis=1)
        terms[here] = halves << np.uint32(16) | _half_up(residuals)
    return codes, terms


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantisedProbe:
    """A probe as the scan takes it.

    Attributes:
        codes: int16, shape (padded dim,).
        step: What one code is worth; float32-exact.
        norm: At least the norm of `step * codes`; float32-exact.
        slack: At least what the probe's own residual and rounding add to a bound; float32-exact.
    """

    codes: NDArray[np.int16]
    step: float
    norm: float
    slack: float

    def bounds(self, dots: NDArray[np.int32], terms: Terms) -> tuple[Scores, Scores]:
        """Return lower and upper bounds of scores, clipped as scores are.

        Args:
            dots: int32, shape (n,): the codes' dot products with the rows' codes.
            terms: uint32, shape (n,): the rows'.
        """
        centres = dots * (_number(terms >> np.uint32(16)).astype(np.float64) * self.step)
        widths = _number(terms & np.uint32(0xFFFF)).astype(np.float64) * self.norm + self.slack
        return np.clip(centres - widths, -1.0, 1.0), np.clip(centres + widths, -1.0, 1.0)


def quantised_probe(probe: Templates | Turned) -> QuantisedProbe:
    """Turn a probe into codes with the finest step whose sums stay within int32.

    Args:
        probe: float32, or float64 where a rotation turned it, shape (dim,), unit norm; not modified.
    """
    exact = probe.astype(np.float64)
    most = min(2**15 - 1, (2**31 - 1) // (CODES * len(probe)))
    step = _float32_up(float(np.abs(exact).max()) / most)
    codes = np.zeros(padded(len(probe)), dtype=np.int16)
    codes[: len(probe)] = np.rint(exact / step)
    near = codes[: len(probe)] * step
    return QuantisedProbe(
        codes=codes,
        step=step,
        norm=_float32_up(float(np.linalg.norm(near))),
        slack=_float32_up(float(np.linalg.norm(exact - near)) * NORM + ROUNDING),
    )


def _float32_up(value: float) -> float:
    """Return the next float32 above a number that is not negative."""
    return float(np.nextafter(np.float32(value), np.float32(np.inf)))


def _half_up(values: Scores) -> Terms:
    """Return the upper halves of float32 numbers that are above, or 0 for 0; values are not negative."""
    above = np.where(values > 0, np.nextafter(values.astype(np.float32), np.float32(np.inf)), np.float32(0))
    return (above.astype(np.float32).view(np.uint32) + np.uint32(0xFFFF)) >> np.uint32(16)


def _number(halves: NDArray[Any]) -> NDArray[np.float32]:
    """Return the float32 numbers that have these upper halves."""
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)

"""Sketches of probes: enough to see that two searches were for one face, under a key that changes and is destroyed.

A sketch is the signs of a template's products with secret directions. Two sketches of one key differ in a share of
their bits that grows with the angle between the templates. Without the key a sketch can't be made from a face, nor a
face from it; with it one comes close to the template, which is why the key has a scope of its own, changes each
half-year, and is destroyed after the next.

Source:
    Random hyperplanes: Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002: the share of
    differing bits is angle / pi. Signs of +1 and -1 in place of Gaussian directions: Achlioptas, 2003.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from countenance.core.arrays import Templates

BITS = 256
"""At 256 bits the share of differing bits of unrelated faces is 0.50 +- 0.03, of one face at a cosine of 0.5 it is
0.33 +- 0.03; at half as many the two would overlap."""

SAME_FACE = 0.36
"""Share of differing bits up to which two sketches count as one face: a cosine of 0.43 or more.

Source: `benchmarks/oversight_sketches.py`: with the default pack, on 3,825 pictures, 98 % of the pairs of one person
lie below it and 0.4 % of those of two people; at 0.40 it would be 5 % of these, each of which hides a face."""


class Sketcher:
    """Makes the sketches of one key."""

    def __init__(self, key: bytes, dim: int) -> None:
        """Draw the directions from the key: the same on every machine and in every version."""
        drawn = np.frombuffer(hashlib.shake_256(key).digest(BITS * dim // 8 + 1), np.uint8)
        signs = np.unpackbits(drawn)[: BITS * dim].reshape(dim, BITS)
        self._directions = signs.astype(np.float32) * 2 - 1

    def sketch(self, templates: Templates) -> list[bytes]:
        """Return the sketch of each row.

        Args:
            templates: float32, shape (n, dim); not modified.
        """
        return [row.tobytes() for row in np.packbits(templates @ self._directions > 0, axis=1)]


def differing(sketch: bytes, others: Iterable[bytes]) -> float:
    """Return the least share of bits in which a sketch differs from others of the same key; 1 where there are none."""
    own = int.from_bytes(sketch)
    return min(((own ^ int.from_bytes(other)).bit_count() for other in others), default=BITS) / BITS


def period_of(at: datetime) -> str:
    """Return the half-year whose key sketches of that time are made with, e.g. `2026-h2`."""
    return f"{at.year}-h{1 if at.month <= 6 else 2}"


def period_before(period: str) -> str:
    """Return the half-year before."""
    year, half = period.split("-h")
    return f"{year}-h1" if half == "2" else f"{int(year) - 1}-h2"

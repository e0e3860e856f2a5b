"""What a bound must be: never crossed by the true score, and close to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.adapters.exact.bounds import MAX_DIM, padded, quantised, quantised_probe
from countenance.core.arrays import Templates, cosine
from tests.index_engines import unit_rows

DIMS = st.sampled_from([1, 2, 15, 16, 17, 128, 512, 2048])


def spiky(dim: int) -> Templates:
    """Return rows with one large value among tiny and denormal ones, and rows of equal values."""
    rows = np.full((4, dim), 1e-40, np.float32)
    rows[0, 0], rows[1, -1], rows[2] = 1.0, -1.0, 1 / np.sqrt(dim)
    rows[3] = np.where(np.arange(dim) % 2, 1, -1) / np.sqrt(dim)
    return rows


def dots_of(templates: Templates, probe: Templates) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds of a probe's scores with rows, from plain integer sums."""
    codes, terms = quantised(templates)
    small = quantised_probe(probe)
    dots = codes.astype(np.int64) @ small.codes.astype(np.int64)
    assert np.abs(dots).max() < 2**31
    return small.bounds(dots.astype(np.int32), terms)


@given(seed=st.integers(0, 2**32 - 1), dim=DIMS)
def test_no_score_crosses_its_bounds(seed: int, dim: int) -> None:
    rows = np.concatenate([unit_rows(seed=seed, n=50, dim=dim), spiky(dim)])
    for probe in (rows[0], -rows[0], rows[-1], rows[-4], unit_rows(seed=seed + 1, n=1, dim=dim)[0]):
        lower, upper = dots_of(rows, probe)

        scores = cosine(probe, rows)

        assert np.all(lower <= scores)
        assert np.all(scores <= upper)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.9999, 1.0001))
def test_nor_where_norms_are_off_by_what_is_allowed(seed: int, scale: float) -> None:
    rows = unit_rows(seed=seed, n=20, dim=32) * np.float32(scale)

    lower, upper = dots_of(rows, rows[3])

    assert np.all(lower <= cosine(rows[3], rows))
    assert np.all(cosine(rows[3], rows) <= upper)


def test_bounds_are_close() -> None:
    rows = unit_rows(seed=1, n=1000, dim=128)

    lower, upper = dots_of(rows[1:], rows[0])

    assert np.median(upper - lower) < 0.02


def test_padding_is_zero() -> None:
    codes, _ = quantised(unit_rows(seed=1, n=3, dim=5))

    assert codes.shape == (3, 16)
    assert not codes[:, 5:].any()


@pytest.mark.parametrize("dim", [0, MAX_DIM + 1])
def test_a_dimension_that_cannot_be_scanned_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match="columns"):
        padded(dim)

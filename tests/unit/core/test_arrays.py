"""Array checks and the arithmetic of every shown score."""

import numpy as np
import pytest

from countenance.core.arrays import as_templates, cosine
from tests.index_engines import unit_rows


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        pytest.param(unit_rows(seed=1, n=2)[0], "shape", id="one axis"),
        pytest.param(unit_rows(seed=1, n=2, dim=8), "shape", id="other dimension"),
        pytest.param(unit_rows(seed=1, n=2) * 1.001, "unit", id="a thousandth too long"),
        pytest.param(np.zeros((1, 16)), "unit", id="zero"),
        pytest.param(np.full((1, 16), np.nan), "finite", id="not a number"),
        pytest.param(np.full((1, 16), np.inf), "finite", id="infinite"),
    ],
)
def test_what_is_no_template_is_refused(rows: np.ndarray, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        as_templates(rows, dim=16)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_templates_come_as_contiguous_float32(kind: type) -> None:
    rows = np.asfortranarray(unit_rows(seed=1, n=5, dim=16).astype(kind))
    if kind is np.float16:
        rows = np.eye(5, 16, dtype=kind)

    templates = as_templates(rows, dim=16)

    assert (templates.dtype, templates.flags.c_contiguous) == (np.float32, True)
    assert np.allclose(templates, rows)


def test_a_score_depends_on_its_own_row_alone() -> None:
    probe, rows = unit_rows(seed=1, n=1, dim=128)[0], unit_rows(seed=2, n=999, dim=128)

    together = cosine(probe, rows)

    assert together.tolist() == [float(cosine(probe, rows[at : at + 1])[0]) for at in range(999)]
    assert together.dtype == np.float64


def test_a_score_is_never_above_1() -> None:
    rows = unit_rows(seed=3, n=500)

    scores = np.array([cosine(row, row[None])[0] for row in rows])

    assert scores.max() <= 1.0
    assert scores.min() > 1 - 1e-6

"""The scan: every implementation finds the same rows, and none that could reach the cut is left."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.adapters.exact.bounds import quantised, quantised_probe
from countenance.adapters.exact.kernel import CompiledScan, NumpyScan, Piece, Scan, loaded
from countenance.core.arrays import Templates
from countenance.core.errors import UnavailableError
from tests.index_engines import unit_rows

SCANS = {"avx2 or the best": CompiledScan, "plain C": lambda: CompiledScan(level=0), "NumPy": NumpyScan}
DIMS = st.sampled_from([1, 16, 24, 128, 512])

scans = pytest.mark.parametrize("name", list(SCANS))


def pieces_of(templates: Templates, sizes: list[int]) -> list[Piece]:
    """Cut rows into pieces of these sizes, over and over."""
    pieces, at = [], 0
    while at < len(templates):
        size = sizes[len(pieces) % len(sizes)]
        codes, terms = quantised(templates[at : at + size])
        pieces.append(Piece(codes=codes, terms=terms))
        at += size
    return pieces


@scans
@given(
    seed=st.integers(0, 2**32 - 1),
    dim=DIMS,
    n=st.integers(1, 300),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=4),
    depth=st.integers(1, 40),
    floor=st.floats(-1, 1),
    probes=st.integers(1, 3),
)
def test_what_is_left_is_below_the_cut_and_what_is_kept_has_exact_sums(
    *, name: str, seed: int, dim: int, n: int, sizes: list[int], depth: int, floor: float, probes: int
) -> None:
    scan: Scan = SCANS[name]()
    rows = unit_rows(seed=seed, n=n, dim=dim)
    small = [quantised_probe(probe) for probe in unit_rows(seed=seed + 1, n=probes, dim=dim)]
    pieces = pieces_of(rows, sizes)

    answers = scan(pieces, small, floor=floor, depth=depth)

    codes = np.concatenate([piece.codes for piece in pieces]).astype(np.int64)
    terms = np.concatenate([piece.terms for piece in pieces])
    for probe, scanned in zip(small, answers, strict=True):
        dots = codes @ probe.codes
        lower, upper = probe.bounds(dots.astype(np.int32), terms)
        out = np.setdiff1d(np.arange(n), scanned.rows)
        assert np.all(np.diff(scanned.rows) > 0)
        assert np.array_equal(scanned.dots, dots[scanned.rows])
        assert np.all(upper[out] < scanned.cut + 1e-6)
        assert scanned.left == pytest.approx(upper[out].max(initial=-np.inf), abs=1e-6)
        assert np.all(np.isin(np.flatnonzero(upper >= max(floor, np.sort(lower)[-depth:][0] + 1e-6)), scanned.rows))


@scans
def test_rows_that_are_all_equal_are_all_kept(name: str) -> None:
    scan: Scan = SCANS[name]()
    rows = np.repeat(unit_rows(seed=1, n=1, dim=16), 20_000, axis=0)

    [scanned] = scan(pieces_of(rows, [7_001]), [quantised_probe(rows[0])], floor=-1.0, depth=5)

    assert np.array_equal(scanned.rows, np.arange(20_000))


@scans
def test_no_rows_are_an_empty_answer(name: str) -> None:
    scan: Scan = SCANS[name]()

    [scanned] = scan([], [quantised_probe(unit_rows(seed=1, n=1)[0])], floor=0.5, depth=5)

    assert (len(scanned.rows), scanned.left) == (0, -np.inf)


def test_a_library_that_was_not_built_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="was not built"):
        CompiledScan(tmp_path / "scan.so")


def test_a_library_of_other_sources_is_refused(tmp_path: Path) -> None:
    stale = tmp_path / "scan.so"
    source = b"int scan_layout(void) { return -1; }"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(stale)], input=source, check=True)

    with pytest.raises(UnavailableError) as refused:
        loaded(stale, level=None)

    assert refused.value.code == "scan-library-stale"

"""The sift of 4-bit codes: it lets the rows with the best codes through, and judges these as the scan does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.adapters.compact.coder import Coder, Tables
from countenance.adapters.compact.sift import Sift
from countenance.adapters.exact.bounds import QuantisedProbe, quantised_probe
from countenance.adapters.exact.kernel import Laid
from countenance.adapters.exact.parallel import parts_of
from countenance.adapters.exact.segments import Segment
from countenance.core.arrays import Templates
from tests.index_engines import unit_rows

levels = pytest.mark.parametrize("level", [None, 0], ids=["avx2 or the best", "plain C"])


def segments_of(templates: Templates, sizes: list[int], coder: Coder) -> list[Segment]:
    """Cut rows into coded segments of these sizes, over and over."""
    segments, at = [], 0
    while at < len(templates):
        here = np.arange(at, min(at + sizes[len(segments) % len(sizes)], len(templates)))
        segments.append(coder.coded(Segment.of(rows=here + 1, subjects=here, templates=templates[here])))
        at += len(here)
    return segments


def padded_rows(templates: Templates) -> Templates:
    """Return rows as a coder takes them."""
    rows = np.arange(len(templates))
    return Segment.of(rows=rows, subjects=rows, templates=templates).directions(slice(None))


def sums(segments: list[Segment], tables: Tables) -> np.ndarray:
    """Look each row's entries up, one by one."""
    codes = np.concatenate([segment.small_codes() for segment in segments]).astype(np.int64)
    words = np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), -1)
    return tables[np.arange(tables.shape[0]), words].astype(np.int64).sum(axis=1)


@levels
@given(
    seed=st.integers(0, 2**32 - 1),
    dim=st.sampled_from([16, 24, 128]),
    n=st.integers(16, 400),
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=4),
    share=st.integers(1, 400),
    floor=st.floats(-1, 1),
    cores=st.sampled_from([0, 10**9]),
)
def test_the_rows_with_the_best_codes_are_judged_as_the_scan_judges(
    *, level: int | None, seed: int, dim: int, n: int, sizes: list[int], share: int, floor: float, cores: int
) -> None:
    rows = unit_rows(seed=seed, n=n, dim=dim)
    probe: QuantisedProbe = quantised_probe(unit_rows(seed=seed + 1, n=1, dim=dim)[0])
    coder = Coder.trained(padded_rows(rows), level=level)
    segments, tables = segments_of(rows, sizes, coder), coder.tables(probe)
    parts = parts_of([segment.piece for segment in segments], worth_it=cores)

    found = Sift(level=level)(parts, probe, tables, share=share, floor=floor, depth=n)

    dots = np.concatenate([segment.codes for segment in segments]).astype(np.int64) @ probe.codes
    reached = np.sort(sums(segments, tables))[::-1]
    least = reached[min(share, n) - 1]
    _, upper = probe.bounds(dots.astype(np.int32), np.concatenate([segment.terms for segment in segments]))
    sure = np.flatnonzero((sums(segments, tables) >= least) & (upper >= floor + 1e-6))
    assert not found.complete
    assert np.array_equal(found.dots, dots[found.rows])
    assert np.all(np.isin(sure, found.rows))


@given(seed=st.integers(0, 2**32 - 1), dim=st.sampled_from([16, 24, 128]), n=st.integers(16, 200))
def test_both_ways_of_coding_choose_words_as_near(seed: int, dim: int, n: int) -> None:
    rows = padded_rows(unit_rows(seed=seed, n=n, dim=dim))
    words = Coder.trained(rows, level=0).words

    fast, plain = (Coder(words=words, level=level).codes(rows) for level in (None, 0))

    far = [distances(rows, codes, words) for codes in (fast, plain)]
    assert far[0] == pytest.approx(far[1], abs=1e-5)


def distances(rows: Templates, codes: np.ndarray, words: Templates) -> np.ndarray:
    """Return each row's squared distance from its words."""
    chosen = np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), -1)
    near = words[np.arange(len(words)), :, chosen].reshape(len(rows), -1)
    return np.square(rows - near).sum(axis=1)


def test_training_brings_the_words_nearer() -> None:
    rows = padded_rows(unit_rows(seed=3, n=4_000, dim=32))
    untrained = np.ascontiguousarray(rows[np.arange(16) * 250].reshape(16, 8, 4).transpose(1, 2, 0))
    trained = Coder.trained(rows)

    before, after = (
        distances(rows, coder.codes(rows), coder.words).mean() for coder in (Coder(words=untrained), trained)
    )

    assert after < 0.8 * before


def test_codes_outlive_rows_that_go_and_segments_that_join() -> None:
    rows = unit_rows(seed=4, n=300, dim=16)
    coder = Coder.trained(padded_rows(rows))
    [first, second] = segments_of(rows, [170, 130], coder)

    joined = Segment.joined([second, first]).without(np.arange(0, 300, 3))

    assert joined is not None
    wanted = coder.codes(padded_rows(rows[np.setdiff1d(np.arange(300), np.arange(0, 300, 3))]))
    assert np.array_equal(joined.small_codes(), wanted)


def test_rows_without_any_likeness_to_the_probe_are_all_judged_where_all_sums_are_equal() -> None:
    rows = np.repeat(unit_rows(seed=1, n=1, dim=16), 5_000, axis=0)
    probe, coder = quantised_probe(rows[0]), Coder.trained(padded_rows(rows))
    parts = [Laid([segment.piece for segment in segments_of(rows, [999], coder)])]

    found = Sift()(parts, probe, coder.tables(probe), share=10, floor=-1.0, depth=5)

    assert np.array_equal(found.rows, np.arange(5_000))

"""What only the exact engine promises: packed rows, certificates, erasure that leaves nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from countenance.adapters.exact.engine import ExactIndex
from countenance.adapters.exact.segments import Runs
from countenance.core.arrays import cosine
from countenance.index.model import BlockRows, IndexChangedError
from tests.index_engines import unit_rows


def filled(n: int, dim: int = 128) -> tuple[ExactIndex, dict[int, np.ndarray]]:
    """Return an index of n rows, one a subject, and its full-precision templates."""
    templates = dict(enumerate(unit_rows(seed=1, n=n, dim=dim), start=1))
    index = ExactIndex(dim, originals=lambda rows: {row: templates[row] for row in rows if row in templates})
    rows = np.arange(1, n + 1)
    index.add(BlockRows("a", rows=rows, subjects=rows, templates=np.stack(list(templates.values()))))
    return index, templates


def test_a_row_takes_136_bytes() -> None:
    index, _ = filled(70_000)

    assert index.nbytes / 70_000 <= 136.01


def test_the_certificate_says_what_was_left() -> None:
    index, templates = filled(5_000)
    probe = unit_rows(seed=2, n=1, dim=128)

    [found] = index.search(probe, blocks=["a"], limit=10)

    certificate = found.certificate
    scores = np.sort(cosine(probe[0], np.stack(list(templates.values()))))[::-1]
    assert certificate is not None
    assert (certificate.rows, certificate.subjects) == (5_000, 5_000)
    assert 10 <= certificate.scored < 1_000
    assert certificate.bound is not None
    assert scores[certificate.scored] <= certificate.bound < certificate.cut <= scores[9]


def test_a_row_that_is_gone_from_the_records_is_not_found_and_takes_no_place() -> None:
    index, templates = filled(500)
    probe = templates[7][None]
    del templates[7]

    [found] = index.search(probe, blocks=["a"], limit=3)

    assert 7 not in [one.row for one in found.neighbours]
    assert len(found.neighbours) == 3
    assert len(index) == 499


def test_a_pinned_search_lacks_nobody_and_sees_nobody_new() -> None:
    index, templates = filled(500)
    probe = templates[7][None]
    before = index.pinned()(probe, blocks=["a"], limit=3)
    pinned = index.pinned()

    templates[501] = templates[7]
    index.add(BlockRows("a", rows=np.array([501]), subjects=np.array([501]), templates=probe))

    assert pinned(probe, blocks=["a"], limit=3) == before
    [now] = index.pinned()(probe, blocks=["a"], limit=3)
    assert [one.row for one in now.neighbours][:2] == [7, 501]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda index, _: index.remove([9]), id="something removed"),
        pytest.param(lambda index, _: index.clear(), id="cleared"),
        pytest.param(lambda _, templates: templates.pop(7), id="somebody near gone from the records"),
    ],
)
def test_a_pinned_search_says_that_something_went(change: Callable[[ExactIndex, dict[int, np.ndarray]], None]) -> None:
    index, templates = filled(500)
    probe, pinned = templates[7][None], index.pinned()

    change(index, templates)
    held = len(index)

    with pytest.raises(IndexChangedError):
        pinned(probe, blocks=["a"], limit=3)
    assert len(index) == held


def test_what_is_removed_is_overwritten_in_memory() -> None:
    index, _ = filled(100)
    [(_, before)] = index.segments_after(0)
    assert before.codes.any()

    index.remove([5])

    assert not before.codes.any()
    assert not before.terms.any()
    assert not before.subjects.any()
    assert index.rows("a").tolist() == [row for row in range(1, 101) if row != 5]


def test_clearing_overwrites_and_forgets_everything() -> None:
    index, _ = filled(100)
    [(_, before)] = index.segments_after(0)

    index.clear()

    assert not before.codes.any()
    assert (len(index), index.last_row, list(index.blocks())) == (0, 0, [])


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([5], id="one"),
        pytest.param([1, 2, 3, 7, 8, 20], id="runs"),
        pytest.param([2, 4, 6], id="gaps"),
    ],
)
def test_packed_numbers_are_found_where_they_stand(numbers: list[int]) -> None:
    packed = Runs.of(np.array(numbers))

    assert packed.numbers().tolist() == numbers
    assert packed.positions(np.array([0, *numbers, 99])).tolist() == list(range(len(numbers)))
    assert packed.positions(np.arange(0, 30)).tolist() == list(range(len(numbers)))

"""What must hold of every index engine, whatever is in it and whatever is asked."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.core.arrays import Templates
from countenance.index.model import BlockRows, Neighbour
from countenance.index.ports import TemplateIndex
from tests.index_engines import ENGINES, unit_rows

DIM = 16
BLOCKS = ("a", "b", "c")

engines = pytest.mark.parametrize("engine", list(ENGINES))
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 60)
cosines = st.floats(-1, 1)


class Filled:
    """Rows of a gallery drawn from a seed: blocks, subjects with several templates, some templates twice."""

    def __init__(self, seed: int, n: int) -> None:
        """Draw."""
        random = np.random.default_rng(seed)
        distinct = unit_rows(seed=seed, n=max(1, n - n // 4), dim=DIM)
        self.templates = distinct[random.integers(0, len(distinct), n)]
        self.rows = random.permutation(np.arange(1, n + 1))
        self.subjects = random.integers(1, n // 2 + 2, n)
        self.blocks = random.choice(BLOCKS, n)
        self.probe = unit_rows(seed=seed + 1, n=1, dim=DIM)

    def add(self, index: TemplateIndex, chosen: Sequence[int]) -> None:
        """Add chosen positions one by one."""
        for at in chosen:
            index.add(
                BlockRows(
                    self.blocks[at],
                    rows=self.rows[at : at + 1],
                    subjects=self.subjects[at : at + 1],
                    templates=self.templates[at : at + 1],
                )
            )

    def index(self, engine: str, *, order: Sequence[int] | None = None) -> TemplateIndex:
        """Return an index that holds all rows, added in this order."""
        index = ENGINES[engine](DIM)
        self.add(index, range(len(self.rows)) if order is None else order)
        return index

    def near(
        self, index: TemplateIndex, *, limit: int = 1000, threshold: float | None = None, probe: Templates | None = None
    ) -> list[Neighbour]:
        """Search all blocks."""
        [found] = index.search(self.probe if probe is None else probe, blocks=BLOCKS, limit=limit, threshold=threshold)
        return list(found.neighbours)


@engines
@given(seed=seeds, n=sizes, low=cosines, high=cosines)
def test_raising_the_threshold_only_shortens_the_list(engine: str, seed: int, n: int, low: float, high: float) -> None:
    filled = Filled(seed, n)
    index = filled.index(engine)
    low, high = sorted((low, high))

    loose, strict = filled.near(index, threshold=low), filled.near(index, threshold=high)

    assert strict == loose[: len(strict)]
    assert all(one.score < high for one in loose[len(strict) :])


@engines
@given(seed=seeds, n=sizes, limit=sizes)
def test_lowering_the_limit_only_shortens_the_list(engine: str, seed: int, n: int, limit: int) -> None:
    filled = Filled(seed, n)
    index = filled.index(engine)

    assert filled.near(index, limit=limit) == filled.near(index)[:limit]


@engines
@given(seed=seeds, n=sizes, data=st.data())
def test_the_order_of_insertion_does_not_matter(engine: str, seed: int, n: int, data: st.DataObject) -> None:
    filled = Filled(seed, n)
    order = data.draw(st.permutations(range(n)))

    assert filled.near(filled.index(engine, order=order)) == filled.near(filled.index(engine))


@engines
@given(seed=seeds, n=sizes, data=st.data())
def test_taking_out_and_adding_again_changes_nothing(engine: str, seed: int, n: int, data: st.DataObject) -> None:
    filled = Filled(seed, n)
    index = filled.index(engine)
    chosen = data.draw(st.lists(st.integers(0, n - 1), unique=True))

    index.remove([int(filled.rows[at]) for at in chosen])
    filled.add(index, chosen)

    assert len(index) == n
    assert filled.near(index) == filled.near(filled.index(engine))


@engines
@given(seed=seeds, n=sizes, data=st.data())
def test_removed_is_as_never_added(engine: str, seed: int, n: int, data: st.DataObject) -> None:
    filled = Filled(seed, n)
    index = filled.index(engine)
    gone = data.draw(st.sets(st.integers(0, n - 1)))

    index.remove([int(filled.rows[at]) for at in gone])

    staying = [at for at in range(n) if at not in gone]
    assert filled.near(index) == filled.near(filled.index(engine, order=staying))


@engines
@given(seed=seeds, n=sizes, limit=sizes, threshold=st.none() | cosines)
def test_the_answer_is_that_of_scoring_every_row(
    engine: str, seed: int, n: int, limit: int, threshold: float | None
) -> None:
    filled = Filled(seed, n)

    found = filled.near(filled.index(engine), limit=limit, threshold=threshold)

    assert found == filled.near(filled.index("memory"), limit=limit, threshold=threshold)


@engines
@given(seed=seeds, n=sizes, at=sizes)
def test_an_enrolled_template_finds_itself_first(engine: str, seed: int, n: int, at: int) -> None:
    filled = Filled(seed, n)
    at %= n

    first = filled.near(filled.index(engine), limit=1, probe=filled.templates[at : at + 1])[0]

    assert first.score == pytest.approx(1, abs=1e-6)
    same = np.flatnonzero((filled.templates == filled.templates[at]).all(axis=1))
    assert first.row == min(filled.rows[same])

"""The contract of `FollowingIndex`: what an engine needs to be kept equal to the records."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_index import MemoryIndex
from countenance.core.errors import IntegrityError
from countenance.index.model import BlockRows, IndexChangedError
from countenance.index.ports import FollowingIndex
from countenance.index.rotation import Rotation
from tests.index_engines import MILVUS, unit_rows

DIM = 16
ROWS = np.array([9, 2, 5, 7])
SUBJECTS = np.array([1, 1, 2, 3])
TEMPLATES = unit_rows(seed=1, n=4, dim=DIM)

Make = Callable[[Path], FollowingIndex]
ENGINES: dict[str, Make] = {
    "memory": lambda _: MemoryIndex(DIM),
    "compact": lambda folder: StoredExactIndex(
        folder,
        DIM,
        originals=lambda rows: dict.fromkeys(rows, TEMPLATES[0]),
        keyring=memory_keyring(),
        index=CompactIndex(DIM, lambda rows: dict.fromkeys(rows, TEMPLATES[0])),
    ),
    "exact": lambda folder: StoredExactIndex(
        folder, DIM, originals=lambda rows: dict.fromkeys(rows, TEMPLATES[0]), keyring=memory_keyring()
    ),
}

if MILVUS in os.environ:
    from countenance.adapters.milvus.server import MilvusServer
    from countenance.adapters.milvus.shared import SharedMilvusIndex
    from countenance.adapters.milvus.state import StateFile

    ENGINES["milvus"] = lambda folder: SharedMilvusIndex(
        StateFile(folder, memory_keyring()),
        DIM,
        server=MilvusServer(os.environ[MILVUS]),
        prefix="following_",
        originals=lambda rows: dict.fromkeys(rows, TEMPLATES[0]),
        rotation=Rotation.random(DIM),
    )


@pytest.fixture(params=[pytest.param(make, id=name) for name, make in ENGINES.items()])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FollowingIndex]:
    """An index with two blocks."""
    made: FollowingIndex = request.param(tmp_path)
    made.add(BlockRows("a", rows=ROWS, subjects=SUBJECTS, templates=TEMPLATES))
    made.add(BlockRows("b", rows=np.array([4]), subjects=np.array([8]), templates=TEMPLATES[:1]))
    yield made
    made.close()


def test_it_lists_its_blocks_and_rows(index: FollowingIndex) -> None:
    assert sorted(index.blocks()) == ["a", "b"]
    assert index.rows("a").tolist() == [2, 5, 7, 9]
    assert index.rows("b").tolist() == [4]
    assert index.rows("unknown").tolist() == []
    assert index.rows("unknown").dtype == np.int64


def test_it_counts_its_rows(index: FollowingIndex) -> None:
    assert [index.count(block) for block in ("a", "b", "unknown")] == [4, 1, 0]
    assert index.rows().tolist() == [2, 4, 5, 7, 9]
    assert sorted(index.newest()) == [4, 9]
    assert index.state().rows >= 0


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        pytest.param([2, 7], [2, 4, 7], id="some"),
        pytest.param([], [4], id="none"),
        pytest.param([2, 5, 7, 9], [2, 4, 5, 7, 9], id="all"),
    ],
)
def test_a_block_keeps_what_it_is_told_to(index: FollowingIndex, kept: list[int], left: list[int]) -> None:
    index.keep("a", np.array(kept, dtype=np.int64))

    assert index.rows().tolist() == left
    [found] = index.search(TEMPLATES[:1], blocks=["a", "b"], limit=9)
    assert {near.row for near in found.neighbours} <= set(left)


def test_it_knows_what_it_was_brought_to_until_it_is_cleared(index: FollowingIndex) -> None:
    before = index.revision
    with index.following(), index.following():
        index.revision = 12
    brought = index.revision

    index.clear()

    assert (before, brought, index.revision) == (-1, 12, -1)


def test_the_last_row_stays_when_it_is_removed(index: FollowingIndex) -> None:
    index.remove([9])

    assert index.last_row == 9


def test_rows_of_several_blocks_count_together(index: FollowingIndex) -> None:
    index.add(
        BlockRows("b", rows=np.array([12]), subjects=SUBJECTS[:1], templates=TEMPLATES[:1]),
        BlockRows("a", rows=np.array([15, 11]), subjects=SUBJECTS[:2], templates=TEMPLATES[:2]),
        BlockRows("c", rows=ROWS[:0], subjects=SUBJECTS[:0], templates=TEMPLATES[:0]),
    )

    assert index.last_row == 15
    assert {block: index.rows(block).tolist() for block in index.blocks()} == {"a": [2, 5, 7, 9, 11, 15], "b": [4, 12]}
    assert sorted(index.newest()) == [12, 15]


def test_of_parts_with_a_bad_one_none_counts(index: FollowingIndex) -> None:
    with pytest.raises(ValueError, match="already"):
        index.add(
            BlockRows("b", rows=np.array([12]), subjects=SUBJECTS[:1], templates=TEMPLATES[:1]),
            BlockRows("a", rows=np.array([15, 9]), subjects=SUBJECTS[:2], templates=TEMPLATES[:2]),
        )

    assert index.last_row == 9
    assert index.rows().tolist() == [2, 4, 5, 7, 9]
    assert sorted(index.newest()) == [4, 9]


def test_a_block_without_rows_is_none(index: FollowingIndex) -> None:
    index.remove([4])

    assert list(index.blocks()) == ["a"]


def test_what_it_holds_just_so_does_not_differ(index: FollowingIndex) -> None:
    assert index.differing(BlockRows("a", rows=ROWS, subjects=SUBJECTS, templates=TEMPLATES)).tolist() == []
    assert index.differing(BlockRows("a", rows=ROWS[:1], subjects=SUBJECTS[:1], templates=TEMPLATES[:1])).tolist() == []


@pytest.mark.parametrize(
    ("block", "rows", "subjects", "templates", "differing"),
    [
        pytest.param("a", ROWS, np.array([1, 1, 4, 3]), TEMPLATES, [5], id="another subject"),
        pytest.param("a", ROWS, SUBJECTS, TEMPLATES[[0, 1, 2, 2]], [7], id="another template"),
        pytest.param("a", np.array([9, 2, 5, 6]), SUBJECTS, TEMPLATES, [6], id="a row that it lacks"),
        pytest.param("b", ROWS, SUBJECTS, TEMPLATES, [2, 5, 7, 9], id="another block"),
        pytest.param("unknown", ROWS, SUBJECTS, TEMPLATES, [2, 5, 7, 9], id="an unknown block"),
    ],
)
def test_what_it_holds_otherwise_differs(
    *,
    index: FollowingIndex,
    block: str,
    rows: np.ndarray,
    subjects: np.ndarray,
    templates: np.ndarray,
    differing: list[int],
) -> None:
    assert index.differing(BlockRows(block, rows=rows, subjects=subjects, templates=templates)).tolist() == differing


def test_cleared_it_is_empty_and_may_be_filled_again(index: FollowingIndex) -> None:
    index.clear()

    assert (len(index), index.last_row, list(index.blocks())) == (0, 0, [])
    index.add(BlockRows("a", rows=ROWS, subjects=SUBJECTS, templates=TEMPLATES))
    assert index.rows("a").tolist() == [2, 5, 7, 9]


def test_a_pinned_search_is_of_what_was_held_or_gives_no_answer(index: FollowingIndex) -> None:
    before = index.search(TEMPLATES[:1], blocks=["a"], limit=9)
    kept, added = index.pinned(), index.pinned()
    still = kept(TEMPLATES[:1], blocks=["a"], limit=9)

    index.add(BlockRows("a", rows=np.array([12]), subjects=np.array([9]), templates=TEMPLATES[:1]))
    try:
        meanwhile = added(TEMPLATES[:1], blocks=["a"], limit=9)
    except IndexChangedError:
        meanwhile = before
    [after] = index.pinned()(TEMPLATES[:1], blocks=["a"], limit=9)

    assert still == meanwhile == before
    assert 9 in {near.subject for near in after.neighbours}


def test_rows_that_were_erased_need_not_be_there(index: FollowingIndex) -> None:
    index.remove([5])

    index.settle([5, 77])

    assert index.rows().tolist() == [2, 4, 7, 9]


def test_condemned_it_is_not_searched_until_it_was_cleared(index: FollowingIndex) -> None:
    index.condemn()

    with pytest.raises(IntegrityError, match="disagree"):
        index.search(TEMPLATES[:1], blocks=["a"], limit=1)
    with pytest.raises(IntegrityError, match="disagree"):
        index.pinned()(TEMPLATES[:1], blocks=["a"], limit=1)
    index.clear()
    assert index.search(TEMPLATES[:1], blocks=["a"], limit=1)[0].neighbours == ()

"""The contract of `TemplateIndex`: every engine runs it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from countenance.core.arrays import Templates, cosine
from countenance.index.model import BlockRows, Neighbour
from countenance.index.ports import TemplateIndex
from tests.index_engines import ENGINES, at_cosines, unit_rows

DIM = 16

Make = Callable[[], TemplateIndex]


@pytest.fixture(params=[pytest.param(make, id=name) for name, make in ENGINES.items()])
def make_index(request: pytest.FixtureRequest) -> Make:
    """Makes empty indexes of one engine."""
    return lambda: request.param(DIM)


@pytest.fixture
def index(make_index: Make) -> TemplateIndex:
    """One empty index."""
    return make_index()


@pytest.fixture
def probe() -> Templates:
    """One probe, shape (dim,)."""
    return unit_rows(seed=99, n=1)[0]


def add(index: TemplateIndex, block: str, rows: Sequence[int], subjects: Sequence[int], templates: Templates) -> None:
    """Add rows given as plain numbers."""
    index.add(part(block, rows, subjects, templates))


def part(block: str, rows: Sequence[int], subjects: Sequence[int], templates: Templates) -> BlockRows:
    """Return rows of one block, given as plain numbers."""
    return BlockRows(
        block, rows=np.array(rows, dtype=np.int64), subjects=np.array(subjects, dtype=np.int64), templates=templates
    )


def near(
    index: TemplateIndex,
    probe: Templates,
    *,
    blocks: Sequence[str] = ("a",),
    limit: int = 100,
    threshold: float | None = None,
) -> Sequence[Neighbour]:
    """Search with one probe."""
    [found] = index.search(probe[None], blocks=blocks, limit=limit, threshold=threshold)
    return found.neighbours


class TestRanking:
    def test_scores_fall_and_are_the_cosines(self, index: TemplateIndex, probe: Templates) -> None:
        rows = unit_rows(seed=1, n=50)
        add(index, "a", range(1, 51), range(1, 51), rows)

        found = near(index, probe)

        scores = cosine(probe, rows)
        assert [one.row for one in found] == [int(at) + 1 for at in np.argsort(-scores)]
        assert [one.score for one in found] == pytest.approx(sorted(scores, reverse=True), abs=1e-6)

    def test_the_limit_cuts_the_tail(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", range(1, 51), range(1, 51), unit_rows(seed=1, n=50))

        assert near(index, probe, limit=7) == near(index, probe)[:7]

    def test_a_subject_stands_there_once_with_its_best_row(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1, 2, 3, 4], [7, 7, 8, 7], at_cosines(probe, [0.2, 0.9, 0.5, 0.3]))

        assert [(one.row, one.subject) for one in near(index, probe)] == [(2, 7), (3, 8)]

    def test_many_rows_of_one_subject_crowd_nobody_out(self, index: TemplateIndex, probe: Templates) -> None:
        crowd = at_cosines(probe, list(np.linspace(0.80, 0.95, 300)))
        add(index, "a", range(1, 301), [1] * 300, crowd)
        add(index, "a", [301, 302], [2, 3], at_cosines(probe, [0.4, 0.3]))

        assert [one.subject for one in near(index, probe, limit=3)] == [1, 2, 3]

    def test_a_subject_in_two_blocks_stands_there_once(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1], [7], at_cosines(probe, [0.4]))
        add(index, "b", [2], [7], at_cosines(probe, [0.6]))

        assert [one.row for one in near(index, probe, blocks=["a", "b"])] == [2]

    def test_ties_are_ranked_by_rising_row(self, index: TemplateIndex, probe: Templates) -> None:
        same = np.repeat(at_cosines(probe, [0.5]), 6, axis=0)
        add(index, "b", [50, 4], [1, 2], same[:2])
        add(index, "a", [9, 30, 2, 11], [3, 4, 5, 6], same[2:])

        found = near(index, probe, blocks=["b", "a"])

        assert [one.row for one in found] == [2, 4, 9, 11, 30, 50]
        assert near(index, probe, blocks=["b", "a"], limit=3) == found[:3]

    def test_of_two_equal_rows_of_a_subject_the_lower_row_is_named(
        self, index: TemplateIndex, probe: Templates
    ) -> None:
        add(index, "a", [8, 3], [1, 1], np.repeat(at_cosines(probe, [0.5]), 2, axis=0))

        assert [one.row for one in near(index, probe)] == [3]

    def test_ties_at_the_limit_among_many_rows(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", range(1000, 0, -1), range(1, 1001), np.repeat(at_cosines(probe, [0.5]), 1000, axis=0))

        assert [one.row for one in near(index, probe, limit=5)] == [1, 2, 3, 4, 5]

    def test_neighbours_are_plain_python_numbers(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1], [2], at_cosines(probe, [0.5]))

        [found] = near(index, probe)

        assert [type(value) for value in found] == [int, int, float]

    def test_the_probe_itself_and_its_opposite(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1, 2], [1, 2], np.stack([probe, -probe]))

        assert [one.score for one in near(index, probe)] == pytest.approx([1.0, -1.0], abs=1e-6)
        assert all(-1 <= one.score <= 1 for one in near(index, probe))


class TestThreshold:
    def test_a_row_at_the_threshold_is_kept_and_one_a_bit_below_is_not(
        self, index: TemplateIndex, probe: Templates
    ) -> None:
        add(index, "a", range(1, 21), range(1, 21), unit_rows(seed=3, n=20))

        for at, one in enumerate(near(index, probe), start=1):
            assert len(near(index, probe, threshold=one.score)) == at
            assert len(near(index, probe, threshold=float(np.nextafter(one.score, 2)))) == at - 1

    def test_it_is_compared_as_python_floats(self, index: TemplateIndex, probe: Templates) -> None:
        add(
            index, "a", range(1, 2001), range(1, 2001), at_cosines(probe, list(np.linspace(0.6999999, 0.7000001, 2000)))
        )

        found = near(index, probe, limit=2000, threshold=0.7)

        assert 0 < len(found) < 2000
        assert list(found) == [one for one in near(index, probe, limit=2000) if float(one.score) >= 0.7]

    @pytest.mark.parametrize(
        ("threshold", "count"),
        [
            pytest.param(0.0, 3, id="zero is a threshold"),
            pytest.param(-1.0, 5, id="-1 keeps all"),
            pytest.param(1.0, 0, id="1 keeps the same template only"),
            pytest.param(None, 5, id="none keeps all"),
        ],
    )
    def test_how_many_reach_it(
        self, index: TemplateIndex, probe: Templates, threshold: float | None, count: int
    ) -> None:
        add(index, "a", range(1, 6), range(1, 6), at_cosines(probe, [0.9, 0.1, -0.1, 0.5, -0.9]))

        assert len(near(index, probe, threshold=threshold)) == count


class TestBlocks:
    def test_only_named_blocks_take_part(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1], [1], at_cosines(probe, [0.1]))
        add(index, "b", [2], [2], at_cosines(probe, [0.9]))

        assert [one.row for one in near(index, probe, blocks=["a"])] == [1]
        assert [one.row for one in near(index, probe, blocks=["b"])] == [2]
        assert [one.row for one in near(index, probe, blocks=["a", "b"])] == [2, 1]

    def test_a_block_named_twice_counts_once(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1], [1], at_cosines(probe, [0.1]))

        assert [one.row for one in near(index, probe, blocks=["a", "a"])] == [1]

    @pytest.mark.parametrize(
        "blocks", [pytest.param([], id="none"), pytest.param(["unknown"], id="unknown"), pytest.param(["A"], id="case")]
    )
    def test_no_eligible_row_is_an_empty_answer(
        self, index: TemplateIndex, probe: Templates, blocks: list[str]
    ) -> None:
        add(index, "a", [1], [1], at_cosines(probe, [0.1]))

        assert near(index, probe, blocks=blocks) == ()

    def test_a_better_subject_outside_takes_no_place_of_the_limit(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1, 2], [1, 2], at_cosines(probe, [0.1, 0.2]))
        add(index, "b", range(3, 103), range(3, 103), at_cosines(probe, [0.9] * 100))

        assert [one.row for one in near(index, probe, blocks=["a"], limit=2)] == [2, 1]


class TestChanging:
    def test_an_empty_index_answers(self, index: TemplateIndex, probe: Templates) -> None:
        assert len(index) == 0
        assert index.dim == DIM
        assert near(index, probe) == ()

    def test_an_addition_is_seen_at_once(self, index: TemplateIndex, probe: Templates) -> None:
        for row in range(1, 40):
            add(index, "a", [row], [row], at_cosines(probe, [0.5]))

            assert len(index) == row
            assert [one.row for one in near(index, probe)] == list(range(1, row + 1))

    def test_rows_of_several_blocks_are_added_together(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "b", [1], [1], at_cosines(probe, [0.1]))

        index.add(
            part("a", [2, 5], [2, 5], at_cosines(probe, [0.9, 0.5])),
            part("b", [4, 3], [4, 3], at_cosines(probe, [0.6, 0.8])),
            part("a", [6], [6], at_cosines(probe, [0.3])),
        )

        assert len(index) == 6
        assert [one.row for one in near(index, probe)] == [2, 5, 6]
        assert [one.row for one in near(index, probe, blocks=["b"])] == [3, 4, 1]

    def test_nothing_added_is_nothing(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [], [], np.zeros((0, DIM), np.float32))
        index.add()

        assert len(index) == 0
        assert near(index, probe) == ()

    def test_what_is_removed_is_not_found(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1, 2, 3], [1, 2, 3], at_cosines(probe, [0.9, 0.8, 0.7]))

        index.remove([2])

        assert len(index) == 2
        assert [one.row for one in near(index, probe)] == [1, 3]

    def test_a_subject_whose_best_row_goes_has_its_next_one(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1, 2, 3], [1, 1, 2], at_cosines(probe, [0.9, 0.4, 0.5]))

        index.remove([1])

        assert [(one.row, one.subject) for one in near(index, probe)] == [(3, 2), (2, 1)]

    def test_removing_what_is_not_there_changes_nothing(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1], [1], at_cosines(probe, [0.9]))

        index.remove([7, 8])
        index.remove([])

        assert len(index) == 1
        assert [one.row for one in near(index, probe)] == [1]

    def test_all_removed_is_empty_and_may_be_filled_again(self, index: TemplateIndex, probe: Templates) -> None:
        add(index, "a", [1, 2], [1, 2], at_cosines(probe, [0.9, 0.8]))

        index.remove({1, 2})
        before = near(index, probe)
        add(index, "b", [1], [5], at_cosines(probe, [0.3]))

        assert before == ()
        assert [(one.row, one.subject) for one in near(index, probe, blocks=["a", "b"])] == [(1, 5)]

    def test_several_probes_are_answered_each_as_if_alone(self, index: TemplateIndex) -> None:
        add(index, "a", range(1, 301), range(1, 301), unit_rows(seed=1, n=300))
        probes = unit_rows(seed=2, n=5)

        together = index.search(probes, blocks=["a"], limit=9)

        assert [found.neighbours for found in together] == [near(index, probe, limit=9) for probe in probes]
        assert index.search(probes[:0], blocks=["a"], limit=9) == []


class TestArguments:
    def test_they_are_not_changed(self, index: TemplateIndex, probe: Templates) -> None:
        given = (np.arange(1, 11), np.arange(1, 11), unit_rows(seed=4, n=10), probe)
        before = [array.copy() for array in given]
        for array in given:
            array.flags.writeable = False

        index.add(BlockRows("a", rows=given[0], subjects=given[1], templates=given[2]))
        near(index, probe)
        index.remove([3])

        assert all(np.array_equal(array, copy) for array, copy in zip(given, before, strict=True))

    def test_they_are_not_kept(self, index: TemplateIndex, probe: Templates) -> None:
        given = (np.arange(1, 11), np.arange(1, 11), unit_rows(seed=4, n=10))
        index.add(BlockRows("a", rows=given[0], subjects=given[1], templates=given[2]))
        before = near(index, probe)

        for array in given:
            array[:] = 0

        assert near(index, probe) == before

    @pytest.mark.parametrize(
        ("rows", "subjects", "templates"),
        [
            pytest.param([5, 5], [1, 2], unit_rows(seed=1, n=2), id="a row twice"),
            pytest.param([1], [2], unit_rows(seed=1, n=1), id="a row that is there"),
            pytest.param([5, 1], [1, 2], unit_rows(seed=1, n=2), id="a new row and one that is there"),
            pytest.param([5], [1, 2], unit_rows(seed=1, n=2), id="too few rows"),
            pytest.param([5, 6], [1], unit_rows(seed=1, n=2), id="too few subjects"),
            pytest.param([5, 6], [1, 2], unit_rows(seed=1, n=1), id="too few templates"),
            pytest.param([5], [1], unit_rows(seed=1, n=1, dim=8), id="wrong dimension"),
            pytest.param([5], [1], unit_rows(seed=1, n=1)[0], id="no matrix"),
            pytest.param([5], [1], unit_rows(seed=1, n=1) * 2, id="not of unit norm"),
            pytest.param([5], [1], np.zeros((1, DIM), np.float32), id="zero"),
            pytest.param([5], [1], np.full((1, DIM), np.nan, np.float32), id="not a number"),
            pytest.param([5], [1], np.full((1, DIM), np.inf, np.float32), id="infinite"),
        ],
    )
    def test_bad_rows_are_refused_and_nothing_is_added(
        self, index: TemplateIndex, probe: Templates, rows: list[int], subjects: list[int], templates: Templates
    ) -> None:
        add(index, "a", [1], [1], at_cosines(probe, [0.5]))
        before = near(index, probe, blocks=["a", "b"])

        with pytest.raises(ValueError, match=r"must|already"):
            add(index, "b", rows, subjects, templates)

        assert len(index) == 1
        assert near(index, probe, blocks=["a", "b"]) == before

    @pytest.mark.parametrize(
        ("rows", "templates"),
        [
            pytest.param([6], unit_rows(seed=1, n=1) * 2, id="not of unit norm"),
            pytest.param([1], unit_rows(seed=1, n=1), id="a row that is there"),
            pytest.param([5], unit_rows(seed=1, n=1), id="a row of another part"),
        ],
    )
    def test_of_parts_with_a_bad_one_none_is_added(
        self, index: TemplateIndex, probe: Templates, rows: list[int], templates: Templates
    ) -> None:
        add(index, "a", [1], [1], at_cosines(probe, [0.5]))

        with pytest.raises(ValueError, match=r"must|already"):
            index.add(part("b", [4, 5], [4, 5], unit_rows(seed=2, n=2)), part("a", rows, [6], templates))

        assert [one.row for one in near(index, probe, blocks=["a", "b"])] == [1]
        assert len(index) == 1

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_below_1_is_refused(self, index: TemplateIndex, probe: Templates, limit: int) -> None:
        with pytest.raises(ValueError, match="limit"):
            near(index, probe, limit=limit)

    @pytest.mark.parametrize(
        "probes",
        [
            pytest.param(unit_rows(seed=1, n=1)[0], id="no matrix"),
            pytest.param(unit_rows(seed=1, n=1, dim=8), id="wrong dimension"),
            pytest.param(unit_rows(seed=1, n=1) / 2, id="not of unit norm"),
            pytest.param(np.full((1, DIM), np.nan, np.float32), id="not a number"),
        ],
    )
    def test_bad_probes_are_refused(self, index: TemplateIndex, probes: Templates) -> None:
        add(index, "a", [1], [1], unit_rows(seed=1, n=1))

        with pytest.raises(ValueError, match="templates must"):
            index.search(probes, blocks=["a"], limit=1)


def test_readers_see_all_of_an_addition_or_none_while_a_writer_adds_and_removes(
    index: TemplateIndex, probe: Templates
) -> None:
    batches = [list(range(1 + 20 * n, 21 + 20 * n)) for n in range(25)]
    rows = at_cosines(probe, list(np.linspace(0.1, 0.9, 20)))
    done = Event()

    def read() -> list[list[int]]:
        """Search until the writer is done."""
        seen = []
        while not done.is_set():
            seen.append(sorted(one.row for one in near(index, probe, blocks=["a", "b"], limit=1000)))
        return seen

    def write() -> None:
        """Add batches to two blocks each, and take each third one out again."""
        try:
            for number, batch in enumerate(batches):
                index.add(*(part(block, batch[at::2], batch[at::2], rows[at::2]) for at, block in enumerate("ab")))
                if number % 3 == 2:
                    index.remove(batch)
        finally:
            done.set()

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        pool.submit(write).result()

        whole = {tuple(batch) for batch in batches}
        for seen in [answer for reader in readers for answer in reader.result()]:
            assert {tuple(seen[at : at + 20]) for at in range(0, len(seen), 20)} <= whole
    assert len(index) == 20 * (25 - 8)

"""The compact engine where it scans codes: more rows than its shortlist."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.segments import SEGMENT_ROWS, Segment
from countenance.core.arrays import Templates, cosine
from countenance.core.errors import UnavailableError
from countenance.index.model import BlockRows
from countenance.vision.population import made_up_population
from tests.index_engines import unit_rows

DIM = 32
N = 12_000
SHORTLIST = 1_000


class Gallery:
    """Rows numbered from 1, one a subject, in two blocks, and an engine that holds them."""

    def __init__(self, templates: Templates, *, shortlist: int = SHORTLIST, folder: Path | None = None) -> None:
        self.templates = templates
        self.index = CompactIndex(templates.shape[1], self.stored, shortlist=shortlist, folder=folder)
        half = len(templates) // 2
        self.add("a", 1, half)
        self.add("b", half + 1, len(templates))

    def add(self, block: str, first: int, last: int) -> None:
        rows = np.arange(first, last + 1)
        self.index.add(BlockRows(block, rows=rows, subjects=rows, templates=self.templates[first - 1 : last]))

    def stored(self, rows: Collection[int]) -> Mapping[int, Templates]:
        return {row: self.templates[row - 1] for row in rows}

    def tops(self, probes: Templates, blocks: Collection[str] = ("a", "b")) -> list[int]:
        return [found.neighbours[0].row for found in self.index.search(probes, blocks=blocks, limit=5)]


@pytest.fixture(scope="module")
def drawn() -> Templates:
    return made_up_population(DIM).draw(N, seed=5, templates_per_subject=2).templates


def test_the_top_candidate_is_brute_forces_and_its_score_the_true_one(drawn: Templates) -> None:
    gallery, probes = Gallery(drawn), made_up_population(DIM).draw(100, seed=6).templates

    answers = gallery.index.search(probes, blocks=["a", "b"], limit=5)

    truth = [cosine(probe, drawn) for probe in probes]
    same = [answer.neighbours[0].row == int(scores.argmax()) + 1 for answer, scores in zip(answers, truth, strict=True)]
    assert sum(same) >= 99
    for answer, scores in zip(answers, truth, strict=True):
        assert [one.score for one in answer.neighbours] == [scores[one.row - 1] for one in answer.neighbours]


def test_the_miss_rate_is_measured_when_the_codes_are_built(drawn: Templates) -> None:
    gallery = Gallery(drawn)

    before = gallery.index.measured
    gallery.index.build()

    measured = gallery.index.measured
    assert before is None
    assert measured is not None
    assert (measured.probes, measured.rows) == (200, N)
    assert measured.misses <= 2


def test_a_shortlist_that_is_too_short_is_seen_to_lose_rows() -> None:
    gallery = Gallery(unit_rows(seed=1, n=N, dim=128), shortlist=1)

    gallery.index.build()

    measured = gallery.index.measured
    assert measured is not None
    assert 0 < measured.misses < measured.probes


def test_a_small_gallery_is_searched_completely_and_has_no_miss_rate(drawn: Templates) -> None:
    gallery = Gallery(drawn[:SHORTLIST])

    gallery.tops(drawn[:10])

    assert gallery.index.measured is None


def test_rows_added_after_the_codes_were_built_are_found(drawn: Templates) -> None:
    gallery = Gallery(drawn[: N - 100])
    gallery.index.build()
    gallery.templates = drawn

    gallery.add("b", N - 99, N)

    assert gallery.tops(drawn[N - 100 :]) == list(range(N - 99, N + 1))
    assert gallery.index.measured is not None
    assert gallery.index.measured.rows == N - 100


def test_removed_rows_are_gone_and_all_others_are_found(drawn: Templates) -> None:
    gallery = Gallery(drawn)
    gallery.index.build()
    gone = set(range(1, N, 7)) | {N, N - 1}

    gallery.index.remove(gone)

    assert len(gallery.index) == N - len(gone)
    staying = sorted(set(range(1, N + 1)) - gone)[::40]
    assert gallery.tops(drawn[np.array(staying) - 1]) == staying
    assert gone.isdisjoint(gallery.tops(drawn[np.array(sorted(gone)) - 1]))


def test_no_number_of_a_removed_row_stays_in_memory(drawn: Templates) -> None:
    gallery = Gallery(drawn)
    gallery.index.build()
    before = gallery.index._held.blocks["a"]

    gallery.index.remove(range(1, N // 2 - 9))

    assert len(gallery.index) == N // 2 + 10
    assert before
    for segment in before:
        assert segment.small is not None
        assert not any(array.any() for array in (segment.codes, segment.terms, segment.subjects, segment.small))


def test_a_removed_block_takes_nothing_with_it(drawn: Templates) -> None:
    gallery = Gallery(drawn)
    gallery.index.build()

    gallery.index.remove(range(1, N // 2 + 1))

    assert gallery.tops(drawn[-10:]) == list(range(N - 9, N + 1))
    assert len(gallery.index) == N // 2


def test_blocks_are_chosen_before_the_scan(drawn: Templates) -> None:
    gallery = Gallery(drawn)

    tops = gallery.tops(drawn[:50], blocks=["b"])

    assert min(tops) > N // 2


def test_rows_mapped_from_disk_answer_the_same_and_leave_no_file(tmp_path: Path) -> None:
    many = unit_rows(seed=2, n=5 * SEGMENT_ROWS // 2, dim=DIM)
    memory, disk = Gallery(many), Gallery(many, folder=tmp_path)
    for gallery in (memory, disk):
        gallery.index.put(("a", Segment.of(rows=np.array([9**9]), subjects=np.array([9**9]), templates=many[:1])))

    answers = [one.index.search(many[1:21], blocks=["a", "b"], limit=9) for one in (memory, disk)]

    [mapped, last] = disk.index._held.blocks["a"]
    assert answers[0] == answers[1]
    assert (isinstance(mapped.codes, np.memmap), isinstance(last.codes, np.memmap)) == (True, False)
    assert list(tmp_path.iterdir()) == []


def test_a_search_that_judged_every_row_is_certified_and_one_that_did_not_is_not(drawn: Templates) -> None:
    gallery = Gallery(drawn)

    [all_rows] = gallery.index.search(drawn[:1], blocks=["a", "b"], limit=3_000)
    [sifted] = gallery.index.search(drawn[:1], blocks=["a", "b"], limit=5)

    assert (all_rows.certificate is None, all_rows.miss_rate) == (False, None)
    assert (sifted.certificate, sifted.miss_rate) == (None, gallery.index.measured)


def test_a_folder_that_is_not_there_is_said_so(drawn: Templates, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as refused:
        Gallery(drawn, folder=tmp_path / "missing")

    assert refused.value.code == "scratch-unavailable"

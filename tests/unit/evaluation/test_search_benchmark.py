from dataclasses import replace

import numpy as np
import pytest

from countenance.adapters.memory_index import MemoryIndex
from countenance.core.arrays import Templates, cosine
from countenance.core.errors import InvalidInputError
from countenance.evaluation.search_benchmark import (
    LIMIT,
    BruteForce,
    MadeUpGallery,
    PortEngine,
    StoredTemplates,
    agreement,
    made_up_gallery,
    measure,
)
from countenance.index.ports import RowNumbers
from countenance.vision.population import made_up_population

DIM = 16


@pytest.fixture
def gallery() -> MadeUpGallery:
    """More rows than one chunk of the stream."""
    return made_up_gallery(made_up_population(DIM), templates=9_000, probes=8, seed=3)


def brute_force(gallery: MadeUpGallery) -> RowNumbers:
    """Return the rows nearest to each probe."""
    truth = BruteForce(gallery.probes)
    for rows, templates in gallery.stream():
        truth.add(rows, templates)
    return truth.nearest()


@pytest.fixture
def stored(gallery: MadeUpGallery) -> StoredTemplates:
    return StoredTemplates(None, templates=gallery.templates, dim=DIM)


def whole(gallery: MadeUpGallery) -> tuple[RowNumbers, Templates]:
    """Return the stream in one piece."""
    parts = list(gallery.stream())
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([templates for _, templates in parts])


class FirstRows:
    """An engine that names the rows that it was given first, whatever the probe."""

    def __init__(self) -> None:
        self.closed = False
        self.rows = np.zeros(0, np.int64)

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        self.rows = np.concatenate([self.rows, rows[: len(templates)]])

    def build(self) -> None:
        pass

    def search(self, probe: Templates, limit: int) -> RowNumbers:
        return self.rows[: limit * len(probe)]

    def elsewhere_bytes(self) -> int | None:
        return None

    def close(self) -> None:
        self.closed = True


def test_the_stream_numbers_rows_from_1_and_is_the_same_each_time(gallery: MadeUpGallery) -> None:
    rows, templates = whole(gallery)

    assert rows.tolist() == list(range(1, 9_001))
    assert np.array_equal(templates, whole(gallery)[1])


def test_each_mate_stands_in_its_row_and_resembles_its_probe_more_than_strangers_do(gallery: MadeUpGallery) -> None:
    _, templates = whole(gallery)

    mates = np.einsum("ij,ij->i", templates[gallery.mates - 1], gallery.probes)

    assert np.array_equal(templates[gallery.mates - 1], gallery.mate_templates)
    assert np.median(mates) > np.quantile(gallery.probes @ templates.T, 0.95)


def test_brute_force_is_a_full_sort_of_float64_scores(gallery: MadeUpGallery) -> None:
    rows, templates = whole(gallery)

    found = brute_force(gallery)

    for probe, line in zip(gallery.probes, found, strict=True):
        assert line.tolist() == rows[np.lexsort((rows, -cosine(probe, templates)))][:LIMIT].tolist()


def test_a_complete_engine_agrees_with_brute_force(gallery: MadeUpGallery) -> None:
    truth = brute_force(gallery)

    report = measure(gallery, lambda: PortEngine(MemoryIndex(DIM)))

    agreed = agreement(gallery, truth, report.neighbours)
    assert (agreed.same_top, agreed.same_list, agreed.mates_lost) == (8, 8, 0)
    assert agreed.mates_found > 0
    assert report.search_ns.shape == (8,)
    assert (report.search_ns > 0).all()


def test_an_engine_that_loses_mates_is_seen_to(gallery: MadeUpGallery) -> None:
    truth, engine = brute_force(gallery), FirstRows()

    report = measure(gallery, lambda: engine)

    agreed = agreement(gallery, truth, report.neighbours)
    assert agreed.same_list == 0
    assert report.resident_bytes is None
    assert agreed.mates_lost >= agreed.mates_found - 1
    assert engine.closed


def test_templates_are_kept_in_full_precision(gallery: MadeUpGallery, stored: StoredTemplates) -> None:
    _, templates = whole(gallery)

    measure(gallery, FirstRows, beside=[stored])

    kept = stored.templates([9_000, 1])
    assert list(kept) == [9_000, 1]
    assert np.array_equal(kept[1], templates[0])
    assert np.array_equal(kept[9_000], templates[-1])


def test_a_mate_that_brute_force_does_not_list_is_not_lost(gallery: MadeUpGallery) -> None:
    strangers = np.tile(np.arange(2, 2 + LIMIT), (8, 1))
    alone = replace(gallery, mates=np.full(8, 9_000))

    agreed = agreement(alone, strangers, strangers)

    assert (agreed.mates_found, agreed.mates_lost) == (0, 0)


@pytest.mark.parametrize(
    ("templates", "probes", "code"),
    [
        pytest.param(LIMIT - 1, 1, "templates-invalid", id="too few to list"),
        pytest.param(100, 0, "probes-invalid", id="no probe"),
        pytest.param(100, 101, "probes-invalid", id="more probes than rows"),
    ],
)
def test_what_can_not_be_measured_is_refused(templates: int, probes: int, code: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        made_up_gallery(made_up_population(DIM), templates=templates, probes=probes, seed=0)

    assert refused.value.code == code

"""Comparisons: who is compared with whom, once each, and never with oneself."""

import numpy as np

from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Sample, among, compare, joined, sample_subjects, stand_ins
from countenance.vision.fusion import fuse
from countenance.vision.population import fit_population, made_up_population

DIM = 24
COHORT = ReferenceCohort(made_up_population(DIM))


def drawn(count: int) -> Sample:
    rows = made_up_population(DIM).draw(2 * count, seed=5, templates_per_subject=2)
    return Sample(rows.templates, rows.subjects)


def test_nobody_is_compared_with_oneself_and_templates_are_fused() -> None:
    sample = drawn(60)
    probes = stand_ins(sample, COHORT, first=10, count=20, fitted=False)

    found = compare(sample, probes)

    fused = np.stack([fuse(pair) for pair in sample.templates.reshape(60, 2, -1)])
    scores = fused @ probes.templates.T
    normalised = np.where(np.arange(60)[:, None] == np.arange(10, 30), -np.inf, scores - probes.placed.offsets)
    highest = np.sort(normalised.ravel())[::-1][: len(found.scores)]
    assert np.allclose(np.sort(found.scores)[::-1], highest, atol=1e-6)
    assert found.strangers.tolist() == [59] * 20
    above = normalised + probes.placed.offsets >= probes.placed.tenths
    assert found.above_tenth.tolist() == above.sum(axis=0).tolist()


def test_a_population_scores_higher_with_those_whom_it_was_fitted_to() -> None:
    sample = drawn(100)
    fitted = ReferenceCohort(
        fit_population(sample.templates, sample.subjects, pack_digest=None, person_shape=20, picture_shape=2)
    )

    known, unknown = (
        stand_ins(sample, fitted, first=0, count=100, fitted=left_out).placed.offsets for left_out in (False, True)
    )

    assert known.mean() > unknown.mean() + 0.005


def test_joined_comparisons_are_of_different_probes() -> None:
    sample = drawn(60)
    parts = [among(sample, COHORT, np.arange(60)[part::3], parts=3) for part in range(3)]

    whole = joined(parts)

    assert whole.strangers.tolist() == [19] * 60
    assert len(whole.scores) == sum(len(part.scores) for part in parts)
    assert set(whole.probes[len(parts[0].scores) :]) <= set(range(20, 60))


def test_parts_go_by_place_whatever_the_subjects_are_called() -> None:
    sample = drawn(60)
    renamed = Sample(sample.templates, np.random.default_rng(0).permutation(60)[sample.subjects])

    found, again = (among(one, COHORT, np.arange(60)[::3], parts=3) for one in (sample, renamed))

    assert np.allclose(found.scores, again.scores, atol=1e-6)


def test_a_sample_is_the_same_however_it_is_streamed() -> None:
    sample = drawn(300)
    order = np.random.default_rng(0).permutation(600)

    whole = sample_subjects([(sample.subjects, sample.templates)], subjects=300, wanted=100)
    parts = sample_subjects(
        [(sample.subjects[rows], sample.templates[rows]) for rows in np.array_split(order, 7)],
        subjects=300,
        wanted=100,
    )

    assert parts.subjects.tolist() == whole.subjects.tolist()
    assert 60 < len(np.unique(whole.subjects)) < 140
    assert {len(rows) for rows in np.split(whole.subjects, np.flatnonzero(np.diff(whole.subjects)) + 1)} == {2}

"""Calibrating: over whom, how it is kept, and what it refuses."""

import numpy as np
import pytest

from countenance.core.errors import ConflictError, IntegrityError
from countenance.search.calibration import (
    FEWEST_SUBJECTS,
    Calibration,
    calibrate_gallery,
    calibrate_people,
    read_calibration,
)
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Sample
from countenance.vision.population import fit_population, made_up_population

DIM = 96
PACK = "a" * 64
COHORT = ReferenceCohort(made_up_population(DIM))


def people(count: int, *, seed: int = 5, each: int = 1) -> Sample:
    drawn = made_up_population(DIM).draw(count * each, seed=seed, templates_per_subject=each)
    return Sample(drawn.templates, drawn.subjects)


def calibrated(sample: Sample) -> Calibration:
    subjects = len(np.unique(sample.subjects))
    return calibrate_gallery(sample, COHORT, pack_digest=PACK, revision=3, active=subjects)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return calibrated(people(2400))


def test_counted_strangers_are_as_many_as_expected(calibration: Calibration) -> None:
    checks = {check.rate: check for check in calibration.checks}

    assert checks[0.01].counted == pytest.approx(checks[0.01].expected, rel=0.1)
    assert checks[0.001].counted == pytest.approx(checks[0.001].expected, rel=0.25)


def test_progress_is_told_of_each_subject_once() -> None:
    told: list[int] = []

    calibrate_gallery(people(2000), COHORT, pack_digest=PACK, revision=3, active=2000, on_progress=told.append)

    assert sum(told) == 2000


def test_one_person_under_two_names_does_not_bend_the_curve(calibration: Calibration) -> None:
    clean = people(2400)
    twice = Sample(
        np.concatenate([clean.templates, clean.templates[:20]]),
        np.concatenate([clean.subjects, np.arange(5000, 5020)]),
    )

    found = calibrated(twice)

    assert found.doubles > 0
    assert calibration.doubles == 0
    assert found.curve.score_at(1e-6) == pytest.approx(calibration.curve.score_at(1e-6), abs=0.03)


def test_a_subject_with_several_templates_scores_by_the_best(calibration: Calibration) -> None:
    found = calibrated(people(2400, each=3))

    assert found.curve.score_at(1e-3) > calibration.curve.score_at(1e-3)


def test_too_small_a_gallery_is_refused() -> None:
    with pytest.raises(ConflictError) as refused:
        calibrated(people(FEWEST_SUBJECTS - 1))

    assert refused.value.code == "gallery-too-small-to-calibrate"


def test_it_is_kept_whole(calibration: Calibration) -> None:
    again = read_calibration(
        calibration.model_dump_json(), pack_digest=PACK, population_digest=COHORT.population.digest
    )

    assert again == calibration


def test_another_pack_or_population_is_refused(calibration: Calibration) -> None:
    for pack, population in (("b" * 64, COHORT.population.digest), (PACK, "c" * 64)):
        with pytest.raises(ConflictError) as refused:
            read_calibration(calibration.model_dump_json(), pack_digest=pack, population_digest=population)

        assert refused.value.code == "calibration-of-another-pack"


@pytest.mark.parametrize("text", [pytest.param("", id="empty"), pytest.param('{"format": 2}', id="another format")])
def test_what_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        read_calibration(text, pack_digest=PACK, population_digest=PACK)

    assert refused.value.code == "calibration-unreadable"


def test_it_is_stale_when_the_gallery_has_changed_by_a_quarter(calibration: Calibration) -> None:
    assert [calibration.is_stale(active) for active in (1800, 2000, 2400, 2900, 3100)] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_populations_calibration_is_stale_when_the_gallery_can_have_its_own(calibration: Calibration) -> None:
    of_population = calibration.model_copy(update={"made_from": "population"})

    assert not of_population.is_stale(FEWEST_SUBJECTS - 1)
    assert of_population.is_stale(FEWEST_SUBJECTS)


def test_people_are_subjects_by_ones_own_curve_and_templates_by_a_populations(calibration: Calibration) -> None:
    of_population = calibration.model_copy(update={"made_from": "population"})

    assert calibration.people(subjects=1000, templates=3000) == 1000
    assert of_population.people(subjects=1000, templates=3000) == 3000


FIRST = made_up_population(24).draw(900, seed=3, templates_per_subject=2)
OTHERS = made_up_population(24).draw(900, seed=4, templates_per_subject=2)


@pytest.fixture(scope="module")
def fitted() -> ReferenceCohort:
    return ReferenceCohort(
        fit_population(FIRST.templates, FIRST.subjects, pack_digest=PACK, person_shape=20, picture_shape=2)
    )


@pytest.fixture(scope="module")
def of_people(fitted: ReferenceCohort) -> Calibration:
    return calibrate_people(Sample(FIRST.templates, FIRST.subjects), fitted, pack_digest=PACK)


def test_a_calibration_over_some_people_holds_for_others(of_people: Calibration, fitted: ReferenceCohort) -> None:
    gallery, probes = OTHERS.templates[:450:2], OTHERS.templates[450::2]
    normalised = gallery @ probes.T - fitted.place_all(probes).offsets

    counted = {rate: float((normalised >= of_people.curve.score_at(rate)).mean()) for rate in (0.01, 0.001)}

    assert counted[0.01] == pytest.approx(0.01, rel=0.15)
    assert counted[0.001] == pytest.approx(0.001, rel=0.4)


def test_it_claims_no_more_than_one_pair_of_two_people(of_people: Calibration) -> None:
    assert of_people.curve.floor == 1 / (450 * 449 // 2)
    assert of_people.subjects == 450
    assert all(check.rate >= of_people.curve.floor for check in of_people.checks)


def test_the_spread_is_that_of_people_whom_the_population_does_not_know(of_people: Calibration) -> None:
    assert 0.05 < of_people.curve.spread[-1] < of_people.curve.spread[-2] < 1


def test_it_is_the_same_whatever_the_people_are_called(of_people: Calibration, fitted: ReferenceCohort) -> None:
    # A gallery's sample is in the order of a hash: its subjects' numbers don't rise.
    names = np.random.default_rng(0).permutation(450)[FIRST.subjects]

    renamed = calibrate_people(Sample(FIRST.templates, names), fitted, pack_digest=PACK)

    assert renamed.curve.spread == pytest.approx(of_people.curve.spread, abs=1e-3)
    assert renamed.curve.score_at(1e-3) == pytest.approx(of_people.curve.score_at(1e-3), abs=1e-3)

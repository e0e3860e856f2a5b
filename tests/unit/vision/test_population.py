"""Drawn templates: reproducible row by row, unit, and spread as the moments say."""

from pathlib import Path

import numpy as np
import pytest

from countenance.core.errors import InvalidInputError
from countenance.vision.pack import find_pack
from countenance.vision.population import (
    CHUNK_ROWS,
    fit_population,
    made_up_population,
    pack_population,
    read_population,
    write_population,
)


@pytest.mark.parametrize("each", [pytest.param(1, id="one template"), pytest.param(3, id="three templates")])
def test_a_row_is_the_same_whatever_is_drawn_with_it(each: int) -> None:
    population = made_up_population(32)

    whole = population.draw(2 * CHUNK_ROWS, seed=7, templates_per_subject=each)
    part = population.draw(700, seed=7, start=CHUNK_ROWS - 300, templates_per_subject=each)

    assert np.array_equal(part.templates, whole.templates[CHUNK_ROWS - 300 : CHUNK_ROWS + 400])
    assert np.array_equal(part.subjects, whole.subjects[CHUNK_ROWS - 300 : CHUNK_ROWS + 400])


def test_rows_are_unit_float32_and_subjects_follow_each_other() -> None:
    drawn = made_up_population(512).draw(10, seed=1, templates_per_subject=4)

    assert drawn.templates.dtype == np.float32
    assert drawn.templates.shape == (10, 512)
    assert np.allclose(np.linalg.norm(drawn.templates, axis=1), 1, atol=1e-6)
    assert drawn.subjects.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


def test_other_seeds_and_other_rows_are_other_people() -> None:
    population = made_up_population(32)

    templates = np.concatenate([population.draw(CHUNK_ROWS + 5, seed=seed).templates for seed in (1, 2)])

    assert len(np.unique(templates, axis=0)) == len(templates)


def test_pictures_of_one_person_score_above_those_of_two() -> None:
    drawn = made_up_population(128).draw(4000, seed=5, templates_per_subject=2)

    mated = np.einsum("ij,ij->i", drawn.templates[::2], drawn.templates[1::2])
    non_mated = np.einsum("ij,ij->i", drawn.templates[:-2:2], drawn.templates[2::2])

    assert np.median(mated) > np.quantile(non_mated, 0.999)


def test_a_fit_to_drawn_templates_gives_the_score_distribution_back() -> None:
    true = made_up_population(16)
    drawn = true.draw(12_000, seed=2, templates_per_subject=3)

    fitted = fit_population(
        drawn.templates,
        drawn.subjects,
        pack_digest=None,
        person_shape=true.person_shape,
        picture_shape=true.picture_shape,
    )

    again = fitted.draw(12_000, seed=3, templates_per_subject=3)
    for rows in (slice(0, None, 3), slice(1, None, 3)):
        before, after = (
            np.quantile(
                np.einsum("ij,ij->i", one.templates[:-3:3], np.roll(one.templates[rows], -1, 0)[:-1]), [0.1, 0.5, 0.9]
            )
            for one in (drawn, again)
        )
        assert np.allclose(before, after, atol=0.06)


def test_too_few_people_make_no_population() -> None:
    drawn = made_up_population(32).draw(60, seed=2, templates_per_subject=2)

    with pytest.raises(InvalidInputError) as refused:
        fit_population(drawn.templates, drawn.subjects, pack_digest=None, person_shape=1, picture_shape=1)

    assert refused.value.code == "population-too-small"


def test_the_numbers_survive_a_file() -> None:
    population = made_up_population(8)

    again = read_population(write_population(population))

    assert again.digest == population.digest
    assert np.allclose(again.draw(5, seed=0).templates, population.draw(5, seed=0).templates, atol=1e-3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("{", "", id="no JSON"),
        pytest.param('"format":1', '"format":2', id="a later format"),
        pytest.param('"mean":[', '"mean":[0.0,', id="shapes that differ"),
        pytest.param('"spread":[', '"spread":[NaN,', id="not a number"),
        pytest.param('"pack"', '"pick"', id="a word too many"),
    ],
)
def test_a_file_that_is_no_population_is_refused(before: str, after: str) -> None:
    text = write_population(made_up_population(8)).replace(before, after, 1)

    with pytest.raises(InvalidInputError) as refused:
        read_population(text)

    assert refused.value.code == "population-unreadable"


def test_the_default_pack_has_a_population_of_its_own(tmp_path: Path) -> None:
    pack = find_pack("opencv-sface", installed_in=tmp_path)

    population = pack_population(pack)

    assert population is not None
    assert population.pack_digest == pack.digest
    assert population.dim == pack.manifest.dimension

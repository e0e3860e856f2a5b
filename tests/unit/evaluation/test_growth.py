import numpy as np
import pytest

from countenance.evaluation.growth import SEED, grown, sizes
from countenance.evaluation.identification import searched
from countenance.evaluation.model import NEVER
from countenance.vision.population import made_up_population

POPULATION = made_up_population(16)


@pytest.mark.parametrize(
    ("gallery", "largest", "expected"),
    [
        pytest.param(927, 10_000_000, (927, 1000, 10_000, 100_000, 1_000_000, 10_000_000), id="powers of ten"),
        pytest.param(10_000, 50_000, (10_000, 50_000), id="no power of ten between"),
        pytest.param(5, 3, (5,), id="never smaller than the gallery"),
    ],
)
def test_sizes(gallery: int, largest: int, expected: tuple[int, ...]) -> None:
    assert sizes(gallery, largest) == expected


def test_growing_is_the_same_as_searching_the_made_up_people_with_the_real_ones() -> None:
    people = POPULATION.draw(12, seed=1, templates_per_subject=2)
    gallery, probes = people.templates[::2], people.templates[1::2].copy()
    probes[3] = 0
    subjects = np.arange(6) + np.array([0, 0, 0, 0, 100, 100])
    facts = {"subjects": subjects, "mated": subjects < 100}
    real = searched(probes, gallery, owners=np.arange(6), **facts)
    counted: list[int] = []

    steps = list(grown(real, probes, POPULATION, (6, 100, 20_000), on_progress=counted.append))

    for step in steps[1:]:
        made_up = POPULATION.draw(step.gallery_size - 6, seed=SEED).templates
        together = searched(
            probes,
            np.concatenate([gallery, made_up]),
            owners=np.concatenate([np.arange(6), np.arange(len(made_up)) + 1000]),
            **facts,
        )
        np.testing.assert_allclose(step.stranger_scores, together.stranger_scores, atol=1e-6)
        assert np.all(np.abs(step.mate_ranks - together.mate_ranks)[real.acquired & real.mated] <= 1)
        assert step.mate_ranks[3] == NEVER
    assert steps[0].mate_ranks.tolist() == real.mate_ranks.tolist()
    assert sum(counted) == 20_000 - 6


def test_more_strangers_never_make_a_search_better() -> None:
    people = POPULATION.draw(200, seed=2, templates_per_subject=2)
    numbers = np.arange(100)
    real = searched(
        people.templates[::2],
        people.templates[1::2],
        owners=numbers,
        subjects=numbers,
        mated=np.full(100, fill_value=True),
    )

    small, large = grown(real, people.templates[::2], POPULATION, (100, 5000))

    assert np.all(large.stranger_scores >= small.stranger_scores)
    assert np.all(large.mate_ranks >= small.mate_ranks)
    assert np.any(large.mate_ranks > small.mate_ranks)

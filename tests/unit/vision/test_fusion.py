"""Several photographs become one template."""

import numpy as np

from countenance.vision.fusion import fuse
from countenance.vision.population import made_up_population


def test_one_template_stays_as_it_is_and_nothing_is_changed() -> None:
    templates = made_up_population(32).draw(1, seed=1).templates
    before = templates.copy()

    fused = fuse(templates)

    assert np.allclose(fused, before[0], atol=1e-6)
    assert np.array_equal(templates, before)


def test_the_order_does_not_matter_and_the_norm_is_one() -> None:
    templates = made_up_population(32).draw(3, seed=1, templates_per_subject=3).templates

    fused, turned = fuse(templates), fuse(templates[::-1])

    assert np.allclose(fused, turned, atol=1e-6)
    assert abs(float(np.linalg.norm(fused)) - 1) < 1e-6


def test_two_photographs_are_nearer_to_a_third_than_one_is() -> None:
    rows = made_up_population(128).draw(3000, seed=2, templates_per_subject=3).templates.reshape(1000, 3, 128)

    fused = np.array([fuse(person[:2]) @ person[2] for person in rows])
    single = np.einsum("ij,ij->i", rows[:, 0], rows[:, 2])

    assert np.mean(fused > single) > 0.8

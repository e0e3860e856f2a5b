"""From which score a face is taken for somebody's who stays out."""

import pytest

from countenance.bootstrap.calibrating import pack_population
from countenance.rights.stay_out import RATE, threshold_of
from countenance.search.calibration import CALIBRATION, read_calibration
from countenance.search.cohort import ReferenceCohort
from countenance.search.scale import ScoreScale
from countenance.vision.pack import builtin_packs
from tests.made_up_galleries import people


@pytest.fixture(scope="module")
def scale() -> ScoreScale:
    """What scores mean with the default pack."""
    [pack, *_] = builtin_packs()
    population = pack_population(pack)
    assert population is not None
    text = (pack.folder / CALIBRATION).read_bytes()
    calibration = read_calibration(text, pack_digest=pack.digest, population_digest=population.digest)
    return ScoreScale(cohort=ReferenceCohort(population), calibration=calibration)


def test_it_is_where_one_stranger_in_a_hundred_thousand_is_expected(scale: ScoreScale) -> None:
    for template in people("anybody", 5):
        threshold = threshold_of(template[None], scale, default=0.0)
        normalised = threshold - scale.cohort.place(template[None]).offset

        assert scale.calibration.curve.floor <= RATE
        assert scale.calibration.curve.rate(normalised) == pytest.approx(RATE, rel=1e-6)
        assert 0.3 < threshold < 0.7


def test_where_nothing_is_known_of_scores_it_is_the_packs() -> None:
    assert threshold_of(people("anybody", 1), None, default=0.363) == 0.363

"""Comparing a new face with the entries of people who stay out."""

from pathlib import Path

import numpy as np
import pytest

import countenance
from countenance.core.arrays import Templates
from countenance.gallery.stay_out import StayOuts


def at(cosine: float) -> Templates:
    """Return a template, shape (2,), at a cosine from (1, 0)."""
    return np.array([cosine, np.sqrt(1 - cosine**2)], dtype=np.float32)


ENTRIES = StayOuts(templates=np.array([[1, 0], [0, -1]], np.float32), thresholds=np.array([0.5, 0.9]))


@pytest.mark.parametrize(
    ("template", "barred"),
    [
        pytest.param(at(0.5), True, id="reaches the first one's threshold"),
        pytest.param(at(0.49), False, id="just below it"),
        pytest.param(np.array([0.0, -1.0], np.float32), True, id="the second person"),
        pytest.param(np.array([-0.6, -0.8], np.float32), False, id="near the second, but its threshold is its own"),
    ],
)
def test_a_face_is_taken_for_somebodys_from_their_own_threshold_on(template: Templates, barred: bool) -> None:
    assert ENTRIES.bar(template) is barred


def test_without_entries_nobody_is_barred() -> None:
    assert StayOuts().bar(at(1.0)) is False


def test_photographs_go_on_record_through_enrolment_alone() -> None:
    sources = Path(countenance.__file__).parent.rglob("*.py")
    calling = {path.name for path in sources if ".add_images(" in path.read_text(encoding="utf-8")}

    assert calling == {"enrolment.py"}

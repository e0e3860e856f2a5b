"""What a home keeps of its gallery's scores is sealed, and what an older version kept in the clear is overwritten."""

from pathlib import Path

import pytest

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.search.calibration import FEWEST_SUBJECTS
from tests.made_up_galleries import made_up_home, traces

CLEAR = (b'"curve"', b'"population"', b'"made_from"', b'"axes"', b'"spread"')
"""Names that stand in the files of an older version."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose gallery was calibrated."""
    settings = made_up_home(tmp_path_factory.mktemp("calibrated") / "home", {"one": FEWEST_SUBJECTS})
    with open_gallery(settings) as gallery:
        gallery.calibration.calibrate(gallery.records, on_progress=lambda _: None)
    return settings


def test_a_calibration_is_sealed_and_found_again(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        kept = gallery.calibration.kept()
        scale = gallery.calibration.scale()

    assert kept.subjects == FEWEST_SUBJECTS
    assert scale is not None
    assert scale.calibration == kept
    assert traces(settings.home, *CLEAR) == []


def test_what_an_older_version_kept_in_the_clear_is_sealed(settings: Settings, tmp_path: Path) -> None:
    with open_gallery(settings) as gallery:
        kept = gallery.calibration.kept()
    (settings.home / "calibration.sealed").unlink()
    older = settings.home / "calibration.json"
    older.write_text(kept.model_dump_json(), encoding="ascii")
    (tmp_path / "link").hardlink_to(older)

    with open_gallery(settings) as gallery:
        again = gallery.calibration.kept()

    assert again == kept
    assert not older.exists()
    assert set((tmp_path / "link").read_bytes()) == {0}
    assert traces(settings.home, *CLEAR) == []

"""What a home keeps of its gallery's scores: sealed, made anew as a whole, and never passed over in silence."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from countenance.adapters.memory_objects import MemoryObjects
from countenance.adapters.memory_records import MemoryRecords
from countenance.bootstrap.calibrating import COLUMN, SEALED, HomeCalibration
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import IntegrityError, InvalidInputError
from countenance.gallery.model import LegalBasis, NewFace, NewImage, Outcome, SourceState
from countenance.gallery.sources import register_source
from countenance.keys.model import HOME
from countenance.policy.model import SYSTEM
from countenance.search.calibration import FEWEST_SUBJECTS, Calibration
from countenance.vision.population import POPULATION, fit_population, made_up_population, write_population
from tests.made_up_galleries import made_up_home, traces
from tests.stripes import face

CLEAR = (b'"curve"', b'"population"', b'"made_from"', b'"axes"', b'"spread"')
"""Names that stand in the files of an older version."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose gallery was calibrated while one of its sources was suspended."""
    home = tmp_path_factory.mktemp("calibrated") / "home"
    settings = made_up_home(home, {"one": FEWEST_SUBJECTS, "two": FEWEST_SUBJECTS // 2})
    with open_gallery(settings) as gallery:
        gallery.sources.change("two", SourceState.SUSPENDED, by="b", reason="a pause")
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


class TestWithoutAPopulation:
    """A model pack that has no population: the gallery's own is fitted."""

    DIM = 16
    DIGEST = "b" * 64

    @pytest.fixture
    def gallery(self, tmp_path: Path) -> Iterator[OpenGallery]:
        """A home to keep it in."""
        with open_gallery(made_up_home(tmp_path / "home", {})) as gallery:
            yield gallery

    def calibration(self, gallery: OpenGallery, folder: str = "no-such-folder") -> HomeCalibration:
        """Return what a process makes of the home; the pack's files are in a folder beside."""
        pack = SimpleNamespace(digest=self.DIGEST, folder=gallery.settings.home.parent / folder)
        return HomeCalibration(gallery.settings, pack, gallery.keyring)  # type: ignore[arg-type]

    def records(self, count: int, *, seed: int = 1) -> MemoryRecords:
        """Return records of made-up people with two photographs each."""
        records = MemoryRecords()
        source = register_source(
            records, MemoryObjects(), name="one", owner="o", legal_basis=LegalBasis.CONSENT, document=b"d", actor=SYSTEM
        )
        drawn = made_up_population(self.DIM).draw(2 * count, seed=seed, templates_per_subject=2)
        images = [
            NewImage(
                sha256=sha256(b"%d" % number).hexdigest(),
                reference=f"{number}.jpg",
                media_type="image/jpeg",
                size_bytes=100,
                width=16,
                height=16,
                outcome=Outcome.ENROLLED,
                faces=(NewFace(face=face(1), template=template, label=f"person {subject}"),),
            )
            for number, (subject, template) in enumerate(zip(drawn.subjects, drawn.templates, strict=True))
        ]
        records.add_images(source.source_id, images, pack_digest=self.DIGEST, actor=SYSTEM)
        return records

    def calibrate(self, calibration: HomeCalibration, records: MemoryRecords) -> Calibration:
        return calibration.calibrate(records, on_progress=lambda _: None)

    def keep(self, gallery: OpenGallery, name: str, text: str) -> None:
        """Seal something into the home in the place of what it keeps."""
        sealed = gallery.keyring.seal(HOME, text.encode(), record=name, column=COLUMN)
        (gallery.settings.home / SEALED[name]).write_bytes(sealed)

    @pytest.mark.parametrize("count", [pytest.param(300, id="a small one"), pytest.param(FEWEST_SUBJECTS, id="large")])
    def test_calibrated_again_the_same_gallery_says_the_same(self, gallery: OpenGallery, count: int) -> None:
        calibration, records = self.calibration(gallery), self.records(count)

        first, again = (self.calibrate(calibration, records) for _ in range(2))

        assert again.model_copy(update={"made_at": first.made_at}) == first
        assert first.made_from == ("gallery" if count == FEWEST_SUBJECTS else "population")

    def test_the_population_of_people_who_left_goes(self, gallery: OpenGallery) -> None:
        self.calibrate(self.calibration(gallery), self.records(300, seed=1))
        before = self.calibration(gallery).scale()

        made = self.calibrate(self.calibration(gallery), self.records(300, seed=2))

        after = self.calibration(gallery).scale()
        assert before is not None
        assert after is not None
        assert after.calibration == made
        assert made.population == after.cohort.population.digest != before.cohort.population.digest

    def test_it_goes_where_the_pack_has_its_own_by_now(self, gallery: OpenGallery) -> None:
        self.calibrate(self.calibration(gallery), self.records(300))
        (gallery.settings.home.parent / "pack").mkdir()
        drawn = made_up_population(self.DIM).draw(200, seed=9, templates_per_subject=2)
        of_pack = fit_population(
            drawn.templates, drawn.subjects, pack_digest=self.DIGEST, person_shape=20, picture_shape=2
        )
        (gallery.settings.home.parent / "pack" / POPULATION).write_text(write_population(of_pack), encoding="ascii")

        made = self.calibrate(self.calibration(gallery, "pack"), self.records(FEWEST_SUBJECTS))

        assert made.population == of_pack.digest
        assert not (gallery.settings.home / SEALED[POPULATION]).exists()

    @pytest.mark.parametrize("name", SEALED)
    def test_what_cannot_be_read_stops_searches_until_it_is_made_again(self, gallery: OpenGallery, name: str) -> None:
        records = self.records(300)
        self.calibrate(self.calibration(gallery), records)
        self.keep(gallery, name, '{"format": 2}')
        calibration = self.calibration(gallery)

        for _ in range(2):
            with pytest.raises(IntegrityError) as caught:
                calibration.scale()
            assert caught.value.code == "calibration-unreadable"
            assert "countenance calibrate" in caught.value.hint
        made = self.calibrate(calibration, records)

        scale = calibration.scale()
        assert scale is not None
        assert scale.calibration == made

    @pytest.mark.parametrize("name", SEALED)
    def test_what_cannot_be_read_goes_where_too_few_people_are_left_for_another(
        self, gallery: OpenGallery, name: str
    ) -> None:
        self.calibrate(self.calibration(gallery), self.records(300))
        self.keep(gallery, name, '{"format": 2}')
        calibration = self.calibration(gallery)

        with pytest.raises(InvalidInputError) as caught:
            self.calibrate(calibration, self.records(1))

        assert caught.value.code == "population-too-small"
        assert calibration.scale() is None
        assert not any((gallery.settings.home / kept).exists() for kept in SEALED.values())

    def test_what_can_be_read_stays_where_too_few_people_are_left_for_another(self, gallery: OpenGallery) -> None:
        made = self.calibrate(self.calibration(gallery), self.records(300))

        with pytest.raises(InvalidInputError):
            self.calibrate(self.calibration(gallery), self.records(1))

        scale = self.calibration(gallery).scale()
        assert scale is not None
        assert scale.calibration == made

    def test_between_the_two_writes_a_process_uses_what_it_used_before(self, gallery: OpenGallery) -> None:
        searching, records = self.calibration(gallery), self.records(300, seed=1)
        made = self.calibrate(searching, records)
        assert searching.scale() is not None
        drawn = made_up_population(self.DIM).draw(200, seed=9, templates_per_subject=2)
        other = fit_population(
            drawn.templates, drawn.subjects, pack_digest=self.DIGEST, person_shape=20, picture_shape=2
        )

        self.keep(gallery, POPULATION, write_population(other))

        scale = searching.scale()
        assert scale is not None
        assert (scale.calibration, scale.cohort.population.digest) == (made, made.population)
        assert self.calibration(gallery).scale() is None

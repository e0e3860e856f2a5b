"""The calibration of a home: which one is in use, and making a new one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock

import numpy as np

from countenance.bootstrap.settings import Settings
from countenance.core.arrays import Templates
from countenance.core.errors import ConflictError, NotFoundError
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.search.calibration import (
    CALIBRATION,
    FEWEST_SUBJECTS,
    Calibration,
    calibrate_gallery,
    calibrate_people,
    read_calibration,
)
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Sample, Subjects, sample_subjects
from countenance.search.scale import ScoreScale
from countenance.vision.pack import ModelPack
from countenance.vision.population import (
    POPULATION,
    TYPICAL_SHAPES,
    Population,
    fit_population,
    pack_population,
    read_population,
    write_population,
)


class HomeCalibration:
    """What scores mean in one home: the gallery's own calibration, else the model pack's. Thread-safe."""

    def __init__(self, settings: Settings, pack: ModelPack) -> None:
        """Read nothing yet."""
        self._home = settings.home
        self._pack = pack
        self._lock = Lock()
        self._seen: tuple[object, ...] = ()
        self._scale: ScoreScale | None = None

    def scale(self) -> ScoreScale | None:
        """Return the cohort and calibration in use; None where there is no population for this model pack.

        A new calibration is used from the next search on. One that is of another pack or can't be read is passed over.
        """
        with self._lock:
            seen = tuple(_stamp(self._home / name) for name in (CALIBRATION, POPULATION))
            if seen != self._seen:
                self._scale, self._seen = self._load(), seen
            return self._scale

    def kept(self) -> Calibration:
        """Return the gallery's own calibration, or else the model pack's.

        Raises:
            NotFoundError: code `calibration-missing`; there is neither.
            IntegrityError: code `calibration-unreadable`.
            ConflictError: code `calibration-of-another-pack`.
        """
        population = self._population()
        for folder in (self._home, self._pack.folder):
            path = folder / CALIBRATION
            if population is not None and path.is_file():
                return self._read(path, population)
        raise NotFoundError(
            "there is no calibration for this model pack",
            code="calibration-missing",
            hint="make one with `countenance calibrate`",
        )

    def calibrate(self, records: Records, *, on_progress: Callable[[int], None]) -> Calibration:
        """Calibrate over the gallery and keep it; a model pack without a population gets the gallery's.

        Raises:
            ConflictError: codes `pack-mismatch`, `gallery-too-small-to-calibrate`; nothing was written.
            InvalidInputError: code `population-too-small`; nothing was written.
        """
        snapshot = records.snapshot()
        if snapshot.pack_digest not in {None, self._pack.digest}:
            raise ConflictError(
                "this gallery holds templates of another model pack than the one in use",
                code="pack-mismatch",
                hint="set COUNTENANCE_MODEL_PACK to the pack that it was made with",
            )
        sample = sample_subjects(_eligible(records, snapshot), subjects=snapshot.subjects)
        population, fitted = self._population(), None
        if population is None:
            population = fitted = fit_population(
                sample.templates, sample.subjects, pack_digest=self._pack.digest, **TYPICAL_SHAPES
            )
        calibration = self._calibrated(sample, ReferenceCohort(population), snapshot, fitted, on_progress)
        if fitted is not None:
            _write(self._home / POPULATION, write_population(fitted))
        _write(self._home / CALIBRATION, calibration.model_dump_json() + "\n")
        return calibration

    def _calibrated(
        self,
        sample: Sample,
        cohort: ReferenceCohort,
        snapshot: Snapshot,
        fitted: Population | None,
        on_progress: Callable[[int], None],
    ) -> Calibration:
        """Calibrate over the gallery; over the people of a population that was fitted to it where it is too small."""
        digest = self._pack.digest
        if fitted is not None and snapshot.subjects < FEWEST_SUBJECTS:
            return calibrate_people(sample, cohort, pack_digest=digest)
        return calibrate_gallery(
            sample,
            cohort,
            pack_digest=digest,
            snapshot=snapshot,
            fitted=fitted is not None,
            on_progress=on_progress,
        )

    def _load(self) -> ScoreScale | None:
        """Join what is on disk."""
        population = self._population()
        if population is None:
            return None
        cohort = ReferenceCohort(population)
        for folder in (self._home, self._pack.folder):
            path = folder / CALIBRATION
            if path.is_file():
                try:
                    return ScoreScale(cohort=cohort, calibration=self._read(path, population))
                except ConflictError:
                    continue
        return None

    def _read(self, path: Path, population: Population) -> Calibration:
        return read_calibration(path.read_bytes(), pack_digest=self._pack.digest, population_digest=population.digest)

    def _population(self) -> Population | None:
        """Return the pack's population, or the one that was fitted to the gallery."""
        own = pack_population(self._pack)
        path = self._home / POPULATION
        if own is not None or not path.is_file():
            return own
        fitted = read_population(path.read_bytes())
        return fitted if fitted.pack_digest == self._pack.digest else None


def _eligible(records: Records, snapshot: Snapshot) -> Iterator[tuple[Subjects, Templates]]:
    """Stream the templates of the sources that may be searched."""
    active = set(records.active_sources())
    for batch in records.template_batches(after_row=0, last_row=snapshot.last_row):
        if batch.source_id in active:
            yield np.asarray(batch.subjects), batch.templates


def _stamp(path: Path) -> object:
    """Return what changes when a file is written again; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="ascii")
    part.chmod(0o600)
    part.replace(path)

"""The calibration of a home: which one is in use, and making a new one."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np

from countenance.adapters.durable import overwrite_and_delete, replace_synced
from countenance.bootstrap.settings import Settings
from countenance.core.arrays import Templates
from countenance.core.errors import ConflictError, IntegrityError, InvalidInputError, NotFoundError
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.gallery.sources import active_subjects
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring
from countenance.search.calibration import (
    CALIBRATION,
    FEWEST_SUBJECTS,
    Calibration,
    calibrate_gallery,
    calibrate_people,
    read_calibration,
)
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Subjects, sample_subjects
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

SEALED = {CALIBRATION: "calibration.sealed", POPULATION: "population.sealed"}
"""What the files are called in a home; a model pack's are not sealed."""

COLUMN = "statistics"

TOO_SMALL = frozenset({"gallery-too-small-to-calibrate", "population-too-small"})
"""What says that there are too few people for a calibration of their own."""


class HomeCalibration:
    """What scores mean in one home: the gallery's own calibration, else the model pack's. Thread-safe."""

    def __init__(self, settings: Settings, pack: ModelPack, keyring: Keyring) -> None:
        """Read nothing yet."""
        self._home = settings.home
        self._keyring = keyring
        self._pack = pack
        self._lock = Lock()
        self._seen: tuple[object, ...] = ()
        self._scale: ScoreScale | None = None

    def scale(self) -> ScoreScale | None:
        """Return the cohort and calibration in use; None where there is no population for this model pack.

        A new calibration is used from the next search on. One that is of another pack is passed over. One that can't be
        read is not: another would say something else of the same scores.

        Raises:
            IntegrityError: codes `calibration-unreadable`, `sealed-damaged`, `key-missing`; nothing may be said of
                scores until `calibrate` has made it again.
        """
        with self._lock:
            seen = tuple(_stamp(self._home / name) for name in SEALED.values())
            if seen != self._seen:
                # While `calibrate` puts a population and its calibration in place, one after the other, they don't fit
                # together: what was in use stays in use.
                self._scale, self._seen = self._load() or self._scale, seen
            return self._scale

    def kept(self) -> Calibration:
        """Return the gallery's own calibration, or else the model pack's.

        Raises:
            NotFoundError: code `calibration-missing`; there is neither.
            IntegrityError: code `calibration-unreadable`.
            ConflictError: code `calibration-of-another-pack`.
        """
        population = self._population()
        for text in self._calibrations():
            if population is not None:
                return self._read(text, population)
        raise NotFoundError(
            "there is no calibration for this model pack",
            code="calibration-missing",
            hint="make one with `countenance calibrate`",
        )

    def calibrate(self, records: Records, *, on_progress: Callable[[int], None]) -> Calibration:
        """Calibrate over the gallery and keep it; a model pack without a population gets the gallery's, fitted anew.

        What was kept before is not read, and goes; where there are too few people for a new one, it goes if it can't be
        read, and the model pack's stands in. Killed between the two files of a fitted population and its
        calibration, it leaves two that don't fit together, which are passed over: run it again.

        Raises:
            ConflictError: codes `pack-mismatch`, `gallery-too-small-to-calibrate`; nothing was written.
            InvalidInputError: code `population-too-small`; nothing was written.
        """
        try:
            return self._calibrated(records, on_progress)
        except (ConflictError, InvalidInputError) as error:
            if error.code in TOO_SMALL:
                self._forget_unreadable()
            raise

    def _forget_unreadable(self) -> None:
        """Take away what the home keeps, if it can't be read, but not because its key is missing."""
        try:
            self.scale()
        except IntegrityError as error:
            if error.code != "key-missing":
                for name in SEALED.values():
                    (self._home / name).unlink(missing_ok=True)

    def _calibrated(self, records: Records, on_progress: Callable[[int], None]) -> Calibration:
        """Do what `calibrate` says."""
        snapshot = records.snapshot()
        if snapshot.pack_digest not in {None, self._pack.digest}:
            raise ConflictError(
                "this gallery holds templates of another model pack than the one in use",
                code="pack-mismatch",
                hint="set COUNTENANCE_MODEL_PACK to the pack that it was made with",
            )
        active = active_subjects(records)
        sample = sample_subjects(_eligible(records, snapshot), subjects=active)
        of_pack = pack_population(self._pack)
        population = of_pack or fit_population(
            sample.templates, sample.subjects, pack_digest=self._pack.digest, **TYPICAL_SHAPES
        )
        cohort = ReferenceCohort(population)
        if of_pack is None and active < FEWEST_SUBJECTS:
            calibration = calibrate_people(sample, cohort, pack_digest=self._pack.digest)
        else:
            calibration = calibrate_gallery(
                sample,
                cohort,
                pack_digest=self._pack.digest,
                revision=snapshot.revision,
                active=active,
                fitted=of_pack is None,
                on_progress=on_progress,
            )
        if of_pack is None:
            _keep(self._home, self._keyring, POPULATION, write_population(population).encode())
        _keep(self._home, self._keyring, CALIBRATION, calibration.model_dump_json().encode())
        if of_pack is not None:
            (self._home / SEALED[POPULATION]).unlink(missing_ok=True)
        return calibration

    def _load(self) -> ScoreScale | None:
        """Join what is on disk."""
        population = self._population()
        if population is None:
            return None
        cohort = ReferenceCohort(population)
        for text in self._calibrations():
            try:
                return ScoreScale(cohort=cohort, calibration=self._read(text, population))
            except ConflictError:
                continue
        return None

    def _calibrations(self) -> Iterator[bytes]:
        """Return the gallery's own calibration, then the model pack's."""
        own = self._own(CALIBRATION)
        if own is not None:
            yield own
        if (self._pack.folder / CALIBRATION).is_file():
            yield (self._pack.folder / CALIBRATION).read_bytes()

    def _own(self, name: str) -> bytes | None:
        """Return what the home keeps of its own."""
        path = self._home / SEALED[name]
        if not path.is_file():
            return None
        return self._keyring.open(HOME, path.read_bytes(), record=name, column=COLUMN)

    def _read(self, text: bytes, population: Population) -> Calibration:
        return read_calibration(text, pack_digest=self._pack.digest, population_digest=population.digest)

    def _population(self) -> Population | None:
        """Return the pack's population, or the one that was fitted to the gallery."""
        of_pack = pack_population(self._pack)
        own = self._own(POPULATION) if of_pack is None else None
        if own is None:
            return of_pack
        try:
            fitted = read_population(own)
        except InvalidInputError as error:
            raise IntegrityError(
                f"the calibration can't be read: {error}",
                code="calibration-unreadable",
                hint="make it again with `countenance calibrate`",
            ) from None
        return fitted if fitted.pack_digest == self._pack.digest else None


def _eligible(records: Records, snapshot: Snapshot) -> Iterator[tuple[Subjects, Templates]]:
    """Stream the templates of the sources that may be searched."""
    active = set(records.active_sources())
    for batch in records.template_batches(last_row=snapshot.last_row):
        if batch.block in active:
            yield np.asarray(batch.subjects), batch.templates


def _stamp(path: Path) -> object:
    """Return what changes when a file is written again; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _keep(home: Path, keyring: Keyring, name: str, text: bytes) -> None:
    """Seal what the home keeps of its own: statistics of people's scores and templates are about these people."""
    replace_synced(home / SEALED[name], keyring.seal(HOME, text, record=name, column=COLUMN))


def seal_older_statistics(settings: Settings, keyring: Keyring) -> None:
    """Seal what an older version kept in the clear, and overwrite it; cut off, it is finished the next time.

    Another process may do the same at once: what it has overwritten is not sealed.
    """
    for name in SEALED:
        with suppress(FileNotFoundError):
            text = (settings.home / name).read_bytes()
            if text.startswith(b"{"):
                _keep(settings.home, keyring, name, text)
            overwrite_and_delete(settings.home / name)

"""Calibration: from many non-mated comparisons to the curve that says what a normalised score means."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.stats import chi2

from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, IntegrityError
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import (
    Comparisons,
    Sample,
    among,
    compare,
    highest_of_two_people,
    joined,
    stand_ins,
)
from countenance.search.strangers import StrangerCurve, fit_curve

CALIBRATION = "calibration.json"
"""In a gallery's home, and beside a pack's manifest; neither need have one."""

PROBES = 1_500
"""Subjects who stand in as probes."""

CHECK_PROBES = 300
"""Further subjects, whose strangers are counted to check the curve."""

FEWEST_SUBJECTS = 2_000
"""Gallery from which a calibration may be made; below, its 2 million pairs say too little of the tail, and the pack's
population stands in."""

PARTS = 3
"""Parts of a population's people within which the spread between probes is measured."""

STALE = 1.25
"""Growth or shrinkage of the gallery after which its calibration is called stale."""


class Check(BaseModel):
    """How many strangers were counted where the curve expects so many, over probes that it was not fitted to.

    Attributes:
        rate: Of the curve.
        expected: `rate` times the pairs of these probes and their strangers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float
    probes: int
    expected: float
    counted: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % interval of a Poisson mean, given the count.

        Source:
            Garwood 1936, "Fiducial limits for the Poisson distribution".
        """
        low = float(chi2.ppf(0.05, 2 * self.counted)) / 2 if self.counted else 0.0
        return low, float(chi2.ppf(0.95, 2 * self.counted + 2)) / 2


class Calibration(BaseModel):
    """What normalised scores mean, for one model pack, over one gallery or over the pack's population.

    Attributes:
        pack: Digest of the pack; of another one it must not be used.
        population: Digest of the population whose cohort the scores are normalised by.
        made_from: The gallery's own templates, or those of the people whom the pack's population was fitted to.
        data: Hex SHA-256 of the templates that it was made from.
        revision: The gallery's, when it was made; 0 for a population.
        subjects: How many the gallery's active sources had, or the population was fitted to.
        doubles: Pairs of subjects left out since they may be one person under two names.
        checks: Counted against expected, a decade each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    pack: str
    population: str
    made_from: Literal["gallery", "population"]
    made_at: datetime
    data: str
    revision: int
    subjects: int
    doubles: int
    curve: StrangerCurve
    checks: list[Check]

    def is_stale(self, active: int) -> bool:
        """Say whether the gallery has grown or shrunk so much that the calibration should be made again.

        Args:
            active: How many subjects all active sources have, whichever of them a search may look at.
        """
        if self.made_from == "population":
            return active >= FEWEST_SUBJECTS
        return not self.subjects / STALE <= active <= self.subjects * STALE

    def people(self, *, subjects: int, templates: int) -> int:
        """Return the number of people that a search is one of.

        A gallery's own curve was made with what subjects are compared by, so it counts subjects. A population's was
        made with one template a subject; a mean of several scores higher, but less than as many people would: so it
        counts templates, at least as many strangers as there are (ADR 0026).

        Args:
            subjects: How many are searched.
            templates: How many these have.
        """
        return subjects if self.made_from == "gallery" else templates


def calibrate_gallery(
    sample: Sample,
    cohort: ReferenceCohort,
    *,
    pack_digest: str,
    revision: int,
    active: int,
    fitted: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Calibration:
    """Calibrate over a gallery's own templates.

    Args:
        revision: The gallery's.
        active: How many subjects its active sources have.
        fitted: The cohort's population was fitted to this very sample.
        on_progress: Told how many subjects more were compared.

    Raises:
        ConflictError: code `gallery-too-small-to-calibrate`.
    """
    count = len(sample.starts)
    if count < FEWEST_SUBJECTS:
        raise ConflictError(
            f"{count} subjects are too few to calibrate with: {FEWEST_SUBJECTS:,} are needed",
            code="gallery-too-small-to-calibrate",
            hint="until then the model pack's own population is used where it has one",
        )
    probes, checking = (
        stand_ins(sample, cohort, first=first, count=many, fitted=fitted)
        for first, many in ((0, PROBES), (PROBES, CHECK_PROBES))
    )
    curve, doubles = _curve(compare(sample, probes, on_progress), subjects=count)
    return Calibration(
        pack=pack_digest,
        population=cohort.population.digest,
        made_from="gallery",
        made_at=utc_now(),
        data=_digest(sample),
        revision=revision,
        subjects=active,
        doubles=doubles,
        curve=curve,
        checks=check_curve(curve, compare(sample, checking)),
    )


def calibrate_people(sample: Sample, cohort: ReferenceCohort, *, pack_digest: str) -> Calibration:
    """Calibrate over the people whom the cohort's population was fitted to, for galleries too small for their own.

    Everybody's last picture is compared with everybody else's first one. The spread between probes is measured within
    each of a few parts of the people, by a population that was fitted to the others: one that knows the strangers
    predicts too well how many of them score high. The checks are of the curve of one half of the people, held against
    the other half.
    """
    people = np.arange(len(sample.starts))
    curve, doubles = _curve(among(sample, cohort, people), subjects=len(people))
    parts = [among(sample, cohort, people[part::PARTS], parts=PARTS) for part in range(PARTS)]
    apart, _ = _curve(joined(parts), subjects=len(people))
    half = len(people) // 2
    trial, _ = _curve(among(sample, cohort, people[:half]), subjects=half)
    return Calibration(
        pack=pack_digest,
        population=cohort.population.digest,
        made_from="population",
        made_at=utc_now(),
        data=_digest(sample),
        revision=0,
        subjects=len(people),
        doubles=doubles,
        curve=curve.model_copy(update={"spread": apart.spread}),
        checks=check_curve(trial, among(sample, cohort, people[half:])),
    )


def read_calibration(text: str | bytes, *, pack_digest: str, population_digest: str) -> Calibration:
    """Read a calibration and hold it against the pack and population in use.

    Raises:
        IntegrityError: code `calibration-unreadable`.
        ConflictError: code `calibration-of-another-pack`.
    """
    try:
        calibration = Calibration.model_validate_json(text)
    except ValidationError as error:
        raise IntegrityError(
            f"the calibration can't be read: {error.errors()[0]['msg']}",
            code="calibration-unreadable",
            hint="make it again with `countenance calibrate`",
        ) from None
    if (calibration.pack, calibration.population) != (pack_digest, population_digest):
        raise ConflictError(
            "the calibration was made for another model pack than the one in use",
            code="calibration-of-another-pack",
            hint="make it again with `countenance calibrate`",
        )
    return calibration


def check_curve(curve: StrangerCurve, found: Comparisons) -> list[Check]:
    """Count strangers at each decade of the curve's rate, over probes that had no part in it."""
    pairs = int(found.strangers.sum())
    checks = []
    for decade in range(-2, -10, -1):
        rate = 10.0**decade
        if rate >= curve.floor and rate * pairs >= 1:
            counted = int(np.count_nonzero(found.scores >= curve.score_at(rate)))
            checks.append(Check(rate=rate, probes=len(found.strangers), expected=rate * pairs, counted=counted))
    return checks


def _curve(found: Comparisons, *, subjects: int) -> tuple[StrangerCurve, int]:
    """Fit the curve without the pairs that may be one person under two names; count those.

    Where pictures of one person were compared, these are the pairs that are more alike than half of them, as in an
    evaluation (ADR 0021); elsewhere those too far above the others to be two people. The second rule takes look-alikes
    out too, where pairs are few (ADR 0025).
    """
    highest = float(np.median(found.mates)) if len(found.mates) else highest_of_two_people(found.scores)
    kept = found.scores < highest
    curve = fit_curve(found.scores[kept], found.probes[kept], strangers=found.strangers, above_tenth=found.above_tenth)
    # Two subjects who are each other's strangers were seen twice, which says little more than once.
    pairs = min(curve.pairs, subjects * (subjects - 1) // 2)
    return curve.model_copy(update={"pairs": pairs}), int(np.count_nonzero(~kept))


def _digest(sample: Sample) -> str:
    return hashlib.sha256(sample.subjects.tobytes() + sample.templates.tobytes()).hexdigest()

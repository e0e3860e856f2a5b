"""Calibration: from many non-mated comparisons to the curve that says what a normalised score means."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.stats import chi2

from countenance.core.arrays import Scores, Templates
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, IntegrityError
from countenance.gallery.model import Snapshot
from countenance.search.cohort import SEED, ReferenceCohort
from countenance.search.strangers import HIGHEST_RATE, StrangerCurve, fit_curve

CALIBRATION = "calibration.json"
"""In a gallery's home, and beside a pack's manifest; neither need have one."""

PROBES = 1_500
"""Subjects who stand in as probes."""

CHECK_PROBES = 300
"""Further subjects, whose strangers are counted to check the curve."""

STRANGERS = 200_000
"""Subjects whom each of them is compared with, at most: 300 million pairs, half a minute on one core."""

FEWEST_SUBJECTS = 2_000
"""Gallery from which a calibration may be made; below, its 2 million pairs say too little of the tail, and the pack's
population stands in."""

POPULATION_PAIRS = 1_000_000
"""Pairs that a population's calibration counts as made from, however many were drawn: what it says of real people
rests on those whom it was fitted to, some 1,700, who make about as many pairs."""

STALE = 1.25
"""Growth or shrinkage of the gallery after which its calibration is called stale."""

DOUBLE = 0.01
"""A pair of subjects is suspected to be one person under two names where fewer than this many pairs with its score are
expected among all that were compared."""

TAIL_RANK = 500
"""Rank of the score that the search for double identities extrapolates from."""

BLOCK = 4_096
"""Subjects compared at a time."""

Subjects = NDArray[np.int64]


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
        made_from: The gallery's own templates, or the population's.
        data: Hex SHA-256 of the templates that it was made from.
        revision: The gallery's, when it was made; 0 for a population.
        subjects: How many the gallery had, or were drawn.
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

    def is_stale(self, snapshot: Snapshot) -> bool:
        """Say whether the gallery has grown or shrunk so much that the calibration should be made again."""
        if self.made_from == "population":
            return snapshot.subjects >= FEWEST_SUBJECTS
        return not self.subjects / STALE <= snapshot.subjects <= self.subjects * STALE

    def people(self, snapshot: Snapshot) -> int:
        """Return the number of people that a search of this gallery is one of.

        A gallery's own curve was made with the best of each subject's templates, so it counts subjects. A population's
        was made with one template a subject, so it counts templates: at least as many strangers as there are.
        """
        return snapshot.subjects if self.made_from == "gallery" else snapshot.templates


class Sample(NamedTuple):
    """Templates to calibrate with: float32, shape (n, d); subjects int64, shape (n,), equal ones side by side."""

    templates: Templates
    subjects: Subjects


class Comparisons(NamedTuple):
    """Normalised scores that are high enough to matter, whose they are, and how many strangers each probe had."""

    scores: Scores
    probes: Subjects
    strangers: Subjects


def calibrate_gallery(
    sample: Sample,
    cohort: ReferenceCohort,
    *,
    pack_digest: str,
    snapshot: Snapshot,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Calibration:
    """Calibrate over a gallery's own templates.

    Args:
        on_progress: Told how many subjects more were compared.

    Raises:
        ConflictError: code `gallery-too-small-to-calibrate`.
    """
    count = len(np.unique(sample.subjects))
    if count < FEWEST_SUBJECTS:
        raise ConflictError(
            f"{count} subjects are too few to calibrate with: {FEWEST_SUBJECTS:,} are needed",
            code="gallery-too-small-to-calibrate",
            hint="until then the model pack's own population is used where it has one",
        )
    curve, doubles = _curve(sample, cohort, on_progress)
    checks = check_curve(curve, sample, cohort)
    return Calibration(
        pack=pack_digest,
        population=cohort.population.digest,
        made_from="gallery",
        made_at=utc_now(),
        data=_digest(sample),
        revision=snapshot.revision,
        subjects=snapshot.subjects,
        doubles=doubles,
        curve=curve,
        checks=checks,
    )


def calibrate_population(cohort: ReferenceCohort, *, pack_digest: str, strangers: int = STRANGERS) -> Calibration:
    """Calibrate over people drawn from the pack's population."""
    drawn = cohort.population.draw(strangers, seed=SEED + 1)
    sample = Sample(drawn.templates, drawn.subjects)
    curve, doubles = _curve(sample, cohort, lambda _: None)
    curve = curve.model_copy(update={"pairs": min(curve.pairs, POPULATION_PAIRS)})
    checks = check_curve(curve, sample, cohort)
    return Calibration(
        pack=pack_digest,
        population=cohort.population.digest,
        made_from="population",
        made_at=utc_now(),
        data=_digest(sample),
        revision=0,
        subjects=strangers,
        doubles=doubles,
        curve=curve,
        checks=checks,
    )


def sample_subjects(batches: Iterable[tuple[Subjects, Templates]], *, subjects: int, wanted: int = STRANGERS) -> Sample:
    """Keep all templates of about `wanted` subjects, the same ones each time, in the order of a hash of their numbers.

    Args:
        batches: Subject numbers and templates, in any order.
        subjects: How many there are in all.
    """
    share = min(1.0, wanted / max(subjects, 1))
    kept_subjects, kept_templates = [np.zeros(0, np.int64)], []
    for numbers, templates in batches:
        chosen = _hash(numbers) < share * 2.0**64
        kept_subjects.append(numbers[chosen])
        kept_templates.append(templates[chosen])
    numbers = np.concatenate(kept_subjects)
    if not len(numbers):
        return Sample(np.zeros((0, 1), np.float32), numbers)
    order = np.lexsort((numbers, _hash(numbers)))
    return Sample(np.concatenate(kept_templates)[order], numbers[order])


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


def check_curve(curve: StrangerCurve, sample: Sample, cohort: ReferenceCohort) -> list[Check]:
    """Count strangers at each decade of the curve's rate, over probes that had no part in it."""
    scores, _, strangers = compare(sample, cohort, first_probe=PROBES, probes=CHECK_PROBES)
    pairs = int(strangers.sum())
    checks = []
    for decade in range(-2, -10, -1):
        rate = 10.0**decade
        if rate >= curve.floor and rate * pairs >= 1:
            counted = int(np.count_nonzero(scores >= curve.score_at(rate)))
            checks.append(Check(rate=rate, probes=len(strangers), expected=rate * pairs, counted=counted))
    return checks


def compare(
    sample: Sample,
    cohort: ReferenceCohort,
    on_progress: Callable[[int], None] = lambda _: None,
    *,
    first_probe: int = 0,
    probes: int = PROBES,
) -> Comparisons:
    """Compare some subjects' first templates with all other subjects, each by its best template."""
    starts = np.flatnonzero(np.r_[True, sample.subjects[1:] != sample.subjects[:-1]])
    rows = sample.templates[starts[first_probe : first_probe + probes]]
    offsets = cohort.offsets(rows).astype(np.float32)
    cut, scores, whose = None, [], []
    for first, best in _best_scores(sample, starts, rows):
        normalised = best - offsets
        own = np.arange(max(first, first_probe), min(first + len(best), first_probe + len(rows)))
        normalised[own - first, own - first_probe] = -np.inf
        if cut is None:
            cut = np.quantile(normalised[np.isfinite(normalised)], 1 - 1.5 * HIGHEST_RATE)
        stranger, probe = np.nonzero(normalised >= cut)
        scores.append(normalised[stranger, probe].astype(np.float64))
        whose.append(probe.astype(np.int64))
        on_progress(len(best))
    strangers = np.full(len(rows), len(starts) - 1, np.int64)
    return Comparisons(np.concatenate(scores), np.concatenate(whose), strangers)


def _best_scores(
    sample: Sample, starts: NDArray[np.intp], probes: Templates
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield blocks of the best score of each subject (rows) to each probe (columns), with the first subject's place."""
    ends = np.r_[starts[1:], len(sample.subjects)]
    for first in range(0, len(starts), BLOCK):
        low, high = starts[first], ends[min(first + BLOCK, len(starts)) - 1]
        scores = sample.templates[low:high] @ probes.T
        yield first, np.maximum.reduceat(scores, starts[first : first + BLOCK] - low, axis=0)


def _curve(sample: Sample, cohort: ReferenceCohort, on_progress: Callable[[int], None]) -> tuple[StrangerCurve, int]:
    """Fit the curve without the pairs that are too far above the others to be two people."""
    scores, probes, strangers = compare(sample, cohort, on_progress)
    kept = scores < highest_of_two_people(scores)
    return fit_curve(scores[kept], probes[kept], strangers=strangers), int(np.count_nonzero(~kept))


def highest_of_two_people(scores: Scores) -> float:
    """Return the score that fewer than `DOUBLE` pairs of two people are expected to reach.

    Extrapolated from the order statistics at k, 2 k and 4 k, which a few pairs of one person under two names don't
    move; with a shape below 0, so that the bound is a finite one.

    Source:
        Pickands 1975, "Statistical inference using extreme order statistics", equation 6.
    """
    k = min(TAIL_RANK, len(scores) // 8)
    if k < 1:
        return math.inf
    falling = np.sort(scores)[::-1]
    near, middle, far = (float(falling[rank - 1]) for rank in (k, 2 * k, 4 * k))
    if not near > middle > far:
        return math.inf
    shape = min(math.log2((near - middle) / (middle - far)), -1e-6)
    return near + (near - middle) / (1 - math.pow(2, -shape)) * (math.pow(k / DOUBLE, shape) - 1)


def _digest(sample: Sample) -> str:
    return hashlib.sha256(sample.subjects.tobytes() + sample.templates.tobytes()).hexdigest()


def _hash(numbers: Subjects) -> NDArray[np.uint64]:
    """Return a number's place in a fixed shuffled order.

    Source:
        The finalizer of SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

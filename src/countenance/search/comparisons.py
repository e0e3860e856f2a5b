"""Comparisons of many probes with strangers: what a calibration is made from."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Scores, Templates
from countenance.search.cohort import Placed, ReferenceCohort
from countenance.search.strangers import HIGHEST_RATE
from countenance.vision.population import refit_population

STRANGERS = 200_000
"""Subjects whom each probe is compared with, at most: with 1,500 probes 300 million pairs, half a minute a core."""

REFITS = 20
"""Parts that people are split into; each part is placed by a cohort that was fitted to the people of the others."""

DOUBLE = 0.01
"""A pair of subjects is suspected to be one person under two names where fewer than this many pairs with its score are
expected among all that were compared."""

TAIL_RANK = 500
"""Rank of the score that the search for double identities extrapolates from."""

BLOCK = 4_096
"""Subjects compared at a time."""

Subjects = NDArray[np.int64]


class Sample(NamedTuple):
    """Templates to calibrate with: float32, shape (n, d); subjects int64, shape (n,), equal ones side by side."""

    templates: Templates
    subjects: Subjects

    @property
    def starts(self) -> NDArray[np.intp]:
        """The first row of each subject."""
        return np.flatnonzero(np.r_[True, self.subjects[1:] != self.subjects[:-1]])


class Probes(NamedTuple):
    """Subjects who stand in as probes.

    Attributes:
        templates: One template each: float32, shape (n, d).
        places: int64, shape (n,): each one's own place among the sample's subjects.
        placed: Where each stands against the cohort.
    """

    templates: Templates
    places: Subjects
    placed: Placed


class Comparisons(NamedTuple):
    """What many probes score against their strangers.

    Attributes:
        scores: float64: the normalised scores that are high enough to matter.
        probes: int64: whose they are.
        strangers: int64, shape (probes,): with how many each was compared.
        above_tenth: int64, shape (probes,): how many of those score what a tenth of the probe's cohort reaches.
        mates: float64: normalised scores of two pictures of one person each; none where they were not compared.
    """

    scores: Scores
    probes: Subjects
    strangers: Subjects
    above_tenth: Subjects
    mates: Scores


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


def stand_ins(sample: Sample, cohort: ReferenceCohort, *, first: int, count: int, fitted: bool) -> Probes:
    """Let some subjects' first templates stand in as probes.

    Args:
        fitted: The cohort's population was fitted to this very sample.
    """
    rows = sample.starts[first : first + count]
    placed = _left_out(sample, rows, cohort, REFITS) if fitted else cohort.place_all(sample.templates[rows])
    return Probes(sample.templates[rows], np.arange(first, first + len(rows)), placed)


def among(sample: Sample, cohort: ReferenceCohort, people: NDArray[np.intp], *, parts: int = REFITS) -> Comparisons:
    """Compare the last picture of each of some people with the first ones of the others of them.

    Args:
        people: Their places in the sample, to which the cohort's population was fitted.
        parts: Into how many the whole sample is split, to place each by a population fitted without its part: those
            whose places differ by a multiple of it are a part.
    """
    firsts, lasts = sample.starts[people], (np.r_[sample.starts[1:], len(sample.subjects)] - 1)[people]
    probes = Probes(sample.templates[lasts], np.arange(len(people)), _left_out(sample, lasts, cohort, parts))
    found = compare(Sample(sample.templates[firsts], sample.subjects[firsts]), probes)
    pairs = np.einsum("ij,ij->i", sample.templates[firsts], probes.templates) - probes.placed.offsets
    return found._replace(mates=pairs[firsts != lasts])


def joined(parts: Sequence[Comparisons]) -> Comparisons:
    """Join comparisons of different probes."""
    before = np.cumsum([0, *(len(part.strangers) for part in parts)])
    probes = [part.probes + first for part, first in zip(parts, before[:-1], strict=True)]
    scores, strangers, above, mates = (
        np.concatenate(column)
        for column in zip(*((part.scores, part.strangers, part.above_tenth, part.mates) for part in parts), strict=True)
    )
    return Comparisons(scores, np.concatenate(probes), strangers, above, mates)


def _left_out(sample: Sample, rows: NDArray[np.intp], cohort: ReferenceCohort, parts: int) -> Placed:
    """Place rows of a sample by cohorts that were fitted to the people of other parts of the sample.

    Parts go by people's places in the sample, in whatever order it is: `calibrate_people` counts on it.

    A population knows the people whom it was fitted to better than others: its cohort scores higher with them.

    Source:
        Cross-validation: Stone 1974, "Cross-validatory choice and assessment of statistical predictions".
    """
    part = np.cumsum(np.r_[False, sample.subjects[1:] != sample.subjects[:-1]]) % parts
    offsets, tenths = np.zeros(len(rows)), np.zeros(len(rows))
    for left_out in np.unique(part[rows]):
        kept, placed = part != left_out, part[rows] == left_out
        population = refit_population(cohort.population, sample.templates[kept], sample.subjects[kept])
        offsets[placed], tenths[placed] = ReferenceCohort(population).place_all(sample.templates[rows[placed]])
    return Placed(offsets, tenths)


def compare(sample: Sample, probes: Probes, on_progress: Callable[[int], None] = lambda _: None) -> Comparisons:
    """Compare probes with all other subjects, each by the mean direction of their templates, as a search does.

    Args:
        on_progress: Told how many subjects more were compared.
    """
    offsets = probes.placed.offsets.astype(np.float32)
    tenths = (probes.placed.tenths - probes.placed.offsets).astype(np.float32)
    above = np.zeros(len(probes.templates), np.int64)
    cut, scores, whose = None, [], []
    for first, best in _scores_of_subjects(sample, probes.templates):
        normalised = best - offsets
        [own] = np.nonzero((probes.places >= first) & (probes.places < first + len(best)))
        normalised[probes.places[own] - first, own] = -np.inf
        if cut is None:
            cut = np.quantile(normalised[np.isfinite(normalised)], 1 - 1.5 * HIGHEST_RATE)
        above += np.count_nonzero(normalised >= tenths, axis=0)
        stranger, probe = np.nonzero(normalised >= cut)
        scores.append(normalised[stranger, probe].astype(np.float64))
        whose.append(probe.astype(np.int64))
        on_progress(len(best))
    strangers = np.full(len(probes.templates), len(sample.starts) - 1, np.int64)
    return Comparisons(np.concatenate(scores), np.concatenate(whose), strangers, above, np.zeros(0))


def _scores_of_subjects(sample: Sample, probes: Templates) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield blocks of subjects' (rows) scores with each probe (columns), with the first subject's place."""
    starts = sample.starts
    ends = np.r_[starts[1:], len(sample.subjects)]
    for first in range(0, len(starts), BLOCK):
        low, high = starts[first], ends[min(first + BLOCK, len(starts)) - 1]
        fused = np.add.reduceat(sample.templates[low:high], starts[first : first + BLOCK] - low, axis=0)
        fused /= np.linalg.norm(fused, axis=1, keepdims=True)
        yield first, fused @ probes.T


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


def _hash(numbers: Subjects) -> NDArray[np.uint64]:
    """Return a number's place in a fixed shuffled order.

    Source:
        The finalizer of SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

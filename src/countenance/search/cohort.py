"""The reference cohort: made-up people whom every probe is compared with, to put its scores in proportion."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from countenance.core.arrays import Scores, Templates
from countenance.vision.population import Population

COHORT = 10_000
"""People in the cohort: at 128 dimensions one multiplication of 5 MB, under 1 ms a probe."""

BEST = 100
"""How many of the cohort's best scores are averaged: the best hundredth."""

SEED = 20_260_101
"""Of the cohort's draw. Fixed: one population has one cohort, so scores stay comparable over galleries and years."""

STRIP_LOW, STRIP_STEP, STRIP_BINS = -0.3, 0.05, 26
"""The histogram that people are shown: from -0.3 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proportion:
    """One probe's scores against the cohort.

    Attributes:
        offset: Mean of its best scores: what is subtracted from a cosine to make a normalised score.
        scores: float64, shape (cohort,): cosines of people who are all strangers to the probe.
    """

    offset: float
    scores: Scores

    def share_above(self, score: float) -> float:
        """Return the share of the cohort that scores at least as high."""
        return float(np.count_nonzero(self.scores >= score)) / len(self.scores)

    def strip(self) -> tuple[float, ...]:
        """Return the share of the cohort in each bin of the strip, from `STRIP_LOW` in steps of `STRIP_STEP`."""
        at = np.clip((self.scores - STRIP_LOW) / STRIP_STEP, 0, STRIP_BINS - 1).astype(np.int64)
        return tuple((np.bincount(at, minlength=STRIP_BINS) / len(self.scores)).tolist())


class Placed(NamedTuple):
    """Where many probes stand against the cohort.

    Attributes:
        offsets: float64, shape (n,): mean of each one's best scores.
        tenths: float64, shape (n,): the score that a tenth of the cohort reaches.
    """

    offsets: Scores
    tenths: Scores


class ReferenceCohort:
    """A population's cohort. Thread-safe; drawn at first need."""

    def __init__(self, population: Population) -> None:
        """Keep the population."""
        self.population = population

    @cached_property
    def templates(self) -> Templates:
        """The cohort: float32, shape (COHORT, d), unit L2 rows."""
        return self.population.draw(COHORT, seed=SEED).templates

    def place_all(self, probes: Templates) -> Placed:
        """Compare many probes, float32, shape (n, d), with the cohort.

        Source:
            Top-norm score normalisation without its division: Zigel, Wasserblat, "How to deal with multiple targets
            in speaker identification systems", Odyssey 2006; Matejka et al., "Analysis of score normalization in
            multilingual speaker recognition", Interspeech 2017. Why without, and why made-up people: ADR 0016.
        """
        placed = Placed(np.zeros(len(probes)), np.zeros(len(probes)))
        for at in range(0, len(probes), 256):
            scores = np.partition(probes[at : at + 256] @ self.templates.T, (-COHORT // 10, -BEST), axis=1)
            placed.offsets[at : at + 256] = scores[:, -BEST:].astype(np.float64).mean(axis=1)
            placed.tenths[at : at + 256] = scores[:, -COHORT // 10]
        return placed

    def place(self, probe: Templates) -> Proportion:
        """Compare one probe, float32, shape (1, d), with the cohort."""
        scores = (self.templates @ probe[0]).astype(np.float64)
        return Proportion(offset=float(np.partition(scores, -BEST)[-BEST:].mean()), scores=scores)

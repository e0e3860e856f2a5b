"""Expected strangers: how many people other than the mate would score at least as high, among those searched."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from scipy.stats import genpareto

from countenance.core.arrays import Scores
from countenance.search.cohort import BEST, COHORT, Proportion

WIDTH = 1.6449
"""Standard normal quantile of 95 %: an interval of 90 %, 5 % on each side."""

TAIL_SIZES = (250, 500, 1000, 2000, 4000)
"""Numbers of largest scores that a tail may be fitted to."""

NO_SHAPE = 1e-9
"""Shape below which the generalised Pareto distribution is computed as its limit, the exponential one."""

HIGHEST_RATE = 0.02
"""Rate at which the curve begins; scores that more people reach are counted in the probe's own cohort."""

BODY_POINTS = 48
"""Points that the measured part of the curve is kept by."""

FEWEST_COUNTED = 0.5
"""Strangers a probe, in the mean, from which the spread between probes is measured."""

MOST_SPREAD = 1.5
"""Largest relative spread between probes that is extrapolated to."""


Counts = NDArray[np.int64]


class Known(StrEnum):
    """How much is known of a number of strangers."""

    ESTIMATED = "estimated"
    FEWER_THAN = "fewer-than"
    NOT_KNOWN = "not-known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """How many people other than the mate are expected to score at least as high.

    Attributes:
        expected: The number; where only a bound is known, the bound; None where nothing is known.
        low: Lower end of the 90 % interval; None unless estimated.
        high: Upper end; None unless estimated.
    """

    known: Known
    expected: float | None = None
    low: float | None = None
    high: float | None = None


class Tail(BaseModel):
    """A generalised Pareto tail: above `start`, which a share `rate` reaches, P(z) falls as 1 - GPD(shape, scale)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: FiniteFloat
    rate: FiniteFloat = Field(gt=0)
    shape: FiniteFloat
    scale: FiniteFloat = Field(gt=0)
    size: int = Field(gt=0)

    def survival(self, excess: float) -> float:
        """Return the share of exceedances that are greater than `excess`, at least 0."""
        if abs(self.shape) < NO_SHAPE:
            return math.exp(-excess / self.scale)
        return float(max(1.0 + self.shape * excess / self.scale, 0.0) ** (-1.0 / self.shape))

    def excess(self, survival: float) -> float:
        """Return the inverse of `survival`, for 0 < survival <= 1."""
        if abs(self.shape) < NO_SHAPE:
            return -self.scale * math.log(survival)
        return float(self.scale / self.shape * (survival**-self.shape - 1.0))


class StrangerCurve(BaseModel):
    """How often a stranger reaches a normalised score, over many probes.

    Attributes:
        scores: Normalised scores, rising.
        rates: Share of strangers who reach each, falling.
        tail: What holds above the last of them.
        pairs: Pairs of a probe and a stranger that it was made from.
        spread: By rate (10 ** key): standard deviation between probes of the true rate, relative to the curve's.
        body: Where many reach a score, a share s of the probe's own cohort stands for a share s ** body of strangers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: list[FiniteFloat]
    rates: list[FiniteFloat]
    tail: Tail
    pairs: int
    spread: dict[int, FiniteFloat]
    body: FiniteFloat = Field(default=1.0, gt=0)

    @property
    def floor(self) -> float:
        """Least rate that the data support: one pair in all that were seen."""
        return 1.0 / self.pairs

    def rate(self, normalised: float) -> float:
        """Return the share of strangers expected to reach a normalised score; may be below the floor, or 0."""
        if normalised >= self.tail.start:
            return self.tail.rate * self.tail.survival(normalised - self.tail.start)
        return math.exp(float(np.interp(normalised, self.scores, np.log(self.rates))))

    def score_at(self, rate: float) -> float:
        """Return the normalised score that a share `rate` of strangers reaches; inverse of `rate`."""
        if rate <= self.tail.rate:
            return self.tail.start + self.tail.excess(rate / self.tail.rate)
        return float(np.interp(-math.log(rate), -np.log(self.rates), self.scores))

    def relative_spread(self, rate: float) -> float:
        """Return how far the true rate of one probe is from the curve's, relative, standard deviation.

        Between the decades where it was measured it is interpolated, beyond them extrapolated, by the rate's logarithm;
        what the number of pairs leaves open is added. Everybody reaches some score: at a rate of 1 there is no spread.
        """
        known = {0: 0.0} | self.spread
        decades = sorted(known, reverse=True)
        values = [known[decade] for decade in decades]
        at = math.log10(rate)
        between = float(np.interp(-at, [-decade for decade in decades], values))
        if at < decades[-1] and len(decades) > 1:
            slope = max(values[-1] - values[-2], 0.0) / (decades[-2] - decades[-1])
            between = min(values[-1] + slope * (decades[-1] - at), MOST_SPREAD)
        return math.sqrt(between**2 + 1.0 / (1.0 + rate * self.pairs))


def expected_strangers(score: float, place: Proportion, curve: StrangerCurve, *, people: int) -> Strangers:
    """Estimate how many of the people searched, other than the mate, score at least as high.

    Where more than a fiftieth of the probe's own cohort scores as high, their share counts, brought into line with what
    share of real strangers that stands for; above, the curve over many probes at the normalised score, which holds the
    probe's own best hundredth.

    Args:
        score: Cosine of the candidate.
        people: Subjects searched; the candidate is not counted among the strangers.

    Source:
        Mean of a binomial count, people - 1 trials; the interval is log-normal around the true rate of one probe
        (Johnson, Kotz, Balakrishnan, "Continuous Univariate Distributions" 1, 1994, chapter 14): see
        docs/scores-derivation.md.
    """
    others = max(people - 1, 0)
    share = place.share_above(score)
    if share >= HIGHEST_RATE:
        rate, sampled = share**curve.body, (1 - share) / (share * COHORT)
    else:
        rate, sampled = min(curve.rate(score - place.offset), HIGHEST_RATE**curve.body), 0.0
    if rate < curve.floor:
        return Strangers(known=Known.FEWER_THAN, expected=others * curve.floor)
    sigma2 = math.log1p(sampled + curve.relative_spread(rate) ** 2)
    middle, wide = others * rate * math.exp(-sigma2 / 2), math.exp(WIDTH * math.sqrt(sigma2))
    return Strangers(known=Known.ESTIMATED, expected=others * rate, low=middle / wide, high=middle * wide)


def fit_curve(exceedances: Scores, probes: Counts, *, strangers: Counts, above_tenth: Counts) -> StrangerCurve:
    """Make the curve from the normalised scores of many probes against their strangers.

    Args:
        exceedances: float64, shape (n,): all normalised scores above one that more than `HIGHEST_RATE` reach.
        probes: int64, shape (n,): whose, from 0.
        strangers: int64, shape (probes,): how many each probe was compared with.
        above_tenth: int64, shape (probes,): how many of them score what a tenth of the probe's cohort reaches.

    Source:
        The body's exponent: Lehmann 1953, "The power of rank tests", section 4. Empirical below, generalised Pareto
        above a threshold: Pickands 1975, "Statistical inference using extreme order statistics"; Davison, Smith 1990,
        "Models for exceedances over high thresholds". The threshold is the one of `TAIL_SIZES` whose fit has the least
        Kolmogorov-Smirnov distance times the root of its size, after Clauset, Shalizi, Newman 2009, "Power-law
        distributions in empirical data", section 3.3.
    """
    pairs = int(np.sum(strangers))
    falling = np.sort(exceedances)[::-1]
    tail = fit_tail(falling, pairs)
    ranks = np.unique(np.geomspace(tail.size, HIGHEST_RATE * pairs, BODY_POINTS).astype(np.int64))
    ranks = ranks[ranks <= len(falling)]
    scores, first = np.unique(falling[ranks - 1], return_index=True)
    tenth = float(above_tenth.sum()) / pairs
    return StrangerCurve(
        scores=scores.tolist(),
        rates=(ranks[first] / pairs).tolist(),
        tail=tail,
        pairs=pairs,
        spread={-1: _apart(above_tenth, tenth * strangers)} | _spread(falling, exceedances, probes, strangers),
        body=-math.log10(tenth),
    )


def fit_tail(falling: Scores, pairs: int) -> Tail:
    """Fit the generalised Pareto tail to the largest of the scores; see `fit_curve`."""
    fits: list[tuple[float, Tail]] = []
    for size in TAIL_SIZES:
        if size > len(falling) // 4 and fits:
            break
        start = float(falling[min(size, len(falling) - 1)])
        excesses = np.sort(falling[: min(size, len(falling) - 1)] - start)
        shape, _, scale = genpareto.fit(excesses, floc=0.0)
        steps = np.arange(1, len(excesses) + 1) / len(excesses)
        distance = float(np.abs(genpareto.cdf(excesses, shape, scale=scale) - steps).max()) * math.sqrt(len(excesses))
        tail = Tail(start=start, rate=len(excesses) / pairs, shape=shape, scale=scale, size=len(excesses))
        fits.append((distance, tail))
    return min(fits, key=lambda fit: fit[0])[1]


def _spread(falling: Scores, exceedances: Scores, probes: Counts, strangers: Counts) -> dict[int, float]:
    """Measure how far probes' own rates are apart, at each decade where there is enough to count."""
    pairs, spread = int(strangers.sum()), dict[int, float]()
    for decade in range(-2, -9, -1):
        rank = int(pairs * 10.0**decade)
        if rank < FEWEST_COUNTED * len(strangers) or rank > len(falling):
            continue
        counts = np.bincount(probes[exceedances >= falling[rank - 1]], minlength=len(strangers))
        spread[decade] = _apart(counts, rank / pairs * strangers)
    return spread


def _apart(counts: Counts, expected: NDArray[np.floating]) -> float:
    """Return the relative standard deviation of the means of counts: their variance beyond the Poisson part.

    Source:
        Moment estimator of overdispersion: Cameron, Trivedi, "Regression Analysis of Count Data", 2013, section 3.3.
    """
    beyond = float((((counts - expected) / expected) ** 2 - 1 / expected).mean())
    return math.sqrt(max(beyond, BEST / COHORT * 1e-2))


def in_short(strangers: Strangers) -> str:
    """Say it in a table's cell: `3`, `1 in 450`, `< 1 in 75 million`, `not known`."""
    if strangers.known is Known.NOT_KNOWN or strangers.expected is None:
        return "not known"
    return ("< " if strangers.known is Known.FEWER_THAN else "") + _short(strangers.expected)


def interval_in_short(strangers: Strangers) -> str:
    """Say the 90 % interval: `1.2 to 8.3`, `1 in 1,200 to 1 in 160`; nothing where there is none."""
    if not strangers.low or not strangers.high:
        return ""
    ends = (f"{end:.2g}" if 0.5 <= end < 9.5 else _short(end) for end in (strangers.low, strangers.high))
    return " to ".join(ends)


def _short(number: float) -> str:
    if number <= 0:
        return "0"
    return f"1 in {rounded(1 / number)}" if number < 0.5 else rounded(number)


def in_words(strangers: Strangers, *, people: int) -> str:
    """Say it to a person: `about 3 other people among 1.2 million would look this similar`."""
    if people <= 1:
        return "there is nobody else to be compared with"
    among = f"among {rounded(people)}"
    if strangers.known is Known.NOT_KNOWN or strangers.expected is None:
        return f"how many others {among} would look this similar is not known"
    # A bound that counts templates may be above the number of others; nobody wants to be told that.
    number = min(strangers.expected, people - 1)
    if number < 0.5:
        odds = rounded(1 / number)
        if strangers.known is Known.FEWER_THAN:
            return f"fewer than 1 chance in {odds} that anybody else {among} would look this similar"
        return f"about 1 chance in {odds} that anybody else {among} would look this similar"
    people_word = "person" if rounded(number) == "1" else "people"
    prefix = "fewer than" if strangers.known is Known.FEWER_THAN else "about"
    return f"{prefix} {rounded(number)} other {people_word} {among} would look this similar"


def rounded(number: float) -> str:
    """Return a count as people say it, to two digits: 3, 47, 12,000, 1.2 million."""
    if number < 9.5:
        return f"{number:.0f}"
    digits = 10 ** (math.floor(math.log10(number)) - 1)
    value = round(number / digits) * digits
    if value >= 1_000_000_000:
        return f"{value / 1_000_000_000:g} billion"
    if value >= 1_000_000:
        return f"{value / 1_000_000:g} million"
    return f"{value:,.0f}"

"""What scores mean here: the model pack's cohort and the calibration in use, put beside one search."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from countenance.core.arrays import Templates
from countenance.core.errors import InvalidInputError
from countenance.search.calibration import Calibration
from countenance.search.cohort import STRIP_LOW, STRIP_STEP, Proportion, ReferenceCohort
from countenance.search.strangers import HIGHEST_RATE, Strangers, expected_strangers


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreScale:
    """A pack's cohort and the calibration in use."""

    cohort: ReferenceCohort
    calibration: Calibration

    def place(self, probe: Templates, *, subjects: int, templates: int, active: int) -> "PlacedProbe":
        """Compare a probe with the cohort, for a search of the gallery as it is now.

        Args:
            probe: float32, shape (1, d); not modified.
            subjects: How many the search may look at.
            templates: How many these have.
            active: How many subjects all active sources have, those included that this search may not look at.
        """
        return PlacedProbe(
            proportion=self.cohort.place(probe),
            calibration=self.calibration,
            people=self.calibration.people(subjects=subjects, templates=templates),
            stale=self.calibration.is_stale(active),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedProbe:
    """One probe on the scale.

    Attributes:
        people: How many people the search was one of: see `Calibration.people`.
        stale: The gallery has changed so much that the calibration should be made again.
    """

    proportion: Proportion
    calibration: Calibration
    people: int
    stale: bool

    def normalised(self, score: float) -> float:
        """Return a cosine less the probe's offset: comparable over probes, not only within one search."""
        return score - self.proportion.offset

    def strangers(self, score: float) -> Strangers:
        """Estimate how many others would score as high."""
        return expected_strangers(score, self.proportion, self.calibration.curve, people=self.people)

    def threshold(self, fpir: float) -> float:
        """Return the cosine that a stranger reaches in a share `fpir` of searches with probes like this one.

        Raises:
            InvalidInputError: code `fpir-out-of-reach`; the calibration doesn't reach that far.

        Source:
            FPIR(N, T) = 1 - exp(-expected strangers) where these are many and rare: Grother, Ngan, Hanaoka, FRTE 1:N,
            section on false positive identification; solved for T.
        """
        rate = -math.log1p(-fpir) / max(self.people - 1, 1)
        curve = self.calibration.curve
        if rate < curve.floor:
            least = -math.expm1(-curve.floor * max(self.people - 1, 1))
            raise InvalidInputError(
                f"an FPIR of {fpir:g} among {self.people:,} people is out of the calibration's reach",
                code="fpir-out-of-reach",
                hint=f"ask for {least:.2g} or more, or calibrate over a larger gallery",
            )
        return min(curve.score_at(min(rate, HIGHEST_RATE)) + self.proportion.offset, 1.0)

    def facts(self, fpir: float | None) -> "ScaleFacts":
        """Return what the answer keeps."""
        return ScaleFacts(
            fpir=fpir,
            offset=self.proportion.offset,
            people=self.people,
            made_from=self.calibration.made_from,
            made_at=self.calibration.made_at,
            data=self.calibration.data,
            stale=self.stale,
            strip_low=STRIP_LOW,
            strip_step=STRIP_STEP,
            strip=self.proportion.strip(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleFacts:
    """What an answer keeps of the scale, so that it says the same for ever, whatever becomes of the gallery.

    Attributes:
        fpir: The share of searches that may return a stranger, where the threshold was set by it.
        offset: What was subtracted from each score to normalise it.
        people: How many people were searched.
        data: Hex SHA-256 of the templates that the calibration was made from.
        strip: Share of strangers in each bin of score, from `strip_low` in steps of `strip_step`.
    """

    fpir: float | None
    offset: float
    people: int
    made_from: Literal["gallery", "population"]
    made_at: datetime
    data: str
    stale: bool
    strip_low: float
    strip_step: float
    strip: tuple[float, ...]

"""Error rates of parts of the searches: groups that the user's own table names, and bands of quality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from countenance.evaluation.metrics import metrics_at
from countenance.evaluation.model import Estimate, Searches
from countenance.evaluation.resampling import apart, estimates
from countenance.vision.model import Quality

BANDS = 3
"""Bands of a quality measure: thirds of the searches, so that each has enough of them."""

UNKNOWN = "(not given)"
"""The label of searches that have none."""

MEASURES: Mapping[str, tuple[str, Callable[[Quality], float]]] = {
    "eye_distance": ("eyes apart, pixels", lambda quality: quality.eye_distance),
    "sharpness": ("sharpness", lambda quality: quality.sharpness),
    "brightness": ("brightness, grey level", lambda quality: quality.brightness),
    "yaw": ("turned to a side, degrees", lambda quality: abs(quality.yaw)),
}
"""What bands are made of: title, and the measure of one face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The searches with one label, all at one threshold.

    Attributes:
        mated: How many mated searches.
        non_mated: How many non-mated searches.
        subjects: How many people's they are.
        refused: How many of the searches had no template.
        fnir: FNIR(N, N, T) of these.
        fpir: FPIR(N, T) of these.
    """

    label: str
    mated: int
    non_mated: int
    subjects: int
    refused: int
    fnir: Estimate
    fpir: Estimate

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "label": self.label,
            "mated": self.mated,
            "non_mated": self.non_mated,
            "subjects": self.subjects,
            "refused": self.refused,
            "fnir": self.fnir.as_json(),
            "fpir": self.fpir.as_json(),
        }


def broken_down(searches: Searches, labels: Sequence[str], *, threshold: float) -> tuple[Part, ...]:
    """Measure each label's searches at one threshold for all, as somebody who sets one threshold would see them.

    Args:
        labels: One a search.

    Source:
        Differential performance at a common threshold, ISO/IEC 19795-10:2024.
    """
    array = np.asarray(labels, dtype=object)
    parts = []
    for label in _in_order(labels):
        part = searches.only(array == label)
        measured = estimates(metrics_at(threshold), part)
        parts.append(
            Part(
                label=label,
                mated=int(part.mated.sum()),
                non_mated=int((~part.mated).sum()),
                subjects=int(np.unique(part.subjects).size),
                refused=int(np.count_nonzero(~part.acquired)),
                fnir=measured["fnir_at_threshold"],
                fpir=measured["fpir_at_threshold"],
            )
        )
    return tuple(parts)


def apart_json(searches: Searches, labels: Sequence[str], *, threshold: float) -> list[dict[str, Any]]:
    """Return each label's error rates minus those of all others, with intervals, as plain JSON types.

    Args:
        labels: One a search, the same for all searches of a subject.

    Source:
        Differentials in false positive and false negative rates, ISO/IEC 19795-10:2024.
    """
    array = np.asarray(labels, dtype=object)
    found = []
    for label in _in_order(labels):
        inside = array == label
        if not inside.all():
            these, others = (estimates(metrics_at(threshold), searches.only(part)) for part in (inside, ~inside))
            fnir, fpir = (apart(others[name], these[name]).as_json() for name in metrics_at(threshold))
            found.append({"label": label, "fnir": fnir, "fpir": fpir})
    return found


def quality_bands(qualities: Sequence[Quality | None], measure: str) -> list[str]:
    """Label each search with its band of a quality measure, in words that sort by the band.

    Args:
        qualities: One a search; None where no face was found.
        measure: A key of MEASURES.
    """
    _, value_of = MEASURES[measure]
    values = np.array([np.nan if quality is None else value_of(quality) for quality in qualities])
    edges = np.nanquantile(values, np.linspace(0, 1, BANDS + 1)) if np.isfinite(values).any() else np.zeros(0)
    labels = np.full(len(values), UNKNOWN, dtype=object)
    for number, (low, high) in enumerate(pairwise(edges.tolist()), start=1):
        chosen = (values >= low) if number == 1 else (values > low)
        labels[chosen & (values <= high)] = f"{number}: {low:.0f} to {high:.0f}"
    return list(labels)


def _in_order(labels: Sequence[str]) -> list[str]:
    """Return the labels once each; UNKNOWN comes last."""
    return sorted(set(labels), key=lambda label: (label == UNKNOWN, label))

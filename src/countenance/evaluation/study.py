"""A whole study of identification: error rates, and what they depend on, from one reading of the photographs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from countenance.core.arrays import Scores
from countenance.evaluation.acquisition import Acquired, Sample
from countenance.evaluation.breakdown import MEASURES, Part, apart_json, broken_down, quality_bands
from countenance.evaluation.duplicates import SuspectedDuplicate, suspected_duplicates
from countenance.evaluation.gates import GateRule
from countenance.evaluation.groups import Groups
from countenance.evaluation.growth import grown, sizes
from countenance.evaluation.identification import IdentificationResult, evaluate_identification
from countenance.evaluation.metrics import (
    IDENTIFICATION_METRICS,
    SET_BY_FPIR,
    Metric,
    metric_json,
    metrics_at,
    threshold_of,
)
from countenance.evaluation.model import Searches
from countenance.evaluation.protocol import Protocol
from countenance.evaluation.resampling import bootstrap_json, estimates, paired_estimates
from countenance.search.cohort import ReferenceCohort
from countenance.vision.population import Population

COMMON = ("fnir_at_fpir_0.01", "fnir_at_fpir_0.1")
"""Whose threshold parts of the searches are compared at: the first that the data can show, else the one in use."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """One protocol, one model pack.

    Attributes:
        protocol: What was to be searched.
        acquired: What came of its photographs, without a gate.
        gate: Which gates hold in the figures that don't say otherwise.
        threshold: T in use.
        groups: The user's own; None where there are none.
    """

    protocol: Protocol
    acquired: Acquired
    gate: GateRule
    threshold: float
    groups: Groups | None = None

    @cached_property
    def result(self) -> IdentificationResult:
        """The searches under the chosen gates."""
        return evaluate_identification(self.protocol, self.acquired, self.gate)

    @cached_property
    def by_gate(self) -> Mapping[GateRule, IdentificationResult]:
        """The searches with the product's gates, and with none."""
        return {
            rule: self.result if rule is self.gate else evaluate_identification(self.protocol, self.acquired, rule)
            for rule in GateRule
        }

    @cached_property
    def common_threshold(self) -> float:
        """T that parts are compared at."""
        found = (threshold_of(IDENTIFICATION_METRICS[name], self.result.searches) for name in COMMON)
        return next((threshold for threshold in found if threshold is not None), self.threshold)

    @cached_property
    def duplicates(self) -> tuple[SuspectedDuplicate, ...]:
        """Pairs of subjects who look more alike than half of the mates do, or stand beside the same file."""
        samples, owners = [], []
        for row in self.protocol.rows:
            one = self.acquired[row.reference]
            if isinstance(one, Sample):
                samples.append(one)
                owners.append(row.subject)
        return suspected_duplicates(samples, owners, threshold=self.duplicate_threshold)

    @cached_property
    def duplicate_threshold(self) -> float:
        """Median of the mates' scores without a gate; 1 where there are none. The same file is found whatever it is."""
        scores = self.by_gate[GateRule.NONE].searches.mate_scores
        known = scores[np.isfinite(scores)]
        return float(np.median(known)) if known.size else 1.0

    @cached_property
    def without_duplicates(self) -> IdentificationResult | None:
        """The searches without the subjects who may stand under two names; None where nothing is left."""
        suspects = {name for pair in self.duplicates for name in (pair.first, pair.second)}
        rest = self.protocol.without(suspects)
        return evaluate_identification(rest, self.acquired, self.gate) if rest.gallery and rest.probes else None

    def as_json(self) -> dict[str, Any]:
        """Return everything but growth and comparison as plain JSON types."""
        return {
            **self.result.as_json(),
            "bootstrap": bootstrap_json(),
            "metrics": metrics_json(IDENTIFICATION_METRICS, self.result.searches),
            "in_use": {
                "threshold": self.threshold,
                "metrics": metrics_json(metrics_at(self.threshold), self.result.searches),
            },
            "abstention": self._abstention_json(),
            "quality": self._quality_json(),
            "groups": self._groups_json(),
            "duplicates": self._duplicates_json(),
        }

    def _abstention_json(self) -> dict[str, Any]:
        """Return what the product's gates refuse, and the error rates without, with, and among what they accept."""
        gated, free = self.by_gate[GateRule.PRODUCT], self.by_gate[GateRule.NONE]
        refused = free.searches.acquired & ~gated.searches.acquired
        chosen = gated.searches.acquired
        return {
            "probes": len(refused),
            "refused": int(refused.sum()),
            "refused_mated": int((refused & gated.searches.mated).sum()),
            "without_gate": metrics_json(IDENTIFICATION_METRICS, free.searches),
            "with_gate": metrics_json(IDENTIFICATION_METRICS, gated.searches),
            "accepted_only": metrics_json(IDENTIFICATION_METRICS, gated.searches.only(chosen))
            if chosen.any()
            else None,
        }

    def _quality_json(self) -> dict[str, Any]:
        """Return error rates by band of each quality measure, without a gate."""
        free = self.by_gate[GateRule.NONE]
        samples = (self.acquired[row.reference] for row in self.protocol.probes)
        qualities = [one.quality if isinstance(one, Sample) else None for one in samples]
        bands = {
            measure: {
                "title": title,
                "parts": _parts_json(
                    broken_down(free.searches, quality_bands(qualities, measure), threshold=self.common_threshold)
                ),
            }
            for measure, (title, _) in MEASURES.items()
        }
        return {"threshold": self.common_threshold, "gate": GateRule.NONE.value, "measures": bands}

    def _groups_json(self) -> dict[str, Any] | None:
        """Return error rates and refusals by the user's groups, with the product's gates and without any."""
        if self.groups is None:
            return None
        subjects = [row.subject for row in self.protocol.probes]
        labels = {column: self.groups.labels(column, subjects) for column in self.groups.columns}
        columns = {column: self._column_json(of_probes) for column, of_probes in labels.items()}
        rows = self.groups.subjects
        return {
            "threshold": self.common_threshold,
            "columns": columns,
            "probes_without_row": sum(subject not in rows for subject in subjects),
            "rows_without_probe": len(rows - set(subjects)),
        }

    def _column_json(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return one way of grouping; `labels` are the probes'."""
        parts = {
            name: _parts_json(broken_down(self.by_gate[rule].searches, labels, threshold=self.common_threshold))
            for name, rule in (("with_gate", GateRule.PRODUCT), ("without_gate", GateRule.NONE))
        }
        gated = self.by_gate[GateRule.PRODUCT].searches
        return {**parts, "differences": apart_json(gated, labels, threshold=self.common_threshold)}

    def _duplicates_json(self) -> dict[str, Any]:
        """Return who may stand under two names, and the error rates without them."""
        rest = self.without_duplicates
        return {
            "threshold": self.duplicate_threshold,
            "pairs": [pair.as_json() for pair in self.duplicates],
            "without": None
            if rest is None
            else {**rest.as_json(), "metrics": metrics_json(IDENTIFICATION_METRICS, rest.searches)},
        }


def growth(
    study: Study, population: Population, *, largest: int, on_progress: Callable[[int], None] = lambda _: None
) -> tuple[Searches, ...]:
    """Repeat the searches in galleries up to a size, filled up with made-up strangers: see `evaluation.growth`."""
    searches, templates = study.result.searches, study.result.templates
    wanted = sizes(searches.gallery_size, largest)
    return tuple(grown(searches, templates, population, wanted, on_progress=on_progress))


def growth_json(study: Study, steps: tuple[Searches, ...], population: Population) -> dict[str, Any]:
    """Return the error rates at each size; all but the first gallery's people are mostly made up, and that is said."""
    real, offsets = steps[0].gallery_size, _offsets(study.result, population)
    return {
        "note": "galleries are filled up with made-up strangers: templates drawn from a model, no photographs",
        "population": population.digest,
        "steps": [
            {
                "N": step.gallery_size,
                "made_up": step.gallery_size - real,
                "metrics": metrics_json(IDENTIFICATION_METRICS, step),
                "normalised": metrics_json(SET_BY_FPIR, step.normalised(offsets)),
            }
            for step in steps
        ],
    }


def normalised(result: IdentificationResult, population: Population) -> Searches:
    """Return the searches with the normalised score: the cosine less what strangers score with the same probe."""
    return result.searches.normalised(_offsets(result, population))


def _offsets(result: IdentificationResult, population: Population) -> Scores:
    """Return what normalising takes off each probe's scores."""
    return ReferenceCohort(population).place_all(result.templates).offsets


def comparisons_json(systems: Mapping[str, Searches]) -> list[dict[str, Any]]:
    """Compare every two systems on the same searches, with paired intervals of the differences.

    Args:
        systems: By what to call them; differences are the later one's error rate minus the earlier one's.
    """
    found = []
    for (first, of_first), (second, of_second) in combinations(systems.items(), 2):
        paired = paired_estimates(IDENTIFICATION_METRICS, of_first, of_second)
        metrics = {name: {"title": IDENTIFICATION_METRICS[name].title, **one.as_json()} for name, one in paired.items()}
        found.append({"first": first, "second": second, "metrics": metrics})
    return found


def metrics_json(metrics: Mapping[str, Metric[Searches]], searches: Searches) -> dict[str, Any]:
    """Return metrics with their intervals."""
    found = estimates(metrics, searches)
    return {name: metric_json(metric, searches, found[name]) for name, metric in metrics.items()}


def _parts_json(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    return [part.as_json() for part in parts]

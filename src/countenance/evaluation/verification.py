"""Verification: how often two photographs are rightly told to show one person, or two."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from countenance.evaluation.acquisition import Acquired, FailureToAcquire, Sample, failures, through_gate
from countenance.evaluation.gates import GateRule
from countenance.evaluation.metrics import VERIFICATION_METRICS, fold_accuracies, metric_json, point_estimate
from countenance.evaluation.model import Comparisons, Estimate, UndefinedMetricError
from countenance.evaluation.pairs import PairList


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult:
    """What an evaluation of verification measured.

    Attributes:
        gate: Which gates held.
        comparisons: What was compared.
        photographs: How many the pairs name.
        failures: Photographs without a template, each with its reason.
    """

    gate: GateRule
    comparisons: Comparisons
    photographs: int
    failures: tuple[FailureToAcquire, ...]

    @property
    def failed_pairs(self) -> int:
        """Pairs that count as errors because a template is missing."""
        return int(np.count_nonzero(~self.comparisons.acquired))

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        same = self.comparisons.same
        return {
            "gate": self.gate.value,
            "photographs": self.photographs,
            "pairs": {"same": int(same.sum()), "different": int((~same).sum()), "failed": self.failed_pairs},
            "accuracy": _accuracy_json(self.comparisons),
            "metrics": {
                name: metric_json(metric, self.comparisons, point_estimate(metric, self.comparisons))
                for name, metric in VERIFICATION_METRICS.items()
            },
            "failure_to_acquire_rate": len(self.failures) / self.photographs,
            "failures": [one.as_json() for one in self.failures],
        }


def evaluate_verification(pairs: PairList, acquired: Acquired, gate: GateRule) -> VerificationResult:
    """Compare all pairs.

    Args:
        acquired: What came of each photograph that the pairs name, read without a gate.
    """
    samples = through_gate(acquired, pairs.files, gate.for_probes)
    return VerificationResult(
        gate=gate, comparisons=compared(pairs, samples), photographs=len(samples), failures=failures(samples)
    )


def compared(pairs: PairList, samples: Acquired) -> Comparisons:
    """Score all pairs: cosine similarity in float64, minus infinity where a template is missing."""
    scores = []
    for pair in pairs.pairs:
        first, second = samples[pair.first], samples[pair.second]
        if isinstance(first, Sample) and isinstance(second, Sample):
            product = np.dot(first.template.astype(np.float64), second.template.astype(np.float64))
            scores.append(float(np.clip(product, -1.0, 1.0)))
        else:
            scores.append(-np.inf)
    known = np.asarray(scores, dtype=np.float64)
    return Comparisons(
        scores=known,
        same=np.array([pair.same for pair in pairs.pairs], dtype=np.bool_),
        acquired=known > -np.inf,
        folds=np.array([pair.fold for pair in pairs.pairs], dtype=np.int64),
    )


def _accuracy_json(comparisons: Comparisons) -> dict[str, Any]:
    """Return the cross-validated accuracy, its spread over folds, and each fold's."""
    try:
        folds = fold_accuracies(comparisons)
    except UndefinedMetricError as error:
        undefined = Estimate(value=None, undefined=str(error))
        return {**undefined.as_json(), "standard_deviation": None, "folds": []}
    value = Estimate(value=float(folds.mean()))
    return {**value.as_json(), "standard_deviation": float(folds.std(ddof=1)), "folds": folds.tolist()}
